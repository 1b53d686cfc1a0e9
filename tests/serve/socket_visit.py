"""A WebSocket client in the same process as the application, which says, hears, stalls and vanishes when it is told."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message

PATIENCE_S = 60


@dataclass(frozen=True)
class Closed:
    """How the server ended it."""

    code: int
    reason: str


@dataclass(frozen=True)
class Denied:
    """How the handshake was refused."""

    status: int


@dataclass(eq=False)
class Visitor:
    """One client and its socket."""

    said: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    heard: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    takes: asyncio.Event = field(default_factory=asyncio.Event)
    accepted: Message = field(default_factory=dict)

    def say(self, *messages: str | bytes) -> None:
        for message in messages:
            kind = "text" if isinstance(message, str) else "bytes"
            self.said.put_nowait({"type": "websocket.receive", kind: message})

    def vanish(self, code: int = 1006) -> None:
        self.said.put_nowait({"type": "websocket.disconnect", "code": code})

    async def hear(self) -> str | bytes | Closed | Denied:
        async with asyncio.timeout(PATIENCE_S):
            message = await self.heard.get()
        match message:
            case {"type": "websocket.accept"}:
                self.accepted = message
                return await self.hear()
            case {"type": "websocket.close", "code": code}:
                self.vanish(code)
                return Closed(code, message["reason"])
            case {"type": "websocket.http.response.start", "status": status}:
                return Denied(status)
        heard: str | bytes = message["text"] if message.get("text") is not None else message["bytes"]
        return heard

    async def answer(self) -> str | bytes:
        """What comes next must be a message."""
        heard = await self.hear()
        assert isinstance(heard, str | bytes)
        return heard

    async def _take(self, message: Message) -> None:
        await self.takes.wait()
        self.heard.put_nowait(message)


@asynccontextmanager
async def visiting(
    app: ASGIApp, path: str = "/ws", headers: Mapping[str, str] | None = None, subprotocols: Sequence[str] = ()
) -> AsyncIterator[Visitor]:
    """A client that leaves at the end, when the application must be done with it."""
    visitor = Visitor()
    visitor.takes.set()
    visitor.said.put_nowait({"type": "websocket.connect"})
    path, _, query = path.partition("?")
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (name.encode(), value.encode()) for name, value in {"host": "localhost", **(headers or {})}.items()
        ],
        "subprotocols": list(subprotocols),
        "client": ("10.0.0.7", 1),
        "server": ("localhost", 80),
        "extensions": {"websocket.http.response": {}},
    }
    task = asyncio.ensure_future(app(scope, visitor.said.get, visitor._take))
    try:
        yield visitor
    finally:
        visitor.takes.set()
        visitor.vanish()
        async with asyncio.timeout(PATIENCE_S):
            await task
