"""Any request in, the same with an id and within its limits; whatever goes wrong with it as JSON out."""

import logging
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import grpc
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lipstream.serve.access import Visitor
from lipstream.serve.answered import OK, Answered, request_id
from lipstream.serve.call import Allowance, Call
from lipstream.serve.http.incoming import HttpLimits, Incoming, Outgoing
from lipstream.serve.origins import Origins
from lipstream.serve.status import Status, status_of
from lipstream.serve.steps import Gone
from lipstream.serve.underway import end

_GRPC = {
    404: grpc.StatusCode.UNIMPLEMENTED,
    405: grpc.StatusCode.UNIMPLEMENTED,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    426: grpc.StatusCode.UNIMPLEMENTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
}
"""What gRPC calls a fault that only HTTP knows; the log and the metrics speak its language."""
NO_ROUTE = "There is no such route; /docs lists those there are."
_SENTENCES = {
    404: NO_ROUTE,
    405: "This route has another method; /docs says which.",
}
BROKEN_OFF = Status(grpc.StatusCode.CANCELLED, 499, "")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Exchange:
    """One request and what is known of it so far; routes find it in `request.state.exchange`."""

    call: Call
    """The request, as the gRPC adapters know it."""
    route: str = ""
    """The path of its route, with its names in braces; empty before it was found."""
    error_fields: Mapping[str, object] = field(default_factory=dict)
    """What an error of this route says besides `error` and `request_id`."""
    admission: ExitStack = field(default_factory=ExitStack)
    """Holds the visitor's place among those his key may have, until the answer is sent; `pop_all` holds it on."""
    status: Status = BROKEN_OFF
    """How it went, as far as is known; one that breaks off was cancelled."""


@dataclass(frozen=True, eq=False)
class Envelope:
    """ASGI middleware around all routes."""

    app: ASGIApp
    """The routes."""
    origins: Origins
    """From where browsers may call."""
    allowance: Allowance
    """Bytes of requests under way, gRPC's included."""
    limits: HttpLimits
    """How much a client may send."""
    now_ms: Callable[[], float]
    """A monotonic clock."""
    observers: tuple[Callable[[Answered], None], ...] = ()
    """Told of every request that is over, on the event loop: they must not wait."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin_ms, headers = self.now_ms(), Headers(scope=scope)
        exchange = Exchange(_call(scope, headers))
        outgoing = Outgoing(send, self._headers(exchange.call.id, headers.get("origin")), self.limits)
        try:
            await self._answer(scope, exchange, receive, outgoing)
        finally:
            end(exchange.call.gone)
            self._tell(exchange, self.now_ms() - begin_ms)

    async def _answer(self, scope: Scope, exchange: Exchange, receive: Receive, outgoing: Outgoing) -> None:
        incoming = Incoming(receive, exchange.call.gone, self.allowance, self.limits)
        scope["app"] = self.app  # so that Starlette's router raises its 404 and 405, which are answered below
        scope.setdefault("state", {})["exchange"] = exchange
        try:
            await self._pass_on(scope, Headers(scope=scope), incoming, outgoing)
            exchange.status = Status(grpc.StatusCode.OK, outgoing.status or 200, "")
        except (ClientDisconnect, Gone) as error:
            exchange.status = Status(grpc.StatusCode.CANCELLED, 499, str(error) or "the client left")
        except Exception as error:
            exchange.status = _status(error, exchange.call.id)
            if exchange.status.http == 500:
                _log.exception("a request failed", extra={"request_id": exchange.call.id})
            if outgoing.status is not None:
                raise  # too late to say it: the connection breaks off, so that nobody takes a part for the whole
            with suppress(ClientDisconnect):
                await _refusal(exchange, error)(scope, receive, outgoing.send)
        finally:
            incoming.close()

    async def _pass_on(self, scope: Scope, headers: Headers, incoming: Incoming, outgoing: Outgoing) -> None:
        origin = headers.get("origin")
        self.origins.check(headers.get("host"), origin, secure=scope["scheme"] == "https")
        if scope["method"] == "OPTIONS" and self.origins.cors_headers(origin):
            await Response(status_code=204)(scope, incoming.receive, outgoing.send)
            return
        incoming.check_length(headers.get("content-length"))
        await self.app(scope, incoming.receive, outgoing.send)

    def _headers(self, request_id: str, origin: str | None) -> list[tuple[bytes, bytes]]:
        headers = {
            "x-request-id": request_id,
            "x-content-type-options": "nosniff",
            **self.origins.cors_headers(origin),
        }
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    def _tell(self, exchange: Exchange, duration_ms: float) -> None:
        status = exchange.status
        answered = Answered(
            service="http",
            method=exchange.route,
            request_id=exchange.call.id,
            client=exchange.call.client,
            status=OK if status.grpc is grpc.StatusCode.OK else status.grpc.name,
            error=status.message,
            duration_ms=duration_ms,
            spent=exchange.call.spent,
        )
        for observe in self.observers:
            observe(answered)


def _call(scope: Scope, headers: Headers) -> Call:
    address = scope["client"][0] if scope.get("client") else ""
    return Call(
        id=request_id(headers),
        visitor=Visitor(address, frozenset()),
        metadata={name.lower(): value for name, value in headers.items()},
        gone=Future(),
    )


def _status(error: Exception, request_id: str) -> Status:
    if not isinstance(error, HTTPException):
        return status_of(error, request_id)
    code = _GRPC.get(error.status_code, grpc.StatusCode.INVALID_ARGUMENT)
    return Status(code, error.status_code, _SENTENCES.get(error.status_code, error.detail))


def _refusal(exchange: Exchange, error: Exception) -> Response:
    body = {**exchange.error_fields, "error": exchange.status.message, "request_id": exchange.call.id}
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if exchange.status.http == 503:
        headers["retry-after"] = str(math.ceil(exchange.status.retry_after_ms / 1000))
    if exchange.status.http == 401:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse(body, exchange.status.http, headers)
