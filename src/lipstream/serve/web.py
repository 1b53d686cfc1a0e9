"""An ASGI application in, an HTTP server that listens and drains out."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from lipstream.errors import OutputError
from lipstream.serve.listening import bracketed

MAX_MESSAGE_BYTES = 10_000_000
"""The largest WebSocket message, the reference's limit; whoever sends a larger one is sent away with code 1009."""

UNSENT_BYTES = 128 * 1024
"""That this machine's buffers hold of what one client has not yet taken: two pictures, not the seconds of them that
would fit, so that a slow client of a live session is known to be slow."""


class HttpServer:
    """HTTP and WebSocket routes of one process, on one port."""

    def __init__(
        self, app: Callable[[Callable[[], bool]], ASGIApp], host: str, port: int, context: ssl.SSLContext | None = None
    ) -> None:
        """Prepare; nothing listens yet.

        Args:
            app: makes the application, which is handed what tells whether requests are served.
            host: address.
            port: TCP port; 0 takes a free one.
            context: TLS; None speaks plain text.
        """
        self._ready = False
        config = uvicorn.Config(
            app(lambda: self._ready),
            lifespan="auto",
            log_config=None,
            log_level="critical",  # the application logs itself what fails; broken bytes of strangers are not worth it
            access_log=False,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,  # JPEG and speech do not get smaller
        )
        config.load()
        config.ssl = context
        self._server = _Server(config)
        self._host, self._port = host, port
        self._task: asyncio.Task[None] | None = None
        self.port = 0

    @property
    def where(self) -> str:
        """Where it listens, for people to read."""
        scheme = "http" if self._server.config.ssl is None else "https"
        return f"{scheme}://{bracketed(self._host)}:{self.port}"

    async def start(self) -> None:
        """Listen, and say that nothing is served yet.

        Raises:
            OutputError: the port is taken, or the address is not this machine's.
        """
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listening = socket.create_server((self._host.strip("[]"), self._port), family=family)
        except OSError as error:
            reason = str(error.strerror).partition(" (while")[0]  # Python adds the address, as a tuple
            raise OutputError(
                f"HTTP cannot listen on {bracketed(self._host)}:{self._port} ({reason}); choose another with "
                "--http-port or --compat-port"
            ) from error
        with contextlib.suppress(AttributeError, OSError):  # where the system has it: Linux, macOS
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self.port = listening.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))
        up = asyncio.ensure_future(self._server.up.wait())
        await asyncio.wait({self._task, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._task.done():
            listening.close()
            raise OutputError(f"HTTP does not start on port {self.port} ({self._task.exception() or 'it ended'}).")

    async def ready(self) -> None:
        """Say that everything is served."""
        self._ready = True

    async def unready(self) -> None:
        """Say that nothing is served, and serve on."""
        self._ready = False

    async def drain(self, grace_s: float) -> None:
        """Say that nothing is served, take nothing new, and let what is under way end within `grace_s` seconds."""
        await self.unready()
        if self._task is None:
            return
        self._server.config.timeout_graceful_shutdown = max(1, round(grace_s))  # it knows whole seconds alone
        self._server.should_exit = True
        self._server.force_exit = grace_s == 0
        await asyncio.wait([self._task])


class _Server(uvicorn.Server):
    """Leaves signals to the process, and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield
