import json
import re
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from running import PATIENCE_S, Running, running

from lipstream.avatar.eviction import Limits, least_recently_used
from lipstream.clock import now_ms
from lipstream.errors import BusyError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.batch import Batcher, BatchLimits
from lipstream.pipeline.session import Passed
from lipstream.serve.access import Guard
from lipstream.serve.answered import OK, Answered
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance, Call
from lipstream.serve.core import Core, Spent
from lipstream.serve.gpus import Gpu
from lipstream.serve.live.metrics import LiveMetrics
from lipstream.serve.live.opening import Floor
from lipstream.serve.metrics import SECONDS, Metrics
from lipstream.serve.placement import Device
from lipstream.serve.quotas import Quotas
from lipstream.serve.registry import Registry
from lipstream.serve.rpc import Calls
from lipstream.serve.timed import timed
from lipstream.serve.tokens import Tokens
from lipstream.serve.wires import monolithic
from lipstream.types import Float32, Patches, Pcm, Visual
from lipstream.wire.pb import monolithic_pb2 as pb
from lipstream.wire.pb.monolithic_pb2_grpc import MonolithicServiceStub

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "lipstream.json"
MEGABYTE = 2**20
EVERYBODY = Guard(None, Tokens(), Quotas(), now_ms)
ASKED = {"service": "monolithic.MonolithicService", "method": "InferBatchComposite"}


def samples(metrics: Metrics) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(metrics.exposition()[0].decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return {frozenset(one.items()): number for one, number in samples(metrics)[name]}[frozenset(labels.items())]


def total(metrics: Metrics, name: str) -> float:
    return sum(number for _, number in samples(metrics)[name])


def raw_call(server: Running, method: str) -> Any:  # noqa: ANN401  its stub wants messages
    return server.channel.unary_unary(f"/monolithic.MonolithicService/{method}")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def metered(registry: Registry[Avatar], avatars: Avatars, metrics: Metrics) -> Iterator[Running]:
    """A server that tells everything to `metrics`."""
    allowance = Allowance(400 * MEGABYTE)
    with (
        Batcher(BatchLimits(window_ms=0), now_ms, observe=metrics.ran) as batcher,
        ThreadPoolExecutor(4) as workers,
    ):
        core = Core(registry, batcher, now_ms)
        metrics.watch_batches(batcher.stats)
        metrics.watch_avatars(registry.snapshot)
        metrics.watch_bytes(lambda: allowance.held_bytes)
        metrics.watch_log(lambda: 0)
        calls = Calls(workers, allowance, EVERYBODY.admit, (metrics.answered,))
        with running(calls, {monolithic.SERVICE: monolithic.Monolithic(core, avatars)}) as server:
            yield server


def test_metrics_model_stats_and_health_agree_about_real_calls(metered: Running, metrics: Metrics, hello: Pcm) -> None:
    stub = MonolithicServiceStub(metered.channel)
    for model in ("tiny", "tiny", "default_model"):
        request = pb.CompositeBatchRequest(model_id=model, batch_size=8, start_frame_idx=10, raw_audio=hello.tobytes())
        assert stub.InferBatchComposite(request, timeout=PATIENCE_S).success
    assert not stub.InferBatchComposite(pb.CompositeBatchRequest(model_id="nobody", batch_size=1)).success
    with pytest.raises(grpc.RpcError):
        raw_call(metered, "InferBatchComposite")(b"\xff", timeout=PATIENCE_S)
    (tiny,) = [one for one in stub.GetModelStats(pb.GetModelStatsRequest()).models if one.model_id == "tiny"]
    health = stub.Health(pb.HealthRequest())

    assert value(metrics, "lipstream_requests_total", **ASKED, status="OK") == 3
    assert value(metrics, "lipstream_requests_total", **ASKED, status="IN_BAND_ERROR") == 1
    assert value(metrics, "lipstream_requests_total", **ASKED, status="INVALID_ARGUMENT") == 1
    assert value(metrics, "lipstream_request_duration_seconds_count", **ASKED) == 5
    assert value(metrics, "lipstream_avatar_requests_total", avatar="tiny") == tiny.request_count == 3
    waited_ms = value(metrics, "lipstream_avatar_generator_seconds_total", avatar="tiny") * 1000
    assert tiny.total_inference_ms == round(waited_ms) > 0
    assert value(metrics, "lipstream_avatars_loaded") == health.loaded_models == 1
    assert value(metrics, "lipstream_avatar_memory_bytes", avatar="tiny", device="cpu") == tiny.memory_mb * MEGABYTE
    assert value(metrics, "lipstream_avatar_loads_total", avatar="tiny") == 1
    assert value(metrics, "lipstream_avatar_uses", avatar="tiny") == 0
    assert "nobody" not in metrics.exposition()[0].decode()


def test_stages_of_real_calls_are_parts_of_their_duration(metered: Running, metrics: Metrics, hello: Pcm) -> None:
    request = pb.CompositeBatchRequest(model_id="tiny", batch_size=8, start_frame_idx=10, raw_audio=hello.tobytes())
    assert MonolithicServiceStub(metered.channel).InferBatchComposite(request, timeout=PATIENCE_S).success
    took = {labels["stage"]: number for labels, number in samples(metrics)["lipstream_request_stage_seconds_sum"]}
    assert took.keys() == {"load", "audio", "visual", "paint", "blend", "encode"}
    duration = value(metrics, "lipstream_request_duration_seconds_sum", **ASKED)
    assert 0 < sum(took.values()) <= duration
    assert value(metrics, "lipstream_frames_total") == 8
    painted = value(metrics, "lipstream_generator_frames_total")
    assert 0 < painted <= 8
    assert value(metrics, "lipstream_generator_batch_frames_sum") == painted
    runs = value(metrics, "lipstream_generator_runs_total")
    assert value(metrics, "lipstream_generator_run_seconds_count") == runs
    assert value(metrics, "lipstream_generator_queue_wait_seconds_count") == runs
    assert value(metrics, "lipstream_request_held_bytes") == 0
    assert value(metrics, "process_resident_memory_bytes") > 10 * MEGABYTE


def test_runs_of_the_speech_networks_are_timed(metrics: Metrics, tiny: Avatar) -> None:
    clock = iter(range(10))  # a millisecond a look
    networks = timed(tiny.networks, metrics.heard, lambda: float(next(clock)))
    mel, audio = np.zeros((1, 1, 80, 16), np.float32), np.zeros((2, 32, 16, 16), np.float32)
    assert networks.encoder.run({"mel": mel})["features"].shape == (1, 512)
    for _ in range(2):
        assert networks.articulation.run({"audio": audio})["code"].shape == (2, 12)
    for network, runs in (("encoder", 1), ("articulation", 2)):
        assert value(metrics, "lipstream_speech_run_seconds_count", network=network) == runs
        assert value(metrics, "lipstream_speech_run_seconds_sum", network=network) == pytest.approx(runs / 1000)
    assert (networks.encoder.name, networks.encoder.device) == (tiny.networks.encoder.name, "cpu")


class Held(monolithic.Monolithic):
    """Does not list its models before it may."""

    entered, may = Event(), Event()

    def list_models(self, request: pb.ListModelsRequest, call: Call) -> pb.ListModelsResponse:
        self.entered.set()
        self.may.wait(PATIENCE_S)
        if call.gone.done():
            raise CancelledError
        return super().list_models(request, call)


def test_a_request_under_way_holds_bytes_and_one_that_is_left_was_cancelled(
    core: Core, avatars: Avatars, metrics: Metrics
) -> None:
    allowance, told = Allowance(MEGABYTE), Event()
    metrics.watch_bytes(lambda: allowance.held_bytes)
    target, raw = Held(core, avatars), b"\x10\x01" * 50  # an unknown field

    def observe(answered: Answered) -> None:
        metrics.answered(answered)
        told.set()

    with ThreadPoolExecutor(1) as workers:
        calls = Calls(workers, allowance, EVERYBODY.admit, (observe,))
        with running(calls, {monolithic.SERVICE: target}) as server:
            call = raw_call(server, "ListModels").future(raw)
            assert target.entered.wait(PATIENCE_S)
            assert value(metrics, "lipstream_request_held_bytes") == len(raw)
            call.cancel()
            assert told.wait(PATIENCE_S)
            target.may.set()
    labels = {**ASKED, "method": "ListModels"}
    assert samples(metrics)["lipstream_requests_total"] == [({**labels, "status": "CANCELLED"}, 1)]
    assert value(metrics, "lipstream_request_held_bytes") == 0


class Painter:
    """Paints black when it may."""

    def __init__(self) -> None:
        self.entered, self.may = Event(), Event()

    def generate(self, visual: Visual, codes: Float32) -> Patches:
        self.entered.set()
        assert self.may.wait(PATIENCE_S)
        return np.zeros((len(codes), 3, *visual.shape[2:]), np.float32)


def test_frames_that_wait_and_frames_that_are_refused_are_told(metrics: Metrics) -> None:
    painter, frame = Painter(), (np.zeros((6, 2, 2), np.float32), np.zeros(12, np.float32))
    limits = BatchLimits(max_batch=4, window_ms=0, max_waiting_frames=2)
    with Batcher(limits, lambda: 0.0, observe=metrics.ran) as batcher:
        metrics.watch_batches(batcher.stats)
        batcher.submit(painter, *frame)
        assert painter.entered.wait(PATIENCE_S)
        waiting = [batcher.submit(painter, *frame) for _ in range(2)]
        with pytest.raises(BusyError):
            batcher.submit(painter, *frame)
        assert value(metrics, "lipstream_generator_queue_frames") == 2
        assert value(metrics, "lipstream_generator_frames_refused_total") == 1
        painter.may.set()
        assert all(patch.result(PATIENCE_S).shape == (3, 2, 2) for patch in waiting)
    assert value(metrics, "lipstream_generator_queue_frames") == 0
    assert value(metrics, "lipstream_generator_frames_total") == 3
    assert value(metrics, "lipstream_generator_batch_frames_bucket", le="1.0") == 1
    assert value(metrics, "lipstream_generator_batch_frames_bucket", le="2.0") == 2


def test_loads_and_evictions_are_counted_by_avatar(metrics: Metrics) -> None:
    registry: Registry[str] = Registry(
        lambda name, _: name,
        lambda _: None,
        lambda _: 5,
        limits=Limits(count=1),
        policy=least_recently_used(),
        devices=[Device("cpu")],
        now_ms=lambda: 0.0,
        unix_ms=lambda: 0,
    )
    metrics.watch_avatars(registry.snapshot)
    with registry.lease("anna"):
        assert value(metrics, "lipstream_avatar_uses", avatar="anna") == 1
    with registry.lease("berta"):
        pass
    with registry.lease("anna"):
        pass
    assert value(metrics, "lipstream_avatar_loads_total", avatar="anna") == 2
    assert value(metrics, "lipstream_avatar_evictions_total", avatar="anna") == 1
    assert total(metrics, "lipstream_avatar_evictions_total") == 2
    assert samples(metrics)["lipstream_avatar_memory_bytes"] == [({"avatar": "anna", "device": "cpu"}, 5)]
    assert value(metrics, "lipstream_avatars_memory_bytes") == 5


def test_times_are_in_seconds_and_told_apart_from_1_ms_to_30_s(metrics: Metrics) -> None:
    metrics.ran(1, 1.0, 30_000.0)
    assert value(metrics, "lipstream_generator_queue_wait_seconds_bucket", le="0.001") == 1
    assert value(metrics, "lipstream_generator_run_seconds_bucket", le="10.0") == 0
    assert value(metrics, "lipstream_generator_run_seconds_bucket", le="30.0") == 1
    assert list(SECONDS) == sorted(SECONDS)


def over(spent: Spent) -> Answered:
    return Answered("service", "Method", "id", "somebody", OK, "", 5.0, spent)


def test_a_stage_that_a_request_did_not_have_is_not_counted(metrics: Metrics) -> None:
    metrics.answered(over(Spent(audio_ms=3.0, frames=2)))
    assert samples(metrics)["lipstream_request_stage_seconds_count"] == [({"stage": "audio"}, 1)]
    assert value(metrics, "lipstream_frames_total") == 2


def test_servers_in_one_process_count_apart(metrics: Metrics) -> None:
    metrics.answered(over(Spent(frames=2)))
    assert value(Metrics(), "lipstream_frames_total") == 0


def test_the_format_is_the_one_that_is_asked_for(metrics: Metrics) -> None:
    text, media_type = metrics.exposition()
    assert media_type.startswith("text/plain")
    assert b"lipstream_frames_total 0.0\n" in text
    text, media_type = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


@pytest.fixture
def told(metered: Running, metrics: Metrics) -> set[str]:
    """Names of everything that a server tells that has had a request."""
    assert MonolithicServiceStub(metered.channel).LoadModel(pb.LoadModelRequest(model_id="tiny")).success
    metrics.answered(over(Spent(audio_ms=3.0, frames=2)))
    metrics.heard("encoder", 2.0)
    metrics.watch_gpus(lambda: [Gpu(0, "a card", 0.75, 10, 100), Gpu(1, "divided", None, 20, 100)])
    live = LiveMetrics(metrics.registry)
    live.watch(lambda: Floor({("grpc", "idle"): 1}, 3, 0, low=False, viewers=0))
    live.opened("grpc")
    live.showed(Passed(0.0, 212.0, 240.0, 280.0, 250.0, 250.0, repeated=False))
    return {name for name in samples(metrics) if not name.endswith("_created")}


def test_the_dashboard_asks_for_nothing_that_is_not_told(told: set[str]) -> None:
    board = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    asked = {name for query in queries for name in re.findall(r"\b(?:lipstream|process)_\w+", query)}
    assert len(queries) > 20
    assert asked <= told
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in told if name.startswith("lipstream_")}
    assert ours <= shown  # nothing is told for nobody to see
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_table_in_the_guide_names_everything_that_is_told(told: set[str]) -> None:
    table = re.findall(r"^\| `(lipstream_\w+)` \| \w+ \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    assert sorted(table) == sorted({re.sub(r"_(bucket|sum|count)$", "", one) for one in told if "lipstream" in one})
