"""The HTTP routes around a tiny avatar, a client in the same process, and one that leaves or stalls when it is told."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

from lipstream.clock import now_ms
from lipstream.errors import AvatarNotFoundError
from lipstream.pipeline.painting import Workshop
from lipstream.serve.access import Guard
from lipstream.serve.answered import Answered
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance
from lipstream.serve.core import Core
from lipstream.serve.http.app import Parts, http_app
from lipstream.serve.live.floor import Live
from lipstream.serve.live.opening import LiveLimits
from lipstream.serve.origins import Origins
from lipstream.serve.quotas import Quotas
from lipstream.serve.tokens import Tokens

MEGABYTE = 2**20
BRIEF_FRAMES = 5
BRIEF_BYTES = 44 + 2 * 640 * BRIEF_FRAMES
"""Of a WAV at 16 kHz: so many frames of sound."""


@dataclass(frozen=True, eq=False)
class Site:
    """All routes."""

    parts: Parts
    answered: list[Answered] = field(default_factory=list)

    @property
    def app(self) -> ASGIApp:
        return http_app(replace(self.parts, observers=(self.answered.append,)))

    @property
    def client(self) -> TestClient:
        return TestClient(self.app, base_url="http://localhost", raise_server_exceptions=False)

    def but(self, **parts: Any) -> "Site":  # noqa: ANN401  any part
        return Site(replace(self.parts, **parts))

    def wait(self) -> None:
        """Until no worker works any more; nothing can be asked afterwards."""
        self.parts.workers.shutdown(wait=True)


@contextmanager
def site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    def bundle_of(name: str) -> Path:
        if name != "tiny":
            raise AvatarNotFoundError(f"There is no avatar {name!r}; known: tiny")
        return tiny_path

    with ThreadPoolExecutor(4) as workers:
        yield Site(
            Parts(
                core=core,
                avatars=avatars,
                live=Live(core.registry, Workshop(core.batcher, workers, now_ms), workers, LiveLimits(adaptive=False)),
                bundle_of=bundle_of,
                workers=workers,
                guard=Guard(None, Tokens(), Quotas(), now_ms),
                origins=Origins(),
                allowance=Allowance(400 * MEGABYTE),
                ready=lambda: True,
                exposition=lambda accept: (b"lipstream_up 1\n", f"text/plain; asked={accept}"),
            )
        )


@dataclass(eq=False)
class Visit:
    """One request by hand, on an event loop of its own."""

    path: str
    method: str = "POST"
    body: Sequence[bytes] = ()
    """Its parts; a client that leaves while sending stops after them."""
    headers: dict[str, str] = field(default_factory=dict)
    complete: bool = True
    """Whether the body ends after its parts; if not, the client leaves."""
    leaves: bool = False
    """Whether the client leaves as soon as the body has ended."""
    stalls: bool = False
    """Whether the client does nothing after its body's parts, and takes nothing."""
    until: Callable[[Message], bool] = lambda _: False
    """At which message the client leaves."""
    sent: list[Message] = field(default_factory=list)
    """What the application sent."""

    def make(self, app: ASGIApp) -> "Visit":
        asyncio.run(self.visit(app))
        return self

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None

    async def visit(self, app: ASGIApp) -> None:
        """The same on an event loop that runs."""
        left, parts = asyncio.Event(), list(self.body)

        async def receive() -> Message:
            if parts:
                part = parts.pop(0)
                return {"type": "http.request", "body": part, "more_body": bool(parts) or not self.complete}
            if self.stalls or (self.complete and not self.leaves):
                await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if self.stalls and self.complete:
                await left.wait()
            if left.is_set():
                return
            self.sent.append(message)
            if self.until(message):
                left.set()

        path, _, query = self.path.partition("?")
        headers = {"host": "localhost", **self.headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("10.0.0.7", 1),
            "server": ("localhost", 80),
        }
        await app(scope, receive, send)
