"""`GET /health` as the reference's proxy answers it: one backend, this process."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lipstream.serve.call import Call
from lipstream.serve.ws.tally import Tally

ADDRESS = "this process"


@dataclass(frozen=True, eq=False)
class ProxyHealth:
    """Answers the route."""

    ready: Callable[[], bool]
    """Whether requests are served."""
    tally: Tally
    """How much was asked."""

    async def __call__(self, request: Request, call: Call) -> Response:  # noqa: ARG002
        """Status 503 when nothing is served."""
        healthy = self.ready()
        backend = {
            "address": ADDRESS,
            "healthy": healthy,
            "total_requests": self.tally.total,
            "error_count": self.tally.failed,
        }
        fields = {"healthy": healthy, "total_backends": 1, "healthy_count": int(healthy), "backends": [backend]}
        return JSONResponse(fields, 200 if healthy else 503)
