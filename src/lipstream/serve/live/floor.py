"""Who wants to speak in, sessions out: as many as the machine holds, each apart from the others."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from lipstream.errors import BusyError, SessionNotFoundError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.painting import Workshop
from lipstream.serve.live.opening import LiveLimits, Opening
from lipstream.serve.live.session import Session
from lipstream.serve.registry import Registry

T = TypeVar("T")
DEFAULT_LIMITS = LiveLimits()


class Live:
    """The sessions of one process; belongs to one event loop."""

    def __init__(
        self, registry: Registry[Avatar], workshop: Workshop, loaders: Executor, limits: LiveLimits = DEFAULT_LIMITS
    ) -> None:
        """Begin with none.

        Args:
            registry: the avatars.
            workshop: what all sessions share; its threads work for nobody else.
            loaders: threads in which avatars are loaded.
            limits: what sessions may take.
        """
        self._registry, self._workshop, self._limits = registry, workshop, limits
        self._leasing = replace(workshop, workers=loaders)
        self._sessions: dict[str, Session] = {}
        self._open = 0

    @asynccontextmanager
    async def open(self, opening: Opening) -> AsyncIterator[Session]:
        """Open a session for the time of the `async with` block.

        Args:
            opening: what is asked for.

        Raises:
            BusyError: as many are open as may be, or every place for an avatar is in use.
            AvatarNotFoundError: there is no such avatar. AvatarError, EngineError: it cannot be loaded.
        """
        self._enter()
        try:
            async with AsyncExitStack() as stack:
                avatar = await stack.enter_async_context(self._leased(self._registry.lease(opening.avatar)))
                settings = replace(opening.settings, client=opening.client)
                session = Session(avatar, self._workshop, settings, self._limits)
                stack.push_async_callback(self._end, session, opening.avatar)
                self._sessions[session.id] = session
                yield session
        finally:
            self._open -= 1

    def session(self, id: str) -> Session:  # noqa: A002  the word
        """An open session, for whoever knows its id.

        Raises:
            SessionNotFoundError: there is none.
        """
        try:
            return self._sessions[id]
        except KeyError:
            raise SessionNotFoundError(f"there is no session {id[:40]!r}, or it is over; open one") from None

    def drain(self) -> None:
        """Let every session end once what was pushed is shown."""
        for session in self._sessions.values():
            session.drain()

    def _enter(self) -> None:
        most = self._limits.max_sessions
        if most and self._open >= most:
            raise BusyError(f"{self._open} sessions are open, as many as may be (live.max_sessions); ask again later")
        self._open += 1

    async def _end(self, session: Session, avatar: str) -> None:
        del self._sessions[session.id]
        await session.close()
        self._registry.add_frames(avatar, session.stats().frames)

    @asynccontextmanager
    async def _leased(self, lease: AbstractContextManager[Avatar]) -> AsyncIterator[Avatar]:
        """An avatar that stays loaded; leases are taken and given back in threads, for they may load and close."""
        with_lease = ExitStack()
        enter: Callable[[], Avatar] = partial(with_lease.enter_context, lease)
        try:
            yield await self._leasing.work(enter)
        finally:
            await self._leasing.work(with_lease.close)
