"""Parts of an answer in, the same sent as they are made out."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class Streamed(Response):
    """An answer that leaves as it is made."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None], media_type: str) -> None:
        """Prepare; `started` makes one.

        Args:
            first: its first bytes.
            rest: those that follow.
            media_type: what it is.
        """
        super().__init__(media_type=media_type, headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._first, self._rest = first, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  Starlette's
        """Send it."""
        async with aclosing(self._rest) as rest:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self._first, "more_body": True})
            async for part in rest:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def started(parts: AsyncGenerator[bytes, None], media_type: str) -> Streamed:
    """Wait for the first part of an answer, so that what fails before it has a status of its own."""
    return Streamed(await anext(parts), parts, media_type)
