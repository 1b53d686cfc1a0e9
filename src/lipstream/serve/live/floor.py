"""Who wants to speak in, sessions out: as many as the machine holds, each apart from the others."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

from prometheus_client import CollectorRegistry

from lipstream.errors import BusyError, SessionNotFoundError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.painting import Workshop
from lipstream.pipeline.playout import Event
from lipstream.pipeline.session import Passed
from lipstream.render.faces import Face
from lipstream.serve.live.capacity import found, frames_a_second, sessions_of
from lipstream.serve.live.metrics import LiveMetrics
from lipstream.serve.live.opening import Floor, LiveLimits, Opening, Stage
from lipstream.serve.live.pressure import Less, More, Pressure
from lipstream.serve.live.session import Session
from lipstream.serve.registry import Registry

DEFAULT_LIMITS = LiveLimits()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Present:
    """An open session."""

    session: Session
    opening: Opening
    light: Face
    """Who paints in the low quality."""


class Live:
    """The sessions of one process; belongs to one event loop."""

    def __init__(
        self,
        registry: Registry[Avatar],
        workshop: Workshop,
        loaders: Executor,
        limits: LiveLimits = DEFAULT_LIMITS,
        metrics: LiveMetrics | None = None,
    ) -> None:
        """Begin with none.

        Args:
            registry: the avatars.
            workshop: what all sessions share; its threads work for nobody else.
            loaders: threads in which avatars are loaded.
            limits: what sessions may take.
            metrics: count what they do.
        """
        self._registry, self._workshop, self._limits = registry, workshop, limits
        self._leasing = replace(workshop, workers=loaders)
        self._metrics = metrics or LiveMetrics(CollectorRegistry())
        self._metrics.watch(self.floor)
        self._viewers = 0
        self._present: dict[str, _Present] = {}  # the longest open first
        self._most, self._open = limits.max_sessions, 0
        self._empty, self._stopping = asyncio.Event(), False
        self._measuring, self._frames = asyncio.Lock(), 0.0
        self._pressure = Pressure(workshop.now_ms())
        self._low = self._short = False  # smaller networks paint; the machine is short of time, beyond that
        self._slowed: set[str] = set()

    @asynccontextmanager
    async def open(self, opening: Opening) -> AsyncIterator[Session]:
        """Open a session for the time of the `async with` block.

        Args:
            opening: what is asked for.

        Raises:
            BusyError: as many are open as may be, those that are cannot keep up, every place for an avatar is taken, or
                the server stops.
            AvatarNotFoundError: there is no such avatar. AvatarError, EngineError: it cannot be loaded.
            Exception: what the session failed by, where what is in the block took no notice for 10 s.
        """
        if not self._most:
            await self.measure(opening.avatar)
        self._enter(opening)
        try:
            async with asyncio.timeout(None) as patience, AsyncExitStack() as stack:
                avatar, light = await stack.enter_async_context(self._leased(opening.avatar))
                settings = replace(opening.settings, client=opening.client)
                session = Session(avatar, self._workshop, settings, self._limits, self)
                stack.push_async_callback(self._end, session, opening.avatar)
                self._present[session.id] = _Present(session, opening, light)
                self._ease()
                self._metrics.opened(opening.transport)
                if self._stopping:
                    session.drain(deaf=True)
                session.when_stuck = lambda: patience.reschedule(0)
                yield session
        except TimeoutError as error:
            if patience.expired() and session.fault is not None:
                raise session.fault from error
            raise
        finally:
            self._open -= 1
            if not self._open:
                self._empty.set()

    def session(self, id: str) -> Session:  # noqa: A002  the word
        """An open session, for whoever knows its id.

        Raises:
            SessionNotFoundError: there is none.
        """
        try:
            return self._present[id].session
        except KeyError:
            raise SessionNotFoundError(f"there is no session {id[:40]!r}, or it is over; open one") from None

    @contextmanager
    def viewing(self) -> Iterator[int]:
        """Count somebody who watches a session that is not theirs, for the time of the `with` block.

        Yields:
            How many do, with them.
        """
        self._viewers += 1
        try:
            yield self._viewers
        finally:
            self._viewers -= 1

    async def measure(self, avatar: str) -> str:
        """Find out how many sessions fit, where nobody said how many may be open.

        Args:
            avatar: who speaks meanwhile.

        Returns:
            What was found, for people to read.

        Raises:
            LipstreamError: the avatar cannot be loaded.
        """
        async with self._measuring:
            if not self._most:
                async with self._leased(avatar) as (loaded, _):
                    self._frames = await frames_a_second(loaded, self._workshop)
                self._most = sessions_of(self._frames)
        told = f"at most {self._most} at once" if self._limits.max_sessions else found(self._frames)
        return f"live sessions: {told}"

    def floor(self) -> Floor:
        """What is going on; from any thread."""
        sessions = Counter((one.opening.transport, one.session.state) for one in list(self._present.values()))
        return Floor(sessions, self._most, len(self._slowed), self._low, self._viewers)

    async def drain(self, grace_s: float) -> float:
        """Let nobody in any more, and every session end once what was pushed is shown.

        Args:
            grace_s: how long to wait until there is none.

        Returns:
            What is left of it, in seconds.
        """
        end_ms = self._workshop.now_ms() + grace_s * 1000
        self._stopping = True
        for one in self._present.values():
            one.session.drain(deaf=True)
        if not self._open:
            return grace_s
        waiting = [asyncio.ensure_future(one) for one in (self._empty.wait(), self._workshop.sleep(grace_s))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return max(0.0, end_ms - self._workshop.now_ms()) / 1000

    def showed(self, session: str, passed: Passed) -> None:
        """Count a frame, and let sessions do less or more; a frame of a file is never late."""
        self._metrics.showed(passed)
        if not self._limits.adaptive or math.isinf(passed.due_ms):
            return
        match self._pressure.observe(session, passed.late_ms, self._workshop.now_ms()):
            case Less() as less:
                self._do_less(less)
            case More():
                self._do_more()

    def left(self, stages: Mapping[Stage, float]) -> None:
        """Count what a frame took after it was taken."""
        self._metrics.left(stages)

    def told(self, event: Event) -> None:
        """Count what happened."""
        self._metrics.told(event)

    def _enter(self, opening: Opening) -> None:
        if self._stopping or self._open >= self._most or self._short:
            self._metrics.refused(opening.transport)
            if self._stopping:
                raise BusyError("the server stops and begins no more live sessions; ask another one, or this one later")
            opened = "1 live session is open" if self._open == 1 else f"{self._open} live sessions are open"
            late = "and frames are late: this machine has no time for another"
            why = late if self._short else "as many as may be (live.max_sessions)"
            raise BusyError(f"{opened}, {why}; ask again later, or ask another server")
        self._open += 1
        self._empty.clear()

    async def _end(self, session: Session, avatar: str) -> None:
        del self._present[session.id]
        self._slowed.discard(session.id)
        self._short = self._short and bool(self._slowed)  # else, with the last one gone, nobody would come in again
        await session.close()
        self._registry.add_frames(avatar, session.stats().frames)

    def _do_less(self, less: Less) -> None:
        """Those who are late, in pictures a second; where most are, first all in quality, then the newest half."""
        newest = [one for one in self._newest_paced() if one not in self._slowed]
        lighter = any(one.light is not one.session.avatar.face for one in self._present.values())
        low = less.spread and lighter and not self._low
        slowed: list[str] = []
        if not less.spread:
            slowed = [one for one in newest if one in less.late]
        elif not low:
            self._short, slowed = True, newest[: (len(newest) + 1) // 2]
        if not low and not slowed:
            return
        self._low = self._low or low
        self._slowed.update(slowed)
        self._ease()
        _log.warning("live sessions do less: frames were late", extra={"slowed": len(self._slowed), "low": self._low})

    def _do_more(self) -> None:
        if not self._slowed and not self._low:
            return
        self._low = self._low and bool(self._slowed)
        slowed = [one for one in self._newest_paced() if one in self._slowed]
        self._slowed = set(slowed[: len(slowed) // 2])
        self._short = self._short and bool(self._slowed)
        self._ease()
        _log.info("live sessions do more", extra={"slowed": len(self._slowed), "low": self._low})

    def _newest_paced(self) -> list[str]:
        """The sessions that have a pace to keep, the newest first."""
        return [id for id, one in reversed(self._present.items()) if one.opening.settings.paced]  # noqa: A001

    def _ease(self) -> None:
        """Let every session do as much as it is to."""
        for id, one in self._present.items():  # noqa: A001  the word
            face = one.light if self._low else one.session.avatar.face
            one.session.ease(halved=id in self._slowed, face=face)

    @asynccontextmanager
    async def _leased(self, name: str) -> AsyncIterator[tuple[Avatar, Face]]:
        """An avatar that stays loaded, and who paints it in the low quality.

        Leases are taken and given back in threads, for they may load and close.
        """
        with_lease = ExitStack()

        def enter() -> tuple[Avatar, Face]:
            avatar = with_lease.enter_context(self._registry.lease(name))
            return avatar, avatar.lighter() or avatar.face

        try:
            yield await self._leasing.work(enter)
        finally:
            await self._leasing.work(with_lease.close)
