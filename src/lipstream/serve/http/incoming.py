"""What a client sends in, the same counted and within its limits out; afterwards, word of the client's leaving."""

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Send

from lipstream.serve.call import Allowance
from lipstream.serve.underway import end


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How much a client may send, and how slowly."""

    max_body_bytes: int = 200 * 2**20
    """The largest body."""
    max_audio_s: float = 600
    """The longest sound of a request."""
    stall_s: float = 30
    """How long a client may send nothing of its body, or take nothing of its answer."""


DEFAULT_LIMITS = HttpLimits()


class Incoming:
    """One request's body: never more of it is read than its limit and the allowance let."""

    def __init__(self, receive: Receive, gone: "Future[None]", allowance: Allowance, limits: HttpLimits) -> None:
        """Prepare.

        Args:
            receive: the server's.
            gone: done when the client leaves, once the body has been read.
            allowance: bytes of all requests under way.
            limits: of this one.
        """
        self._receive, self._gone, self._allowance, self._limits = receive, gone, allowance, limits
        self._held_bytes = 0
        self._watch: asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        """The next part of the body.

        Raises:
            HTTPException: the body is too large, or does not go on.
            BusyError: requests under way hold too much.
        """
        message = await self._in_time()
        if message["type"] == "http.disconnect":
            end(self._gone)
            return message
        self._count(len(message.get("body", b"")))
        if not message.get("more_body", False):
            self._watch = asyncio.create_task(self._wait_for_leaving())
        return message

    def check_length(self, content_length: str | None) -> None:
        """Refuse, before any of it is read, a body that says itself that it is too large."""
        if content_length and content_length.isdecimal() and int(content_length[:20]) > self._limits.max_body_bytes:
            raise self._too_large()

    def close(self) -> None:
        """Give back what the body held."""
        if self._watch is not None:
            self._watch.cancel()
        self._allowance.give_back(self._held_bytes)

    async def _in_time(self) -> Message:
        try:
            async with asyncio.timeout(self._limits.stall_s):
                return await self._receive()
        except TimeoutError as error:
            raise HTTPException(
                408, f"Nothing of the body arrived for {self._limits.stall_s:g} s; send it again."
            ) from error

    def _count(self, size_bytes: int) -> None:
        if self._held_bytes + size_bytes > self._limits.max_body_bytes:
            raise self._too_large()
        self._allowance.take(size_bytes)
        self._held_bytes += size_bytes

    def _too_large(self) -> HTTPException:
        return HTTPException(
            413,
            f"The body is too large; expected at most {self._limits.max_body_bytes:,} bytes (server.max_message_mb): "
            "send less, or compressed sound.",
        )

    async def _wait_for_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        end(self._gone)


class Outgoing:
    """One request's answer: sent to a client that takes it, with the headers that every answer has."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]], limits: HttpLimits) -> None:
        self._send, self._headers, self._limits = send, headers, limits
        self.status: int | None = None
        """What was sent, None before."""

    async def send(self, message: Message) -> None:
        """Send the next part of the answer.

        Raises:
            ClientDisconnect: the client does not take it.
        """
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
        try:
            async with asyncio.timeout(self._limits.stall_s):
                await self._send(message)
        except TimeoutError as error:
            raise ClientDisconnect(f"the client took nothing for {self._limits.stall_s:g} s") from error
