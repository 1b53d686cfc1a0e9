"""Calls as gRPC brings them: who may not ask, who asks too much and who stalls is refused early and leaves nothing."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import grpc
import pytest
from fake_loads import wait_until
from running import EVERYBODY, PATIENCE_S, Running, running

from lipstream.errors import UnknownCallerError
from lipstream.serve.access import EVERYTHING, Visitor
from lipstream.serve.answered import Answered
from lipstream.serve.call import Allowance, Call
from lipstream.serve.listening import Listening
from lipstream.serve.rpc import CallLimits, Calls
from lipstream.serve.steps import Gone
from lipstream.serve.wires import native
from lipstream.wire.pb import lipstream_v1_pb2 as pb
from lipstream.wire.pb.lipstream_v1_pb2_grpc import SpeechStub

MEGABYTE = 2**20


@dataclass(eq=False)
class Endless:
    """Answers without end, and knows when nobody takes that any more."""

    closed: threading.Event = field(default_factory=threading.Event)

    def generate(self, request: pb.GenerateRequest, call: Call) -> Iterator[pb.GenerateResponse]:  # noqa: ARG002
        try:
            for _ in itertools.count():
                yield pb.GenerateResponse(mp4=bytes(MEGABYTE))
        finally:
            self.closed.set()

    def stream(self, request: pb.StreamRequest, call: Call) -> pb.StreamResponse:
        raise NotImplementedError


@dataclass(eq=False)
class Door:
    """A server of that speech."""

    running: Running
    speech: Endless
    calls: Calls
    answered: list[Answered]

    @property
    def stub(self) -> SpeechStub:
        return SpeechStub(self.running.channel)


@contextmanager
def door(
    limits: CallLimits, admit: Callable[..., AbstractContextManager[Visitor]] = EVERYBODY.admit, most_bytes: int = 2**30
) -> Iterator[Door]:
    answered: list[Answered] = []
    with ThreadPoolExecutor(4) as workers:
        calls = Calls(workers, Allowance(most_bytes), admit, (answered.append,), limits=limits)
        speech = Endless()
        with running(calls, {native.SERVICE: speech}, Listening(ports=[0])) as server:
            yield Door(server, speech, calls, answered)


def test_a_client_that_takes_nothing_of_a_stream_is_given_up() -> None:
    with door(CallLimits(stall_s=0.05)) as there:
        stalling = there.stub.Generate(pb.GenerateRequest())
        assert there.speech.closed.wait(PATIENCE_S)  # while the client does nothing
        wait_until(lambda: len(there.answered) == 1)
        assert there.answered[0].error == "the client took nothing for 0.05 s"
        assert there.calls.allowance.held_bytes == 0
        with pytest.raises(grpc.RpcError) as told:
            list(stalling)
        assert told.value.code() is grpc.StatusCode.CANCELLED


def test_the_answer_of_a_client_that_leaves_is_closed_at_once() -> None:
    with door(CallLimits()) as there:
        taking = there.stub.Generate(pb.GenerateRequest())
        next(taking)
        taking.cancel()
        assert there.speech.closed.wait(PATIENCE_S)
        there.running.wait(there.calls.underway.idle())
        assert [one.status for one in there.answered] == ["CANCELLED"]


def refusal_of_silence(there: Door, method: str = "Generate") -> grpc.RpcError:
    """What a client is told that opens a call and sends nothing."""
    told = threading.Event()

    def nothing() -> Iterator[bytes]:
        told.wait(PATIENCE_S)
        yield b""

    path = f"/lipstream.v1.Speech/{method}"
    call: grpc.StreamStreamMultiCallable[bytes, bytes] = there.running.channel.stream_stream(path)
    with pytest.raises(grpc.RpcError) as refused:
        list(call(nothing(), timeout=PATIENCE_S / 2))
    told.set()
    return refused.value


def test_whoever_leaves_while_an_answer_is_written_has_left() -> None:
    class Closing:
        async def write(self, _: bytes) -> None:
            raise grpc.aio.InternalError("Failed execute_batch")

    with ThreadPoolExecutor(1) as workers:
        calls = Calls(workers, Allowance(1), EVERYBODY.admit)
        with pytest.raises(Gone, match="the client left"):
            asyncio.run(calls._send(Closing(), b""))  # type: ignore[arg-type]


def test_a_message_that_never_arrives_is_not_waited_for() -> None:
    with door(CallLimits(arrival_s=0.05)) as there:
        assert refusal_of_silence(there).details() == "no message arrived for 0.05 s"


def test_more_calls_than_may_be_are_told_to_come_again() -> None:
    with door(CallLimits(most=1)) as there:
        first = there.stub.Generate(pb.GenerateRequest())
        next(first)
        refused = refusal_of_silence(there)
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "server.max_calls" in str(refused.details())
        assert "grpc-retry-pushback-ms" in str(refused.trailing_metadata())
        first.cancel()


@pytest.mark.parametrize("method", ["Generate", "Stream"])
def test_a_stranger_is_refused_before_anything_is_read(method: str) -> None:
    def admit(*_: object) -> AbstractContextManager[Visitor]:
        raise UnknownCallerError("This server asks for a key.")

    with door(CallLimits(), admit) as there:
        assert refusal_of_silence(there, method).code() is grpc.StatusCode.UNAUTHENTICATED


def test_nothing_is_read_while_requests_hold_all_there_is() -> None:
    with door(CallLimits(), most_bytes=10) as there:
        there.calls.allowance.take(11)
        assert refusal_of_silence(there).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        there.calls.allowance.give_back(11)


def test_connections_of_one_machine_are_one_client() -> None:
    addresses: list[str] = []

    def admit(_: object, address: str) -> AbstractContextManager[Visitor]:
        addresses.append(address)
        return nullcontext(Visitor(address, EVERYTHING))

    with door(CallLimits(), admit) as there:
        for _ in range(2):
            with grpc.insecure_channel(
                f"127.0.0.1:{there.running.server.ports[0]}",
                (("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)),
            ) as channel:
                next(SpeechStub(channel).Generate(pb.GenerateRequest()))
    assert addresses == ["127.0.0.1", "127.0.0.1"]
