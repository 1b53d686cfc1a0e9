"""Clients that leave, stall or send too much: nothing of theirs stays behind, and each is told in a clear sentence."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
import pytest
from fake_loads import wait_until
from running import EVERYBODY, OPTIONS, PATIENCE_S, Running, running

from lipstream.pipeline.batch import Batcher
from lipstream.serve.answered import Answered
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance
from lipstream.serve.core import Core
from lipstream.serve.listening import Listening
from lipstream.serve.rpc import Calls
from lipstream.serve.wires import monolithic, optimized
from lipstream.types import Pcm
from lipstream.wire.pb import monolithic_pb2 as pb
from lipstream.wire.pb.monolithic_pb2_grpc import MonolithicServiceStub
from lipstream.wire.pb.optimized_lipsyncsrv_pb2 import OptimizedInferenceRequest
from lipstream.wire.pb.optimized_lipsyncsrv_pb2_grpc import OptimizedLipSyncServiceStub

CLIENTS = 100
MESSAGE_BYTES = 2**20


@dataclass(frozen=True, eq=False)
class Observed:
    """A server whose calls are counted."""

    running: Running
    calls: Calls
    allowance: Allowance
    answered: list[Answered]

    def wait(self, calls: int) -> None:
        """Until so many are over."""
        self.running.wait(self.calls.underway.idle())
        wait_until(lambda: len(self.answered) >= calls)


@pytest.fixture
def observed(core: Core, avatars: Avatars, home: object) -> Iterator[Observed]:
    answered: list[Answered] = []
    with ThreadPoolExecutor(8) as workers:
        allowance = Allowance(2**30)
        calls = Calls(workers, allowance, EVERYBODY.admit, (answered.append,))
        served = {
            monolithic.SERVICE: monolithic.Monolithic(core, avatars),
            optimized.SERVICE: optimized.Optimized(core, avatars, home),  # type: ignore[arg-type]
        }
        listening = Listening(ports=[0], max_message_bytes=MESSAGE_BYTES)
        with running(calls, served, listening) as server:
            yield Observed(server, calls, allowance, answered)
        workers.shutdown(wait=True)


def test_a_hundred_clients_that_leave_leave_nothing_behind(
    observed: Observed, core: Core, batcher: Batcher, hello: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    generate = batcher_waits(core, held, monkeypatch)
    stub = MonolithicServiceStub(observed.running.channel)
    request = pb.CompositeBatchRequest(model_id="tiny", batch_size=4, raw_audio=hello.tobytes())
    waiting = [stub.InferBatchComposite.future(request) for _ in range(CLIENTS)]
    wait_until(generate.is_set)
    for call in waiting:
        call.cancel()
    held.set()
    observed.running.wait(observed.calls.underway.idle())
    wait_until(lambda: batcher.stats().waiting_frames == 0)
    wait_until(lambda: [one.in_use for one in core.registry.snapshot().names] == [0])
    assert observed.allowance.held_bytes == 0
    assert {one.status for one in observed.answered} <= {"CANCELLED", "RESOURCE_EXHAUSTED"}
    assert stub.InferBatchComposite(request, timeout=PATIENCE_S).success


def batcher_waits(core: Core, held: threading.Event, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let the generator of the tiny avatar wait; set once it does."""
    with core.registry.lease("tiny", counted=False) as avatar:
        face, begun = avatar.face, threading.Event()
    generate = face.generate

    def waits(*arguments: object) -> object:
        begun.set()
        held.wait(PATIENCE_S)
        return generate(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(face, "generate", waits)
    return begun


def test_a_stream_whose_client_leaves_ends(observed: Observed, core: Core) -> None:
    leaves = threading.Event()

    def requests() -> Iterator[OptimizedInferenceRequest]:
        yield OptimizedInferenceRequest(model_name="tiny")
        leaves.wait(PATIENCE_S)

    stream = OptimizedLipSyncServiceStub(observed.running.channel).StreamInference(requests())
    assert next(stream).success
    stream.cancel()
    leaves.set()
    observed.wait(1)
    assert [one.in_use for one in core.registry.snapshot().names] == [0]
    assert observed.allowance.held_bytes == 0


def test_a_client_that_takes_nothing_holds_up_nobody(observed: Observed) -> None:
    """It sends requests and reads no answer; others are served meanwhile."""
    many = [OptimizedInferenceRequest(model_name="tiny", frame_id=frame) for frame in range(50)]
    with grpc.insecure_channel(f"127.0.0.1:{observed.running.server.ports[0]}", OPTIONS) as channel:
        stream = OptimizedLipSyncServiceStub(channel).StreamInference(iter(many))
        stub = MonolithicServiceStub(observed.running.channel)
        for _ in range(3):
            assert stub.InferBatchComposite(
                pb.CompositeBatchRequest(model_id="tiny", batch_size=1), timeout=PATIENCE_S
            ).success
        stream.cancel()
    observed.running.wait(observed.calls.underway.idle())
    assert observed.allowance.held_bytes == 0


def test_a_message_that_is_too_large_is_told_so(observed: Observed) -> None:
    stub = MonolithicServiceStub(observed.running.channel)
    with pytest.raises(grpc.RpcError) as refused:
        stub.InferBatchComposite(pb.CompositeBatchRequest(raw_audio=bytes(MESSAGE_BYTES)), timeout=PATIENCE_S)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max (1048580 vs. 1048576)" in str(refused.value.details())
    assert stub.Health(pb.HealthRequest(), timeout=PATIENCE_S).healthy


@pytest.mark.parametrize(
    ("sent", "kept"), [("a-1.b_C", True), ("", False), ("a b", False), ("x" * 101, False), ("a;drop", False)]
)
def test_a_request_id_is_kept_if_it_is_fit_for_a_log(observed: Observed, sent: str, kept: bool) -> None:
    stub = MonolithicServiceStub(observed.running.channel)
    stub.Health(pb.HealthRequest(), timeout=PATIENCE_S, metadata=[("x-request-id", sent)])
    observed.wait(1)
    (one,) = observed.answered
    assert (one.request_id == sent) is kept
    assert one.request_id
