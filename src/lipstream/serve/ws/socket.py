"""An accepted WebSocket in, its messages one at a time out; what is sent to it, within its limits."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import grpc
from starlette.websockets import WebSocket, WebSocketDisconnect

from lipstream.serve.access import Guard
from lipstream.serve.answered import OK, Answered
from lipstream.serve.call import Allowance, Call
from lipstream.serve.core import Spent
from lipstream.serve.status import status_of
from lipstream.serve.steps import Gone
from lipstream.serve.underway import end

GOOD_BYES = frozenset({1000, 1001, 1005, 1012})
"""Codes by which a socket ends as it should: done, the page left, no reason given, the server stops."""
REASON_BYTES = 123
"""The most that a close frame says."""
LEFT = grpc.StatusCode.CANCELLED.name
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Message:
    """One message that is a request of its own, as the log knows it."""

    call: Call
    """Whose it is, with an id and times of its own."""
    method: str
    """What it asks for; replaced by whoever reads it."""


@dataclass(frozen=True, eq=False)
class House:
    """What all sockets share."""

    guard: Guard
    """Who may come in."""
    allowance: Allowance
    """Bytes of requests under way, those of all other wires included."""
    stall_s: float
    """How long a client may take nothing of what is sent to it."""
    now_ms: Callable[[], float]
    """A monotonic clock."""
    observers: tuple[Callable[[Answered], None], ...] = ()
    """Told of every request that is over, on the event loop: they must not wait."""

    def tell(  # noqa: PLR0913  the last is optional, and by name only
        self, service: str, method: str, call: Call, ended: tuple[str, str], begin_ms: float, *, lasting: bool = False
    ) -> None:
        """Tell the observers of a request that is over; `ended` is its status and what went wrong."""
        status, error = ended
        duration_ms = self.now_ms() - begin_ms
        answered = Answered(service, method, call.id, call.client, status, error, duration_ms, call.spent, lasting)
        for observe in self.observers:
            observe(answered)


class Socket:
    """One client's WebSocket; belongs to one event loop."""

    def __init__(self, websocket: WebSocket, call: Call, house: House) -> None:
        """Begin to read; the door makes it.

        Args:
            websocket: accepted.
            call: who is there; its `gone` is done when the client leaves, also while a message is being answered.
            house: what all sockets share.
        """
        self.call = call
        self._websocket, self._house = websocket, house
        self._held_bytes = self._coming_bytes = 0
        self._next = self._read_ahead()

    async def receive(self) -> str | bytes:
        """The next message; the one before it counts as dealt with, and one more is read ahead.

        Raises:
            WebSocketDisconnect: the client left, or the server stops.
            BusyError: requests under way hold too much.
        """
        self._house.allowance.give_back(self._held_bytes)
        self._held_bytes = 0
        message = await asyncio.shield(self._next)
        self._held_bytes, self._coming_bytes = self._coming_bytes, 0
        self._next = self._read_ahead()
        return message

    async def send(self, message: str | bytes) -> None:
        """Send a message; several tasks may.

        Raises:
            WebSocketDisconnect: the client left, or does not take it.
        """
        kind = "text" if isinstance(message, str) else "bytes"
        try:
            async with asyncio.timeout(self._house.stall_s):
                await self._websocket.send({"type": "websocket.send", kind: message})
        except TimeoutError as error:
            end(self.call.gone)
            raise WebSocketDisconnect(1006, f"the client took nothing for {self._house.stall_s:g} s") from error

    @contextmanager
    def request(self, service: str, method: str, id: str | None = None) -> Iterator[Message]:  # noqa: A002
        """Count a message against its key and tell the log and the metrics of it, where each is a request of its own.

        Args:
            service: what the log calls its protocol.
            method: what it asks for.
            id: the request's, if its client gave one; else the socket's.

        Raises:
            BusyError: the key asks more often than it may. UnknownCallerError: it was revoked.
        """
        begin_ms = self._house.now_ms()
        message = Message(replace(self.call, id=id or self.call.id, spent=Spent()), method)
        ended = LEFT, ""
        try:
            self._house.guard.count(self.call.visitor)
            yield message
            ended = OK, ""
        except (WebSocketDisconnect, Gone):
            raise
        except Exception as error:
            ended = ended_by(error, message.call.id)
            raise
        finally:
            self._house.tell(service, message.method, message.call, ended, begin_ms)

    def end(self) -> None:
        """Read no more, and give back what the messages held."""
        end(self.call.gone)
        self._next.cancel()
        self._house.allowance.give_back(self._held_bytes + self._coming_bytes)
        self._held_bytes = self._coming_bytes = 0

    def _read_ahead(self) -> "asyncio.Task[str | bytes]":
        task = asyncio.create_task(self._read())
        task.add_done_callback(lambda one: one.cancelled() or one.exception())  # known, though nobody may ask for it
        return task

    async def _read(self) -> str | bytes:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            end(self.call.gone)
            raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
        text, data = message.get("text"), message.get("bytes")
        content: str | bytes = text if text is not None else data or b""
        self._house.allowance.take(len(content))
        self._coming_bytes = len(content)
        return content


def ended_by(error: Exception, request_id: str) -> tuple[str, str]:
    """What an error makes of a request, as the log says it; the log has more of one that nobody meant."""
    status = status_of(error, request_id)
    if status.http == 500:
        _log.error("a message failed", extra={"request_id": request_id}, exc_info=error)
    return status.grpc.name, status.message


async def close(websocket: WebSocket, code: int, reason: str, stall_s: float) -> None:
    """Say goodbye, if the client still listens; a reason too long for a close frame is cut."""
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        async with asyncio.timeout(stall_s):
            await websocket.close(code, reason.encode()[:REASON_BYTES].decode(errors="ignore"))
