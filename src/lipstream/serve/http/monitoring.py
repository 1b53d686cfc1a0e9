"""What monitors ask: whether the process lives, whether it serves, and what it measured."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lipstream.serve.access import Guard
from lipstream.serve.call import Call
from lipstream.serve.tokens import LIFETIME_MS


@dataclass(frozen=True, eq=False)
class Monitoring:
    """Answers these routes."""

    ready: Callable[[], bool]
    """Whether requests are served: not before the preloaded avatars are warm, and not while it drains."""
    exposition: Callable[[str], tuple[bytes, str]]
    """An Accept header to what was measured, as Prometheus reads it, and its content type; from any thread."""

    async def live(self, request: Request, call: Call) -> Response:  # noqa: ARG002
        """Whether the process lives."""
        return JSONResponse({"status": "live"})

    async def readiness(self, request: Request, call: Call) -> Response:  # noqa: ARG002
        """Whether it serves."""
        if self.ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready"}, 503, {"retry-after": "1"})

    async def metrics(self, request: Request, call: Call) -> Response:  # noqa: ARG002
        """What it measured."""
        accept = request.headers.get("accept", "")
        content, content_type = await asyncio.to_thread(self.exposition, accept)  # graphics cards take their time
        return Response(content, headers={"content-type": content_type})


@dataclass(frozen=True, eq=False)
class TokenDesk:
    """`POST /v1/tokens`: a key in, a token for a browser that admits once out."""

    guard: Guard
    """Issues them."""

    async def __call__(self, request: Request, call: Call) -> Response:  # noqa: ARG002
        """Answer with a new token."""
        token = self.guard.token_for(call.visitor)
        return JSONResponse(
            {"token": token, "expires_in_s": LIFETIME_MS // 1000}, headers={"cache-control": "no-store"}
        )
