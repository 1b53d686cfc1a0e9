"""A path and what answers a WebSocket there in, a route that lets in whoever may out.

A page cannot see why a handshake failed. So whoever may not come in is let in and sent away at once, with a code and a
sentence in the close frame; only pages of foreign sites are refused by the handshake itself.
"""

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from lipstream.errors import AccessError, InputError
from lipstream.serve import keys
from lipstream.serve.access import Visitor
from lipstream.serve.answered import OK, request_id
from lipstream.serve.call import Call
from lipstream.serve.http.routes import TOKEN
from lipstream.serve.origins import Origins
from lipstream.serve.status import status_of
from lipstream.serve.ws.socket import GOOD_BYES, LEFT, House, Socket, close, ended_by

Answer = Callable[[Socket], Awaitable[None]]
SERVICE = "websocket"
"""What the log calls the life of a socket; its method is the path."""


@dataclass(frozen=True, eq=False)
class SocketDoor:
    """One route, as an ASGI application; its visitor counts as long as the socket is open."""

    path: str
    """Its path."""
    scope: keys.Scope
    """What a visitor's key must allow."""
    answer: Answer
    """Answers until it returns; what it raises is said in the close frame."""
    house: House
    """What all sockets share."""
    origins: Origins
    """From where browsers may call."""
    subprotocol: str | None = None
    """What a client must offer to speak; None asks for nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket."""
        websocket = WebSocket(scope, receive, send)
        headers = Headers(scope=scope)
        address = scope["client"][0] if scope.get("client") else ""
        metadata = {name.lower(): value for name, value in headers.items()}
        call = Call(request_id(headers), Visitor(address, frozenset()), metadata, Future())
        try:
            self.origins.check(headers.get("host"), headers.get("origin"), secure=scope["scheme"] == "wss")
        except AccessError as error:
            self.house.tell(SERVICE, self.path, call, ended_by(error, call.id), self.house.now_ms())
            await websocket.send_denial_response(JSONResponse({"error": str(error), "request_id": call.id}, 403))
            return
        offered = self.subprotocol if self.subprotocol in scope.get("subprotocols", ()) else None
        await websocket.accept(offered, [(b"x-request-id", call.id.encode("latin-1"))])
        await self._serve(websocket, call)

    async def _serve(self, websocket: WebSocket, call: Call) -> None:
        begin_ms, ended, stall_s = self.house.now_ms(), (LEFT, ""), self.house.stall_s
        token = websocket.query_params.get(TOKEN)
        try:
            with self.house.guard.admit(call.metadata, call.client, token) as visitor:
                call = replace(call, visitor=visitor)
                await self._answer(websocket, call)
            ended = OK, ""
            await close(websocket, 1000, "", stall_s)
        except WebSocketDisconnect as error:
            ended = (OK, "") if error.code in GOOD_BYES else (LEFT, error.reason)
        except Exception as error:
            ended = ended_by(error, call.id)
            status = status_of(error, call.id)
            await close(websocket, status.websocket, status.message, stall_s)
        finally:
            self.house.tell(SERVICE, self.path, call, ended, begin_ms, lasting=True)

    async def _answer(self, websocket: WebSocket, call: Call) -> None:
        call.visitor.require(self.scope)
        if self.subprotocol is not None and self.subprotocol not in websocket.scope.get("subprotocols", ()):
            raise InputError(f"Offer the subprotocol {self.subprotocol} (Sec-WebSocket-Protocol) to speak here.")
        socket = Socket(websocket, call, self.house)
        try:
            await self.answer(socket)
        finally:
            socket.end()


@dataclass(frozen=True, eq=False)
class SocketDoors:
    """Makes routes."""

    house: House
    """What all sockets share."""
    origins: Origins
    """From where browsers may call."""

    def route(self, path: str, scope: keys.Scope, answer: Answer, subprotocol: str | None = None) -> WebSocketRoute:
        """A route for WebSockets."""
        return WebSocketRoute(path, SocketDoor(path, scope, answer, self.house, self.origins, subprotocol))
