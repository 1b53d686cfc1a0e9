"""A plain object with one method a call in, its gRPC handlers out: parsing and work happen in worker threads.

Messages arrive as bytes and are parsed by a worker, so that 80 MB of one client do not hold up the event loop of all.
A method takes a request and its `Call` and returns the response, or an iterator of responses where only the answer
streams; where both sides stream it is called for every request. An asynchronous generator takes the whole stream of
requests in place of one, and the workers beside its `Call`: a session, which is one call from its begin to its end.

All kinds of calls are alike on the wire. Here each is handled as a stream, for only such a handler runs before the
first message is read: who may not ask is refused without one. It also writes the answers, and so sees clients stall.
"""

import asyncio
import inspect
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager, AbstractContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from lipstream.clock import now_ms
from lipstream.errors import BusyError
from lipstream.serve.access import Visitor, scope_of
from lipstream.serve.answered import IN_BAND_ERROR, OK, Answered, request_id
from lipstream.serve.call import NOBODY, Allowance, Call
from lipstream.serve.core import Spent
from lipstream.serve.keys import Scope
from lipstream.serve.rpc_answers import abort, answered, error_in, serialised
from lipstream.serve.status import status_of
from lipstream.serve.steps import Gone, done, taken
from lipstream.serve.underway import Context, Stay, Underway, end

_Requests = AsyncIterator[bytes]
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Turn:
    """A request and its answer, as far as it has come; one that breaks off was cancelled."""

    call: Call
    begin_ms: float
    status: str = grpc.StatusCode.CANCELLED.name
    error: str = ""
    held_bytes: int = 0
    over: bool = False

    def succeed(self) -> None:
        """It was answered, if perhaps with an error of its own."""
        self.status = IN_BAND_ERROR if self.error else OK


_Begin = Callable[[Stay], AbstractAsyncContextManager[_Turn]]


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How many calls there may be, and how slow their clients."""

    most: int = 1000
    """Calls at once, streams among them."""
    arrival_s: float = 300
    """How long the message of a call may take to arrive: 200 MB at 6 Mbit/s. Streams of messages may pause for ever."""
    stall_s: float = 30
    """How long a client may take nothing of its answer."""


DEFAULT_LIMITS = CallLimits()


@dataclass(frozen=True, eq=False)
class Calls:
    """Makes gRPC handlers of plain objects."""

    workers: Executor
    """Where methods run."""
    allowance: Allowance
    """Bytes of requests under way."""
    admit: Callable[[Mapping[str, str], str], AbstractContextManager[Visitor]]
    """Metadata and address to who calls, for as long as the call lasts; raises LipstreamError for who may not."""
    observers: tuple[Callable[[Answered], None], ...] = ()
    """Told of every call that is over, on the event loop: they must not wait."""
    now_ms: Callable[[], float] = now_ms
    """A monotonic clock, for how long calls take."""
    underway: Underway = field(default_factory=Underway)
    """Those that are not over; once `stopping` is set, streams of requests end after the answer they are at."""
    limits: CallLimits = DEFAULT_LIMITS
    """How many there may be, and how slow."""

    def handler(self, service: ServiceDescriptor, target: object) -> grpc.GenericRpcHandler:
        """Serve every method of a service by the target's method of that name in snake case."""
        methods = {
            method.name: self._method(method, getattr(target, _snake(method.name))) for method in service.methods
        }
        return grpc.method_handlers_generic_handler(service.full_name, methods)

    def _method(self, method: MethodDescriptor, answer: Callable[..., Any]) -> "grpc.RpcMethodHandler[Any, Any]":
        request_class, begin = GetMessageClass(method.input_type), partial(self._call, method, scope_of(answer))
        if inspect.isasyncgenfunction(answer):
            return grpc.stream_stream_rpc_method_handler(partial(self._session, begin, request_class, answer))
        answer = partial(answered, request_class, answer)
        if method.client_streaming:
            return grpc.stream_stream_rpc_method_handler(partial(self._both_stream, method, begin, answer))
        if method.server_streaming:
            return grpc.stream_stream_rpc_method_handler(partial(self._answer_streams, begin, answer))
        return grpc.stream_stream_rpc_method_handler(partial(self._unary, begin, answer))

    async def _unary(
        self, begin: _Begin, answer: Callable[[bytes, Call], Message], requests: _Requests, context: Context
    ) -> None:
        async with begin(Stay(context, self.underway)) as turn:
            raw = await self._only(requests, turn)
            answer_bytes, turn.error = await done(self.workers, partial(serialised, answer, raw, turn.call))
            await self._send(context, answer_bytes)

    async def _answer_streams(
        self, begin: _Begin, answer: Callable[[bytes, Call], Iterator[Message]], requests: _Requests, context: Context
    ) -> None:
        async with begin(Stay(context, self.underway)) as turn:
            items = await done(self.workers, partial(answer, await self._only(requests, turn), turn.call))
            async with aclosing(taken(self.workers, items)) as answers:
                async for message in answers:
                    turn.error = turn.error or error_in(message)
                    await self._send(context, message.SerializeToString())

    async def _both_stream(
        self,
        method: MethodDescriptor,
        begin: _Begin,
        answer: Callable[[bytes, Call], Message],
        requests: _Requests,
        context: Context,
    ) -> None:
        """Answer every request of a stream; the stream is let in as one, each request is told of by itself."""
        stay = Stay(context, self.underway)
        async with begin(stay) as turn:
            while (raw := await self._next(requests)) is not None:
                call = replace(turn.call, id=request_id(turn.call.metadata), gone=stay.request(), spent=Spent())
                turn.call, turn.begin_ms, turn.over = call, self.now_ms(), False
                self._hold(raw, turn)
                answer_bytes, turn.error = await done(self.workers, partial(serialised, answer, raw, call))
                await self._send(context, answer_bytes)
                turn.succeed()
                self._end(method, turn)

    async def _session(
        self,
        begin: _Begin,
        request_class: type[Message],
        answer: Callable[..., AsyncGenerator[Message, None]],
        requests: _Requests,
        context: Context,
    ) -> None:
        async with (
            begin(Stay(context, self.underway)) as turn,
            aclosing(self._parsed(request_class, requests, turn.call)) as parsed,
            aclosing(answer(parsed, turn.call, self.workers)) as answers,
        ):
            async for message in answers:
                await self._send(context, message.SerializeToString())

    async def _only(self, requests: _Requests, turn: _Turn) -> bytes:
        """The one request of a call."""
        self.allowance.take(0)  # no more is read while there is no room
        try:
            async with asyncio.timeout(self.limits.arrival_s):
                raw = await anext(requests, None)
        except TimeoutError as error:
            raise Gone(f"no message arrived for {self.limits.arrival_s:g} s") from error
        if raw is None:
            raise Gone("no message arrived")
        self._hold(raw, turn)
        return raw

    def _hold(self, raw: bytes, turn: _Turn) -> None:
        self.allowance.take(len(raw))
        turn.held_bytes = len(raw)

    async def _send(self, context: Context, answer: bytes) -> None:
        try:
            async with asyncio.timeout(self.limits.stall_s):
                await context.write(answer)
        except TimeoutError as error:
            raise Gone(f"the client took nothing for {self.limits.stall_s:g} s") from error
        except grpc.aio.BaseError as error:  # it leaves while this is written
            raise Gone("the client left") from error

    async def _parsed(
        self, request_class: type[Message], requests: _Requests, call: Call
    ) -> AsyncGenerator[Message, None]:
        """The requests of a session; once the server stops, there are no more."""
        while (raw := await self._next(requests)) is not None:
            self.allowance.take(len(raw))
            try:
                yield await done(self.workers, partial(answered, request_class, lambda request, _: request, raw, call))
            finally:
                self.allowance.give_back(len(raw))

    async def _next(self, requests: _Requests) -> bytes | None:
        """The next request of a stream; None at its end, or once the server stops."""
        coming = asyncio.ensure_future(anext(requests, None))
        stopping = asyncio.ensure_future(self.underway.stopping.wait())
        try:
            await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return coming.result() if coming.done() else None
        finally:
            coming.cancel()
            stopping.cancel()

    @asynccontextmanager
    async def _call(self, method: MethodDescriptor, scope: Scope, stay: Stay) -> AsyncIterator[_Turn]:
        metadata, failed = _text(stay.context.invocation_metadata() or ()), None
        turn = _Turn(Call(request_id(metadata), NOBODY, metadata, stay.request()), self.now_ms())
        try:
            self._refuse_beyond_limit()
            with self.admit(metadata, _address(stay.context.peer())) as visitor:
                turn.call = replace(turn.call, visitor=visitor)
                visitor.require(scope)
                yield turn
            turn.succeed()
        except Exception as error:
            failed = status_of(error, turn.call.id)
            turn.status, turn.error = failed.grpc.name, failed.message
            if failed.http == 500:
                _log.exception("a call failed", extra={"request_id": turn.call.id})
        finally:
            self._end(method, turn)
        if failed is not None:
            await abort(stay.context, failed)  # last, for it waits until the client takes it

    def _end(self, method: MethodDescriptor, turn: _Turn) -> None:
        """Give back what a request held, and tell how it went; once."""
        if turn.over:
            return
        self.allowance.give_back(turn.held_bytes)
        turn.held_bytes, turn.over = 0, True
        end(turn.call.gone)
        told = Answered(
            service=method.containing_service.full_name,
            method=method.name,
            request_id=turn.call.id,
            client=turn.call.client,
            status=turn.status,
            error=turn.error,
            duration_ms=self.now_ms() - turn.begin_ms,
            spent=turn.call.spent,
        )
        for observe in self.observers:
            observe(told)

    def _refuse_beyond_limit(self) -> None:
        if self.underway.calls > self.limits.most:
            most = self.limits.most
            raise BusyError(f"{most:,} calls are under way, as many as may be (server.max_calls); ask again later")


def _address(peer: str) -> str:
    """The address alone, as HTTP tells it, of `ipv4:127.0.0.1:50312` or `ipv6:%5B::1%5D:50312`.

    All connections of one machine are one client, or opening more of them would get it more than its share.
    """
    kind, _, place = unquote(peer).partition(":")
    return place.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else peer


def _text(metadata: Any) -> dict[str, str]:  # noqa: ANN401  grpc's own type differs between its versions
    return {key: value for key, value in metadata if isinstance(value, str)}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
