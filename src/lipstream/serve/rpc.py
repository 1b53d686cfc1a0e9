"""A plain object with one method a call in, its gRPC handlers out: parsing and work happen in worker threads.

Messages arrive as bytes and are parsed by a worker, so that 80 MB of one client do not hold up the event loop of all.
A method takes a request and its `Call` and returns the response, or an iterator of responses where only the answer
streams; where both sides stream it is called for every request. An asynchronous generator takes the whole stream of
requests in place of one, and the workers beside its `Call`: a session, which is one call from its begin to its end.
"""

import asyncio
import inspect
import logging
import re
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status as StatusMessage
from grpc_status import rpc_status

from lipstream.clock import now_ms
from lipstream.errors import BusyError, InputError
from lipstream.serve.access import Visitor
from lipstream.serve.answered import IN_BAND_ERROR, OK, Answered, request_id
from lipstream.serve.core import Spent
from lipstream.serve.status import RETRY_AFTER_MS, Status, status_of
from lipstream.serve.underway import Context, Stay, Underway, end

Metadata = tuple[tuple[str, str | bytes], ...]
ADMIN_METHODS = frozenset({"LoadModel", "UnloadModel", "LoadPackage", "Load", "Unload"})
"""Names of the calls that need the scope admin, in every service."""
NOBODY = Visitor("", frozenset())
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Call:
    """One call under way."""

    id: str
    """Its request id, the client's own (`x-request-id`) or a new one."""
    visitor: Visitor
    """Who calls, and what he may do."""
    metadata: Mapping[str, str]
    """What was sent along, by lower-case name."""
    gone: "Future[None]"
    """Done when nobody waits for the answer any more."""
    spent: Spent = field(default_factory=Spent)
    """Filled by whoever works for it with what that takes."""

    @property
    def client(self) -> str:
        """The name of whoever calls."""
        return self.visitor.name


@dataclass(slots=True)
class _Ending:
    """How a call went, as far as is known; one that breaks off was cancelled."""

    status: str = grpc.StatusCode.CANCELLED.name
    error: str = ""


class Allowance:
    """A number of bytes that requests under way may hold together."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes, self._held_bytes, self._lock = most_bytes, 0, threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Bytes held now."""
        return self._held_bytes

    def take(self, size_bytes: int) -> None:
        """Count a request in; raises BusyError when there is no room beside the others."""
        with self._lock:
            if self._held_bytes and self._held_bytes + size_bytes > self._most_bytes:
                raise BusyError(
                    f"requests under way hold {self._held_bytes:,} bytes and this one has {size_bytes:,}, of "
                    f"{self._most_bytes:,} allowed (server.max_bytes_in_flight_mb); ask again later"
                )
            self._held_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Count it out."""
        with self._lock:
            self._held_bytes -= size_bytes


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

    def handler(self, service: ServiceDescriptor, target: object) -> grpc.GenericRpcHandler:
        """Serve every method of a service by the target's method of that name in snake case."""
        methods = {
            method.name: self._method(method, getattr(target, _snake(method.name))) for method in service.methods
        }
        return grpc.method_handlers_generic_handler(service.full_name, methods)

    def _method(self, method: MethodDescriptor, answer: Callable[..., Any]) -> "grpc.RpcMethodHandler[Any, Any]":
        request_class = GetMessageClass(method.input_type)
        if inspect.isasyncgenfunction(answer):
            return grpc.stream_stream_rpc_method_handler(partial(self._session, method, request_class, answer))
        answer = partial(_answer, request_class, answer)
        if method.client_streaming:
            return grpc.stream_stream_rpc_method_handler(partial(self._both_stream, method, answer))
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(partial(self._answer_streams, method, answer))
        return grpc.unary_unary_rpc_method_handler(partial(self._unary, method, answer))

    async def _unary(
        self, method: MethodDescriptor, answer: Callable[[bytes, Call], Message], raw: bytes, context: Context
    ) -> bytes:
        async with self._call(method, Stay(context, self.underway), len(raw)) as (call, ending):
            answered, ending.error = await self._run(partial(_serialised, answer, raw, call))
            return answered
        raise AssertionError  # the context aborts instead of passing an error on

    async def _answer_streams(
        self, method: MethodDescriptor, answer: Callable[[bytes, Call], Any], raw: bytes, context: Context
    ) -> AsyncIterator[bytes]:
        async with self._call(method, Stay(context, self.underway), len(raw)) as (call, ending):
            answers = await self._run(lambda: iter(answer(raw, call)))
            while (message := await self._run(lambda: next(answers, None))) is not None:
                ending.error = ending.error or _error_in(message)
                yield message.SerializeToString()

    async def _both_stream(
        self,
        method: MethodDescriptor,
        answer: Callable[[bytes, Call], Message],
        requests: AsyncIterator[bytes],
        context: Context,
    ) -> AsyncIterator[bytes]:
        stay = Stay(context, self.underway)
        while (raw := await self._next(requests)) is not None:
            async with self._call(method, stay, len(raw)) as (call, ending):
                answered, ending.error = await self._run(partial(_serialised, answer, raw, call))
                yield answered

    async def _session(
        self,
        method: MethodDescriptor,
        request_class: type[Message],
        answer: Callable[..., AsyncGenerator[Message, None]],
        requests: AsyncIterator[bytes],
        context: Context,
    ) -> AsyncIterator[bytes]:
        async with (
            self._call(method, Stay(context, self.underway), 0) as (call, _),
            aclosing(self._parsed(request_class, requests, call)) as parsed,
            aclosing(answer(parsed, call, self.workers)) as answers,
        ):
            async for message in answers:
                yield message.SerializeToString()

    async def _parsed(
        self, request_class: type[Message], requests: AsyncIterator[bytes], call: Call
    ) -> AsyncGenerator[Message, None]:
        """The requests of a session; once the server stops, there are no more."""
        while (raw := await self._next(requests)) is not None:
            self.allowance.take(len(raw))
            try:
                yield await self._run(partial(_answer, request_class, lambda request, _: request, raw, call))
            finally:
                self.allowance.give_back(len(raw))

    async def _next(self, requests: AsyncIterator[bytes]) -> bytes | None:
        """The next request of a stream; None at its end, or once the server stops."""
        coming = asyncio.ensure_future(anext(requests, None))
        stopping = asyncio.ensure_future(self.underway.stopping.wait())
        try:
            await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return coming.result() if coming.done() else None
        finally:
            coming.cancel()
            stopping.cancel()

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self.workers, work)

    @asynccontextmanager
    async def _call(self, method: MethodDescriptor, stay: Stay, size_bytes: int) -> AsyncIterator[tuple[Call, _Ending]]:
        begin_ms = self.now_ms()
        metadata = _text(stay.context.invocation_metadata() or ())
        call = Call(request_id(metadata), NOBODY, metadata, stay.request())
        ending, held_bytes = _Ending(), 0
        try:
            with self.admit(metadata, stay.context.peer()) as visitor:
                call = replace(call, visitor=visitor)
                visitor.require("admin" if method.name in ADMIN_METHODS else "infer")
                self.allowance.take(size_bytes)
                held_bytes = size_bytes
                yield call, ending
            ending.status = IN_BAND_ERROR if ending.error else OK
        except Exception as error:
            status = status_of(error, call.id)
            ending.status, ending.error = status.grpc.name, status.message
            if status.http == 500:
                _log.exception("a call failed", extra={"request_id": call.id})
            await _abort(stay.context, status)
        finally:
            self.allowance.give_back(held_bytes)
            end(call.gone)
            self._tell(method, call, ending, self.now_ms() - begin_ms)

    def _tell(self, method: MethodDescriptor, call: Call, ending: _Ending, duration_ms: float) -> None:
        answered = Answered(
            service=method.containing_service.full_name,
            method=method.name,
            request_id=call.id,
            client=call.client,
            status=ending.status,
            error=ending.error,
            duration_ms=duration_ms,
            spent=call.spent,
        )
        for observe in self.observers:
            observe(answered)


def _answer(request_class: type[Message], answer: Callable[[Any, Call], _T], raw: bytes, call: Call) -> _T:
    try:
        request = request_class.FromString(raw)
    except DecodeError as error:
        raise InputError(
            f"{len(raw):,} bytes are no {request_class.DESCRIPTOR.full_name}: {error}; send that message"
        ) from error
    return answer(request, call)


def _serialised(answer: Callable[[bytes, Call], Message], raw: bytes, call: Call) -> tuple[bytes, str]:
    """An answer's bytes, and what it says of itself went wrong."""
    message = answer(raw, call)
    return message.SerializeToString(), _error_in(message)


def _error_in(message: Message) -> str:
    """What an answer with a field `success` says went wrong, empty if nothing did."""
    if getattr(message, "success", True):
        return ""
    return getattr(message, "error", "") or "no reason given"


async def _abort(context: Context, status: Status) -> None:
    trailing: Metadata = ()
    if status.grpc is grpc.StatusCode.RESOURCE_EXHAUSTED:
        retry, detail = RetryInfo(retry_delay=Duration(nanos=RETRY_AFTER_MS * 1_000_000)), Packed()
        detail.Pack(retry)
        message = StatusMessage(code=status.grpc.value[0], message=status.message, details=[detail])
        trailing = (*rpc_status.to_status(message).trailing_metadata, ("grpc-retry-pushback-ms", str(RETRY_AFTER_MS)))
    await context.abort(status.grpc, status.message, trailing)


def _text(metadata: Any) -> dict[str, str]:  # noqa: ANN401  grpc's own type differs between its versions
    return {key: value for key, value in metadata if isinstance(value, str)}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
