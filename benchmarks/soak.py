"""Mixed load with faults against one server in, whether memory stayed flat and every accepted request was answered out.

    python benchmarks/soak.py --seconds 600 > benchmarks/results/NAME.soak.json

Clients of every kind ask again and again; others send garbage, NaN, unknown names and wrong sizes, leave in the middle,
or hang up. A request that was refused because the server was full (RESOURCE_EXHAUSTED, 503) was not accepted; every
other one of a client that behaves must be answered in full. Exits with 1 if anything is amiss.
"""

import argparse
import json
import random
import socket
import statistics
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
from served import SPEECH, Server, chunked, composite, serving

import lipstream
from lipstream.clock import now_ms
from lipstream.evaluate.speed.machine import machine, versions
from lipstream.wire.pb import monolithic_pb2, optimized_lipsyncsrv_pb2
from lipstream.wire.pb.monolithic_pb2_grpc import MonolithicServiceStub
from lipstream.wire.pb.optimized_lipsyncsrv_pb2_grpc import OptimizedLipSyncServiceStub

SAMPLE_S = 1.0
FRAMES = 4
GROWTH = 0.03
"""Of memory between the second quarter of a run and its last, at most: caches are full by then."""
SLACK_MB = 16.0
ANSWERED, REFUSED, FAULT = "answered", "refused: the server was full", "fault"


class Unanswered(Exception):  # noqa: N818  what happened
    """A request of a client that behaves was accepted and not answered."""


@dataclass(eq=False)
class Run:
    """What happens meanwhile; counted by all threads."""

    server: Server
    avatar: str
    end_ms: float
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def goes_on(self) -> bool:
        """Whether it is not over yet."""
        return now_ms() < self.end_ms

    def count(self, kind: str, how: str) -> None:
        """Count a request."""
        with self.lock:
            self.counts[f"{kind}: {how}"] += 1

    def amiss(self, sentence: str) -> None:
        """Note what must not happen."""
        with self.lock:
            self.faults.append(sentence)


Client = Callable[[Run, grpc.Channel, random.Random], str]


def batch(run: Run, channel: grpc.Channel, chance: random.Random) -> str:
    """The batch call with raw audio."""
    request = composite(run.avatar, FRAMES, chance.randrange(40))
    answer = MonolithicServiceStub(channel).InferBatchComposite(request)
    return _complete(answer.error, len(answer.composited_frames))


def chunks(run: Run, channel: grpc.Channel, chance: random.Random) -> str:
    """The N+15 call."""
    request = chunked(run.avatar, FRAMES, chance.randrange(40))
    responses = OptimizedLipSyncServiceStub(channel).GenerateBatchWithAudio(request).responses
    return _complete("".join(one.error for one in responses), sum(one.success for one in responses))


def stream(run: Run, channel: grpc.Channel, chance: random.Random) -> str:
    """Frames by number over one stream."""
    first = chance.randrange(40)
    requests = [
        optimized_lipsyncsrv_pb2.OptimizedInferenceRequest(model_name=run.avatar, frame_id=first + frame)
        for frame in range(FRAMES)
    ]
    answers = list(OptimizedLipSyncServiceStub(channel).StreamInference(iter(requests)))
    return _complete("".join(one.error for one in answers), len(answers))


def video(run: Run, channel: grpc.Channel, chance: random.Random) -> str:  # noqa: ARG001  the others' shape
    """Sound over HTTP, an MP4 back."""
    with closing(run.server.http()) as connection:
        connection.request("POST", f"/v1/generate?avatar={run.avatar}", _brief(chance))
        answer = connection.getresponse()
        content = answer.read()
    if answer.status == 503:
        return REFUSED
    if answer.status != 200 or content[4:8] != b"ftyp" or b"moof" not in content:
        raise Unanswered(f"HTTP {answer.status}, {len(content):,} bytes: {content[:200]!r}")
    return ANSWERED


def leaving(run: Run, channel: grpc.Channel, chance: random.Random) -> str:
    """Leaves a call in the middle."""
    call = MonolithicServiceStub(channel).InferBatchComposite.future(composite(run.avatar, 16))
    with suppress(grpc.FutureTimeoutError, grpc.RpcError):
        call.result(timeout=chance.uniform(0, 0.2))
    call.cancel()
    return FAULT


def hanging_up(run: Run, channel: grpc.Channel, chance: random.Random) -> str:  # noqa: ARG001
    """Hangs up while it sends its sound, or while it takes its video."""
    sound = _brief(chance)
    with closing(run.server.http()) as connection, suppress(OSError):
        connection.putrequest("POST", f"/v1/generate?avatar={run.avatar}&format=jpeg")
        connection.putheader("content-length", str(len(sound)))
        connection.endheaders(sound[: chance.choice((len(sound) // 2, len(sound)))])
        connection.sock.settimeout(chance.uniform(0.01, 0.3))
        connection.sock.recv(100)
    return FAULT


def wrong(run: Run, channel: grpc.Channel, chance: random.Random) -> str:
    """Sends what cannot be served; the answer must say so."""
    call = MonolithicServiceStub(channel).InferBatchComposite
    good = {"model_id": run.avatar, "batch_size": 2}
    bad: list[dict[str, Any]] = [
        {"model_id": "nobody"},
        {"batch_size": 33},
        {"raw_audio": bytes(7)},
        {"raw_audio": np.full(6400, np.nan, "<f4").tobytes()},
        {"visual_frames": bytes(1000)},
        {"sample_rate": 3, "raw_audio": bytes(6400)},
    ]
    answer = call(monolithic_pb2.CompositeBatchRequest(**{**good, **chance.choice(bad)}))
    if answer.success or len(answer.error) < 20:
        run.amiss(f"something wrong was answered with success {answer.success}, error {answer.error!r}")
    return FAULT


def garbage(run: Run, channel: grpc.Channel, chance: random.Random) -> str:
    """Sends bytes that are no message, and bytes that are no HTTP."""
    path = "/monolithic.MonolithicService/InferBatchComposite"
    try:
        channel.unary_unary(path)(b"\xff" + chance.randbytes(chance.randrange(2000)))
    except grpc.RpcError as error:
        if error.code() not in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED):
            run.amiss(f"garbage was answered with {error.code()}: {error.details()}")
    for port in (run.server.http_port, int(run.server.grpc_address.rpartition(":")[2])):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as door:
            door.sendall(chance.randbytes(500))
            door.settimeout(0.2)
            door.recv(100)
    return FAULT


CLIENTS: tuple[Client, ...] = (batch, chunks, stream, video)
NUISANCES: tuple[Client, ...] = (leaving, hanging_up, wrong, garbage)


def _complete(error: str, frames: int) -> str:
    if error or frames != FRAMES:
        raise Unanswered(f"{frames} of {FRAMES} frames: {error}")
    return ANSWERED


def _brief(chance: random.Random) -> bytes:
    """A WAV of 0.3 s of speech, whose header promises more."""
    sound = SPEECH.read_bytes()
    start = 44 + 2 * chance.randrange(8_000, 40_000)
    return sound[:44] + sound[start : start + 9600]


def ask_on(run: Run, client: Client, seed: int) -> None:
    """One client, until the run is over."""
    chance, kind = random.Random(seed), client.__name__  # noqa: S311  dice
    with run.server.channel() as channel:
        while run.goes_on:
            try:
                run.count(kind, client(run, channel, chance))
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                    run.count(kind, REFUSED)
                else:
                    run.amiss(f"{kind}: {error.code()}: {error.details()}")
            except Exception as error:  # whatever it is, it must not happen
                run.amiss(f"{kind}: {type(error).__name__}: {error}")


def watch(run: Run) -> None:
    """Sample the server's memory until the run is over."""
    over = threading.Event()
    while run.goes_on:
        run.memory_mb.append(run.server.memory_mb())
        over.wait(SAMPLE_S)


def quarters(memory_mb: list[float]) -> Iterator[float]:
    """Median memory of each quarter."""
    for part in np.array_split(np.array(memory_mb), 4):
        yield round(float(statistics.median(part.tolist() or [0.0])), 1)


def left_behind(server: Server) -> dict[str, float]:
    """What the server still holds once nobody asks any more; all of it must be 0."""
    names = ("lipstream_request_held_bytes", "lipstream_generator_queue_frames", "lipstream_avatar_uses{")
    over = threading.Event()
    for _ in range(100):
        held = {name: value for name, value in server.metrics().items() if name.startswith(names)}
        if not any(held.values()):
            break
        over.wait(0.2)
    return held


def report(avatar: str, seconds: float, copies: int) -> dict[str, Any]:
    """Let them all ask; what came of it."""
    with serving(avatar, server__max_audio_s=30, batching__max_queue_ms=2000) as server:
        run = Run(server, avatar, now_ms() + 1000 * seconds)
        with ThreadPoolExecutor(len(CLIENTS) * copies + len(NUISANCES) + 1) as pool:
            asking = [*CLIENTS * copies, *NUISANCES]
            working = [pool.submit(ask_on, run, client, seed) for seed, client in enumerate(asking)]
            working.append(pool.submit(watch, run))
            for one in working:
                one.result()
        held, alive = left_behind(server), server.process.poll() is None
        exit_code = server.stop()
    memory = list(quarters(run.memory_mb))
    flat = memory[3] <= memory[1] * (1 + GROWTH) + SLACK_MB
    return {
        "schema": "lipstream.soak/1",
        "version": lipstream.__version__,
        "machine": machine(),
        "versions": {**versions(), "grpcio": grpc.__version__},
        "avatar": avatar,
        "seconds": seconds,
        "requests": dict(sorted(run.counts.items())),
        "memory_mb_by_quarter": memory,
        "memory_mb_most": round(max(run.memory_mb), 1),
        "memory_flat": flat,
        "held_afterwards": held,
        "unanswered_or_amiss": len(run.faults),
        "first_amiss": run.faults[:20],
        "exit_code": exit_code,
        "passed": flat and alive and exit_code == 0 and not run.faults and not any(held.values()),
    }


def main() -> None:
    """Print the report as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatar", default="iris")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--copies", type=int, default=2, help="clients of every kind that behaves")
    options = parser.parse_args()
    found = report(options.avatar, options.seconds, options.copies)
    json.dump(found, sys.stdout, indent=2)
    print()
    sys.exit(0 if found["passed"] else 1)


if __name__ == "__main__":
    main()
