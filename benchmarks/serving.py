"""A server under load in, the reference's tables repeated with it out.

    python benchmarks/serving.py > benchmarks/results/NAME.serving.json

Let nothing else run meanwhile. Clients and server share the machine, as on the loopback of the reference's own tables.
Times are medians in ms. `server_ms` is what the server says that it took; `overhead_ms` is the rest of what the client
waited: messages made, sent, parsed and queued. JSON bodies are made before the clock runs.
"""

import argparse
import gzip
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from served import Server, chunked, composite, counted, serving

import lipstream
from lipstream.clock import now_ms
from lipstream.evaluate.speed.machine import machine, versions
from lipstream.wire.pb import inference_pb2
from lipstream.wire.pb.inference_pb2_grpc import InferenceServiceStub
from lipstream.wire.pb.monolithic_pb2_grpc import MonolithicServiceStub
from lipstream.wire.pb.optimized_lipsyncsrv_pb2_grpc import OptimizedLipSyncServiceStub

WORKERS = 5
GZIP_LEVEL = 6  # gRPC's
STAGES = ("model_load_time_ms", "audio_processing_ms", "inference_time_ms", "composite_time_ms")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    avatar: str
    """Whose face."""
    batches: Sequence[int]
    """Batch sizes of the calls."""
    call_frames: Sequence[int]
    """Frames of the calls whose bytes are counted."""
    clients: Sequence[int]
    """Clients at once."""
    worker_frames: int
    """Frames that single-frame workers and batches share out."""
    repeats: int
    """Calls of which the median is taken."""
    seconds: float
    """How long each number of clients asks."""


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """What a call took in ms, and its answer."""
    begin_ms = now_ms()
    answer = work()
    return now_ms() - begin_ms, answer


def medians(rows: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Of (client, server) times; the first, which warms up, is left out where there are more."""
    kept = rows[1:] or rows
    client_ms, server_ms = (statistics.median(column) for column in zip(*kept, strict=True))
    overhead_ms = statistics.median(client - server for client, server in kept)
    return {"client_ms": round(client_ms, 2), "server_ms": round(server_ms, 2), "overhead_ms": round(overhead_ms, 2)}


def crops(batch: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Driving crops as clients of the reference send them, `[b, 6, 320, 320]` in 0..1, of four decimals as in JSON."""
    frame = np.random.default_rng(5).uniform(0, 1, (6, 320, 320)).round(4).astype(np.float32)
    return np.broadcast_to(frame, (batch, *frame.shape))


def features(batch: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Speech features of as many frames, `[b, 8192]`."""
    return np.random.default_rng(6).normal(0, 1, (batch, 8192)).round(4).astype(np.float32)


def json_body(avatar: str, batch: int) -> bytes:
    """The legacy call."""
    frame = ",".join(f"{value:.4f}" for value in crops(1).ravel().tolist())
    sound = ",".join(f"{value:.4f}" for value in features(batch).ravel().tolist())
    visual = ",".join([frame] * batch)
    head = f'{{"model_id":"{avatar}","batch_size":{batch},"audio_features":[{sound}],"visual_frames":['
    return f"{head}{visual}]}}".encode()


def over_json(server: Server, body: bytes) -> dict[str, Any]:
    """Ask the legacy route; its answer with all numbers parsed."""
    with closing(server.http()) as connection:
        connection.request("POST", "/v1/legacy/infer", body, {"content-type": "application/json"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    if not answer["success"]:
        raise RuntimeError(answer["error"])
    return answer


def ask(call: Callable[..., Any], request: object, **options: object) -> Any:  # noqa: ANN401  any answer
    """Ask over gRPC; raises what the answer says went wrong."""
    answer = call(request, **options)
    if not getattr(answer, "success", True):
        raise RuntimeError(answer.error)
    return answer


def by_batch(server: Server, extent: Extent) -> dict[str, Any]:
    """Whole frames over gRPC; and mouths of sent pictures, the same over gRPC and over HTTP as JSON."""
    found: dict[str, Any] = {"grpc_frames": {}, "grpc_mouths": {}, "http_json_mouths": {}}
    with server.channel() as channel:
        whole, mouths = MonolithicServiceStub(channel).InferBatchComposite, InferenceServiceStub(channel).InferBatch
        for batch in extent.batches:
            frames = composite(extent.avatar, batch)
            timings = [timed(lambda frames=frames: ask(whole, frames)) for _ in range(extent.repeats + 1)]
            found["grpc_frames"][batch] = medians([(took, answer.total_time_ms) for took, answer in timings])
            sent = inference_pb2.InferBatchRequest(
                model_id=extent.avatar,
                batch_size=batch,
                visual_frames=crops(batch).tobytes(),
                audio_features=features(batch).tobytes(),
            )
            timings = [timed(lambda sent=sent: ask(mouths, sent)) for _ in range(extent.repeats + 1)]
            found["grpc_mouths"][batch] = medians([(took, answer.inference_time_ms) for took, answer in timings])
            body = json_body(extent.avatar, batch)
            timings = [timed(lambda body=body: over_json(server, body)) for _ in range(min(extent.repeats, 2) + 1)]
            rows = [(took, answer["inference_time_ms"]) for took, answer in timings]
            found["http_json_mouths"][batch] = {**medians(rows), "request_bytes": len(body)}
            found["grpc_mouths"][batch]["request_bytes"] = sent.ByteSize()
    return found


def workers_or_batches(server: Server, extent: Extent) -> dict[str, Any]:
    """The same frames by workers that ask for one each, and by one client in batches; frames a second."""
    frames = extent.worker_frames
    found: dict[str, Any] = {"frames": frames}
    with server.channel() as channel, ThreadPoolExecutor(WORKERS) as workers:
        call = OptimizedLipSyncServiceStub(channel).GenerateBatchWithAudio
        single = [chunked(extent.avatar, 1, first) for first in range(frames)]
        took_ms, _ = timed(lambda: list(workers.map(lambda request: ask(call, request), single)))
        found[f"{WORKERS} workers, a frame each"] = round(1000 * frames / took_ms, 1)
        for batch in (5, 25, 100):
            size = min(batch, frames)
            batches = [chunked(extent.avatar, size, first) for first in range(0, frames, size)]
            took_ms, _ = timed(lambda batches=batches: [ask(call, request) for request in batches])
            found[f"batches of {size}"] = round(1000 * size * len(batches) / took_ms, 1)
    return found


def bytes_sent(server: Server, extent: Extent) -> dict[str, Any]:
    """Bytes of the N+15 call beside N calls with 16 chunks each, plain and compressed, and what compressing costs."""
    found: dict[str, Any] = {}
    with server.channel() as channel:
        call = OptimizedLipSyncServiceStub(channel).GenerateBatchWithAudio
        for frames in extent.call_frames:
            one = chunked(extent.avatar, frames).SerializeToString()
            each = [chunked(extent.avatar, 1, first).SerializeToString() for first in range(frames)]
            found[str(frames)] = {
                "n_plus_15_bytes": len(one),
                "n_times_16_bytes": sum(map(len, each)),
                "saved": round(1 - len(one) / sum(map(len, each)), 4),
                "n_plus_15_gzip_bytes": len(gzip.compress(one, GZIP_LEVEL)),
                "n_times_16_gzip_bytes": sum(len(gzip.compress(request, GZIP_LEVEL)) for request in each),
            }
        request = chunked(extent.avatar, min(20, max(extent.call_frames)))
        ways = {"plain": grpc.Compression.NoCompression, "gzip": grpc.Compression.Gzip}
        for name, way in ways.items():
            runs_ms = [timed(lambda way=way: ask(call, request, compression=way))[0] for _ in range(extent.repeats + 1)]
            found[f"{request.frame_count} frames, {name}, client_ms"] = round(statistics.median(runs_ms[1:]), 2)
    return found


def by_stage(server: Server, extent: Extent, frames: int = 24) -> dict[str, Any]:
    """One batch call with raw audio, stage by stage as it tells, and the share that no stage accounts for."""
    request, rows = composite(extent.avatar, frames), []
    with server.channel() as channel:
        call = MonolithicServiceStub(channel).InferBatchComposite
        for _ in range(extent.repeats + 1):
            took_ms, answer = timed(lambda: ask(call, request))
            stages = {stage: getattr(answer, stage) for stage in STAGES}
            unaccounted = 1 - sum(stages.values()) / answer.total_time_ms
            rows.append(
                {**stages, "total_time_ms": answer.total_time_ms, "client_ms": took_ms, "unaccounted": unaccounted}
            )
    kept = rows[1:]
    return {"frames": frames, **{name: round(statistics.median(row[name] for row in kept), 4) for name in kept[0]}}


def by_clients(extent: Extent, frames: int = 4) -> dict[str, Any]:
    """Clients that ask for a few frames again and again, with frames of all sharing batches and without."""
    found: dict[str, Any] = {"frames_a_call": frames}
    for name, settings in {"batching on": {}, "batching off": {"batching__max_batch": 1}}.items():
        with serving(extent.avatar, **settings) as server:
            levels = {str(clients): one_level(server, extent, clients, frames) for clients in extent.clients}
        rates = [level["frames_per_second"] for level in levels.values()]
        highest = list(np.maximum.accumulate(rates))
        drop = max(1 - rate / most for rate, most in zip(rates, highest, strict=True))
        found[name] = {"clients": levels, "largest_drop_with_more_clients": round(drop, 4)}
    return found


def one_level(server: Server, extent: Extent, clients: int, frames: int) -> dict[str, Any]:
    """So many clients at once, each on a connection of its own."""
    before, begin_ms = server.metrics(), now_ms()
    with ThreadPoolExecutor(clients) as pool:
        waits = list(pool.map(lambda client: list(asking(server, extent, client, frames)), range(clients)))
    took_ms, after = now_ms() - begin_ms, server.metrics()
    all_ms = sorted(wait for each in waits for wait in each)
    runs = counted(before, after, "lipstream_generator_runs_total")
    painted = counted(before, after, "lipstream_generator_frames_total")
    percentiles = {f"p{percent}_ms": round(float(np.percentile(all_ms, percent)), 1) for percent in (50, 95, 99)}
    return {
        "calls": len(all_ms),
        "frames_per_second": round(1000 * frames * len(all_ms) / took_ms, 1),
        **percentiles,
        "mean_batch": round(painted / runs, 2) if runs else 0.0,
    }


def asking(server: Server, extent: Extent, client: int, frames: int) -> Iterator[float]:
    """One client's calls, one after the other; what each took in ms."""
    end_ms = now_ms() + 1000 * extent.seconds
    with server.channel() as channel:
        call = MonolithicServiceStub(channel).InferBatchComposite
        request = composite(extent.avatar, frames, first=10 * client)
        while True:
            yield timed(lambda: ask(call, request))[0]
            if now_ms() > end_ms:
                return


def report(extent: Extent) -> dict[str, Any]:
    """All figures, with what they were measured on."""
    with serving(extent.avatar) as server:
        alone = {
            "by_batch": by_batch(server, extent),
            "workers_or_batches": workers_or_batches(server, extent),
            "bytes": bytes_sent(server, extent),
            "by_stage": by_stage(server, extent),
        }
    return {
        "schema": "lipstream.serving/1",
        "version": lipstream.__version__,
        "machine": machine(),
        "versions": {**versions(), "grpcio": grpc.__version__},
        "avatar": extent.avatar,
        "repeats": extent.repeats,
        "seconds_a_level": extent.seconds,
        **alone,
        "by_clients": by_clients(extent),
    }


def main() -> None:
    """Print the report as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatar", default="iris")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 5, 10, 25])
    parser.add_argument("--call-frames", type=int, nargs="+", default=[4, 20, 100, 240, 500])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--worker-frames", type=int, default=100, help="shared out among workers or batches")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=15, help="for each number of clients")
    options = parser.parse_args()
    json.dump(report(Extent(**vars(options))), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
