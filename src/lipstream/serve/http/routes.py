"""A path and what answers it in, a Starlette route that lets in whoever may ask out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from lipstream.serve import keys
from lipstream.serve.access import Guard
from lipstream.serve.call import Call
from lipstream.serve.http.envelope import NO_ROUTE, Exchange

Answer = Callable[[Request, Call], Awaitable[Response]]
TOKEN = "token"  # noqa: S105  the name of a parameter


@dataclass(frozen=True, eq=False)
class Door:
    """One route, as an ASGI application; its visitor counts until the answer has been sent, or as long as it says."""

    path: str
    """Its path, with names in braces."""
    scope: keys.Scope | None
    """What a visitor's key must allow; None lets everybody in."""
    answer: Answer
    """What answers."""
    guard: Guard
    """Who may come in."""
    tokens: bool = True
    """Whether a one-use token admits; not where tokens are issued, or one would last for ever."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive, send)
        exchange: Exchange = request.state.exchange
        exchange.route = self.path
        if self.scope is None:
            response = await self.answer(request, exchange.call)
            await response(scope, receive, send)
            return
        address = exchange.call.client
        token = request.query_params.get(TOKEN) if self.tokens else None
        with exchange.admission:
            visitor = exchange.admission.enter_context(self.guard.admit(exchange.call.metadata, address, token))
            exchange.call = replace(exchange.call, visitor=visitor)
            visitor.require(self.scope)
            response = await self.answer(request, exchange.call)
            await response(scope, receive, send)


async def elsewhere(request: Request, call: Call) -> Response:  # noqa: ARG001
    """Answers what needs networks, in a process that has none."""
    raise HTTPException(
        501,
        "This process has no networks (server.role compositing); ask it over gRPC, compositing.CompositingService, or "
        "a server of role all.",
    )


async def upgrade(request: Request, call: Call) -> Response:  # noqa: ARG001
    """Answers a request by plain HTTP where WebSockets are spoken."""
    raise HTTPException(
        426, "This route speaks WebSocket: send `Upgrade: websocket`; docs/protocol.md.", {"upgrade": "websocket"}
    )


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers where there is no route, WebSockets too."""
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(JSONResponse({"error": NO_ROUTE}, 404))
    else:
        raise HTTPException(404)


@dataclass(frozen=True, eq=False)
class Doors:
    """Makes routes."""

    guard: Guard
    """Who may come in."""

    def get(self, path: str, scope: keys.Scope | None, answer: Answer) -> Route:
        """A route that is read."""
        return Route(path, Door(path, scope, answer, self.guard), methods=["GET"])

    def delete(self, path: str, scope: keys.Scope | None, answer: Answer) -> Route:
        """A route of what can be ended."""
        return Route(path, Door(path, scope, answer, self.guard), methods=["DELETE"])

    def post(self, path: str, scope: keys.Scope | None, answer: Answer, *, tokens: bool = True) -> Route:
        """A route that something is sent to; `tokens` tells whether a one-use token admits to it."""
        return Route(path, Door(path, scope, answer, self.guard, tokens), methods=["POST"])
