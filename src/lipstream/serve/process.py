"""Everything that serves in, one process that says when it is ready and drains when it is told to stop out."""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from lipstream.errors import InputError
from lipstream.pipeline.avatar import Avatar
from lipstream.serve.live.floor import Live
from lipstream.serve.registry import Registry

IDLE_CHECK_S = 60
SIGNALS = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """A wire that listens: gRPC, HTTP."""

    @property
    def where(self) -> str:
        """Where it listens, for people to read."""
        ...

    async def start(self) -> None:
        """Listen, and say that nothing is served yet."""
        ...

    async def ready(self) -> None:
        """Say that everything is served."""
        ...

    async def unready(self) -> None:
        """Say that nothing is served, and serve on."""
        ...

    async def drain(self, grace_s: float) -> None:
        """Say that nothing is served, take nothing new, and let what is under way end within `grace_s` seconds."""
        ...


@dataclass(frozen=True, eq=False)
class Process:
    """One serving process."""

    listeners: Sequence[Listener]
    """What listens."""
    registry: Registry[Avatar]
    """The avatars."""
    workers: Executor
    """Where avatars are loaded."""
    preload: Sequence[str]
    """Avatars that are loaded before it is ready."""
    drain_s: float
    """How long what is under way may take to end."""
    idle_ms: float | None
    """After how long an avatar that nobody uses is unloaded; None for never."""
    notes: Sequence[str] = ()
    """What else whoever starts it should know: limits, the certificate's fingerprint, that everybody may come in."""
    live: Live | None = None
    """Its sessions; None for a process that has none."""

    async def run(self, say: Callable[[str], None], stop: asyncio.Event | None = None) -> None:
        """Serve until a signal says to stop; a second one stops at once.

        Args:
            say: told what a person wants to read: what is loaded, how long it took, that it is ready, that it stops.
            stop: set to stop it, besides the signals.

        Raises:
            LipstreamError: a port is taken, or an avatar that is to be preloaded cannot be.
        """
        stop, again = stop or asyncio.Event(), asyncio.Event()
        for note in self.notes:
            say(note)
        with _told(asyncio.get_running_loop(), stop, again):
            try:
                await self._begin(say, stop)
                await self._until(stop)
                say(f"stopping: what is under way has {self.drain_s:g} s to end")
                await self._drain(again)
            finally:
                await asyncio.gather(*(listener.drain(0) for listener in self.listeners))

    async def _begin(self, say: Callable[[str], None], stop: asyncio.Event) -> None:
        """Listen, load, and be ready, unless told to stop meanwhile."""
        preloading, loop = self.registry.preload(self.preload), asyncio.get_running_loop()  # raises of unknown names
        for listener in self.listeners:
            await listener.start()
            say(f"listening: {listener.where}")
        while not stop.is_set() and (loaded := await loop.run_in_executor(self.workers, next, preloading, None)):
            with self.registry.lease(loaded.name, counted=False) as avatar:
                network = f"{avatar.quality} {avatar.precision} by {avatar.engine} on {loaded.device}"
            say(f"{loaded.name} loaded in {loaded.load_ms / 1000:.1f} s, {loaded.size_bytes / 1e6:.0f} MB: {network}")
        if self.live is not None and self.preload and not stop.is_set():
            with suppress(InputError):  # one that hears no sound: the first session of another measures
                say(await self.live.measure(self.preload[0]))
        if not stop.is_set():
            for listener in self.listeners:
                await listener.ready()
            say("ready")

    async def _until(self, stop: asyncio.Event) -> None:
        """Wait, and unload what idles meanwhile."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), IDLE_CHECK_S)
            if self.idle_ms is not None and (names := self.registry.unload_idle(self.idle_ms)):
                _log.info("unloaded what idled", extra={"avatars": names})

    async def _drain(self, again: asyncio.Event) -> None:
        """Drain everything; give up when told again."""
        draining, told = asyncio.ensure_future(self._drain_all()), asyncio.ensure_future(again.wait())
        await asyncio.wait({draining, told}, return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        told.cancel()
        await asyncio.gather(draining, told, return_exceptions=True)
        if not draining.cancelled():
            draining.result()

    async def _drain_all(self) -> None:
        """First the sessions: a listener that drains closes the sockets that they are spoken over."""
        for listener in self.listeners:
            await listener.unready()
        left_s = self.drain_s if self.live is None else await self.live.drain(self.drain_s)
        await asyncio.gather(*(listener.drain(left_s) for listener in self.listeners))


class _told:  # noqa: N801  used as a with statement
    """Sets an event at the first signal to stop while the block runs, another one at every further signal."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stop: asyncio.Event, again: asyncio.Event) -> None:
        self._loop, self._stop, self._again = loop, stop, again

    def __enter__(self) -> None:
        with suppress(NotImplementedError, RuntimeError, ValueError):  # another thread than the main one, or Windows
            for number in SIGNALS:
                self._loop.add_signal_handler(number, self._tell)

    def __exit__(self, *_: object) -> None:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            for number in SIGNALS:
                self._loop.remove_signal_handler(number)

    def _tell(self) -> None:
        (self._again if self._stop.is_set() else self._stop).set()
