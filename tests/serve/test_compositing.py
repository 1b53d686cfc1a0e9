import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import pytest
from running import EVERYBODY, PATIENCE_S, Running, running

from lipstream import __version__
from lipstream.clock import now_ms
from lipstream.errors import BusyError, EngineError
from lipstream.pipeline.avatar import Avatar
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance, Call
from lipstream.serve.core import Speech
from lipstream.serve.registry import Registry
from lipstream.serve.remote import Remote
from lipstream.serve.rpc import Calls
from lipstream.serve.wires import compositing, inference
from lipstream.types import Pcm
from lipstream.wire.pb import compositing_pb2 as pb
from lipstream.wire.pb import inference_pb2, monolithic_pb2
from lipstream.wire.pb.compositing_pb2_grpc import CompositingServiceStub
from lipstream.wire.pb.monolithic_pb2_grpc import MonolithicServiceStub


@pytest.fixture
def calls() -> Iterator[Calls]:
    with ThreadPoolExecutor(8) as workers:
        yield Calls(workers, Allowance(2**30), EVERYBODY.admit)


@pytest.fixture
def remote(served: Running, registry: Registry[Avatar]) -> Remote:
    """Asks the server of all contracts for its mouths."""
    return Remote(registry, served.channel, "there:1", now_ms)


@pytest.fixture
def halves(calls: Calls, remote: Remote, avatars: Avatars) -> Iterator[CompositingServiceStub]:
    """A compositing server whose networks are in another one."""
    answering = compositing.Compositing(avatars, remote, inference_url=remote.url, inference_healthy=remote.healthy)
    with running(calls, {compositing.SERVICE: answering}) as server:
        yield CompositingServiceStub(server.channel)


@dataclass
class Answering:
    """An inference service that answers as it is told."""

    answer: inference_pb2.InferBatchResponse
    error: Exception | None = None

    def infer_batch(self, request: object, call: Call) -> inference_pb2.InferBatchResponse:  # noqa: ARG002
        if self.error is not None:
            raise self.error
        return self.answer

    list_models = load_model = unload_model = get_model_stats = health = infer_batch


def batches(hello: Pcm) -> list[dict[str, Any]]:
    random = np.random.default_rng(8)
    crops = random.uniform(0, 1, (2, 6, 320, 320)).astype(np.float32).tobytes()
    features = random.normal(0, 1, (2, 8192)).astype(np.float32).tobytes()
    around = hello[640 * 4 : 640 * (4 + 2 + 15)]
    return [
        {"batch_size": 6, "start_frame_idx": 12, "raw_audio": hello.tobytes()},
        {"batch_size": 2, "start_frame_idx": 12, "raw_audio": around.tobytes()},
        {"batch_size": 6, "start_frame_idx": 70, "raw_audio": hello[:4000].tobytes(), "sample_rate": 22_050},
        {"batch_size": 3, "start_frame_idx": 200, "raw_audio": hello.tobytes()},
        {"batch_size": 2, "audio_features": features, "visual_frames": crops},
        {"batch_size": 2, "start_frame_idx": 5},
    ]


@pytest.mark.parametrize("batch", range(6))
def test_one_process_and_two_give_the_frames_of_the_monolithic_service(
    served: Running, halves: CompositingServiceStub, hello: Pcm, batch: int
) -> None:
    fields = batches(hello)[batch]
    request = pb.CompositeBatchRequest(model_id="tiny", **fields)
    whole = MonolithicServiceStub(served.channel).InferBatchComposite(
        monolithic_pb2.CompositeBatchRequest.FromString(request.SerializeToString()), timeout=PATIENCE_S
    )
    assert len(whole.composited_frames) == fields["batch_size"]
    for stub in (CompositingServiceStub(served.channel), halves):
        answer = stub.InferBatchComposite(request, timeout=PATIENCE_S)
        assert (answer.success, answer.error) == (True, "")
        assert list(answer.composited_frames) == list(whole.composited_frames)
        told = answer.inference_time_ms + answer.composite_time_ms + answer.audio_processing_ms
        assert 0 < told <= answer.total_time_ms * 1.001


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "model_id is required"),
        ({"model_id": "tiny", "batch_size": 33}, "batch_size must be 1-32, got 33"),
        ({"model_id": "tiny", "batch_size": 1, "start_frame_idx": -1}, "start_frame_idx must be 0 or more, got -1"),
        ({"model_id": "nobody", "batch_size": 1}, "There is no avatar 'nobody'"),
        ({"model_id": "tiny", "batch_size": 1, "raw_audio": b"\xff" * 4}, "raw_audio holds NaN"),
        ({"model_id": "tiny", "batch_size": 2, "visual_frames": b"1234"}, "visual_frames has 4 bytes"),
    ],
)
def test_what_cannot_be_served_is_said_in_the_answer(
    served: Running, halves: CompositingServiceStub, fields: dict[str, Any], error: str
) -> None:
    for stub in (CompositingServiceStub(served.channel), halves):
        answer = stub.InferBatchComposite(pb.CompositeBatchRequest(**fields))
        assert not answer.success
        assert error in answer.error
        assert not answer.composited_frames


def test_the_health_of_the_networks_is_told(served: Running, halves: CompositingServiceStub) -> None:
    alone = CompositingServiceStub(served.channel).Health(pb.HealthRequest())
    assert (alone.healthy, alone.inference_server_healthy, alone.inference_server_url) == (True, True, "")
    told = halves.Health(pb.HealthRequest())
    assert (told.healthy, told.inference_server_healthy, told.inference_server_url) == (True, True, "there:1")
    assert told.version == __version__


def test_models_are_loaded_and_counted(halves: CompositingServiceStub) -> None:
    assert halves.LoadModel(pb.LoadModelRequest(model_id="tiny", force_reload=True)).success
    (tiny,) = halves.GetModelStats(pb.GetModelStatsRequest(model_id="tiny")).models
    assert (tiny.loaded, tiny.model_path, tiny.stats.usage_count) == (True, "", 0)
    assert halves.UnloadModel(pb.UnloadModelRequest(model_id="tiny")).success
    assert not halves.LoadModel(pb.LoadModelRequest(model_id="nobody")).success


def test_an_inference_process_that_is_not_there_is_said(registry: Registry[Avatar], avatars: Avatars) -> None:
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        remote = Remote(registry, channel, "127.0.0.1:1", now_ms)
        with pytest.raises(
            EngineError, match=r"127\.0\.0\.1:1 cannot be reached; start it with `lipstream serve --role"
        ):
            list(remote.speak(Speech("tiny", 1), Future()))
        health = compositing.Compositing(
            avatars, remote, inference_url=remote.url, inference_healthy=remote.healthy
        ).health(
            pb.HealthRequest(),
            None,  # type: ignore[arg-type]  # asks no call
        )
        assert (health.healthy, health.inference_server_healthy) == (False, False)


@pytest.mark.parametrize(
    ("answering", "error", "message"),
    [
        (
            Answering(inference_pb2.InferBatchResponse(success=True)),
            EngineError,
            "answered 0 mouths of 0 bytes; expected",
        ),
        (
            Answering(
                inference_pb2.InferBatchResponse(success=True, outputs=[inference_pb2.RawMouthRegion(data=b"1234")])
            ),
            EngineError,
            "answered 1 mouths of 4 bytes; expected 1 of 1,228,800 each: run the same version",
        ),
        (Answering(inference_pb2.InferBatchResponse(), BusyError("all places are taken")), BusyError, "all places"),
        (Answering(inference_pb2.InferBatchResponse(), RuntimeError("a fault")), EngineError, "at there:1 failed"),
    ],
)
def test_what_the_inference_process_does_wrong_is_said(
    calls: Calls, registry: Registry[Avatar], answering: Answering, error: type[Exception], message: str
) -> None:
    with running(calls, {inference.SERVICE: answering}) as server:
        remote = Remote(registry, server.channel, "there:1", now_ms)
        with pytest.raises(error, match=message):
            list(remote.speak(Speech("tiny", 1), Future()))


def test_a_full_inference_process_makes_the_compositing_one_say_come_back(calls: Calls, avatars: Avatars) -> None:
    full = Answering(inference_pb2.InferBatchResponse(), BusyError("all places are taken", retry_after_ms=7000))
    with running(calls, {inference.SERVICE: full}) as networks:
        remote = Remote(avatars.registry, networks.channel, "there:1", now_ms)
        with running(calls, {compositing.SERVICE: compositing.Compositing(avatars, remote)}) as server:
            with pytest.raises(grpc.RpcError) as caught:
                CompositingServiceStub(server.channel).InferBatchComposite(
                    pb.CompositeBatchRequest(model_id="tiny", batch_size=1), timeout=PATIENCE_S
                )
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            trailing: Any = caught.value.trailing_metadata()
            assert dict(trailing)["grpc-retry-pushback-ms"] == "7000"


def test_a_call_that_nobody_waits_for_is_cancelled_there_too(calls: Calls, registry: Registry[Avatar]) -> None:
    arrived, cancelled = threading.Event(), threading.Event()

    class Waiting(Answering):
        def infer_batch(self, request: object, call: Call) -> inference_pb2.InferBatchResponse:  # noqa: ARG002
            call.gone.add_done_callback(lambda _: cancelled.set())
            arrived.set()
            assert cancelled.wait(PATIENCE_S)
            return self.answer

    gone: Future[None] = Future()
    waiting = Waiting(inference_pb2.InferBatchResponse())
    with running(calls, {inference.SERVICE: waiting}) as server, ThreadPoolExecutor(1) as thread:
        remote = Remote(registry, server.channel, "there:1", now_ms)
        speaking = thread.submit(lambda: list(remote.speak(Speech("tiny", 1), gone)))
        assert arrived.wait(PATIENCE_S)
        gone.set_result(None)
        with pytest.raises(CancelledError):
            speaking.result(PATIENCE_S)
        assert cancelled.wait(PATIENCE_S)


def test_an_inference_process_that_never_answers_is_given_up(calls: Calls, registry: Registry[Avatar]) -> None:
    class Silent(Answering):
        def infer_batch(self, request: object, call: Call) -> inference_pb2.InferBatchResponse:  # noqa: ARG002
            call.gone.result(PATIENCE_S)
            return self.answer

    with running(calls, {inference.SERVICE: Silent(inference_pb2.InferBatchResponse())}) as server:
        remote = Remote(registry, server.channel, "there:1", now_ms, timeout_s=0.05)
        with pytest.raises(EngineError, match=r"there:1 did not answer within 0\.05 s"):
            list(remote.speak(Speech("tiny", 1), Future()))
