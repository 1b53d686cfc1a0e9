"""Offers of talkers and viewers in, connections out, each in a task of its own that leaves nothing behind."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from lipstream.errors import BusyError, LipstreamError, SessionNotFoundError
from lipstream.serve.live.cleaning import Cleaning
from lipstream.serve.live.floor import Live
from lipstream.serve.live.opening import Opening
from lipstream.serve.live.session import Session
from lipstream.serve.live.telling import first
from lipstream.serve.sound_in import SoundIn
from lipstream.serve.webrtc.coding import Coder
from lipstream.serve.webrtc.peer import Peer
from lipstream.serve.webrtc.settings import Answered, Caller, WebRtcSettings, Wish
from lipstream.serve.webrtc.show import Seat, Show
from lipstream.serve.webrtc.talker import Stage, Talker
from lipstream.types import OPUS_RATE_HZ

CLOSE_S = 2.0
"""aiortc waits for ever if its own tasks were cancelled, as those of a process that is told to stop twice are."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    session: str
    sdp: str


class Connections:
    """All connections of one process; belongs to one event loop."""

    def __init__(self, live: Live, settings: WebRtcSettings, now_ms: Callable[[], float]) -> None:
        """Begin with none.

        Args:
            live: opens the talkers' sessions.
            settings: how connections are to be.
            now_ms: a monotonic clock.
        """
        self._live, self._settings, self._now_ms = live, settings, now_ms
        self._tasks: dict[str, asyncio.Task[str]] = {}
        self._shows: dict[str, Show] = {}
        self._relays: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()

    async def talk(self, offer: str, wish: Wish, caller: Caller) -> Answered:
        """Open a session for a talker.

        Args:
            offer: SDP.
            wish: what he asks for.
            caller: who he is.

        Raises:
            InputError: the offer cannot be used.
            MissingExtraError: he wants his sound improved, and nothing is installed that can.
            LipstreamError: what `Live.open` raises.
        """
        sound_in = await asyncio.to_thread(SoundIn, wish.steps, OPUS_RATE_HZ) if wish.steps else None
        return await self._begin(partial(self._talk, offer, wish, sound_in, caller), caller)

    async def watch(self, offer: str, session: str, caller: Caller) -> Answered:
        """Let a viewer see a session, whatever way its speaker came.

        Raises:
            SessionNotFoundError: there is none of that id.
            BusyError: as many watch as may.
            InputError: the offer cannot be used.
        """
        return await self._begin(partial(self._watch, offer, self._live.session(session)), caller)

    async def end(self, connection: str) -> None:
        """End a connection; a talker's session ends with it.

        Raises:
            SessionNotFoundError: there is none of that id.
        """
        task = self._tasks.get(connection)
        if task is None:
            raise SessionNotFoundError(f"there is no connection {connection[:40]!r}, or it is over")
        task.cancel()
        await asyncio.wait([task])

    def when_over(self, connection: str, call: Callable[[], None]) -> None:
        """Call back when a connection is over; at once if it is."""
        if (task := self._tasks.get(connection)) is None:
            call()
        else:
            task.add_done_callback(lambda _: call())

    async def close(self, within_ms: float) -> None:
        """Wait until all have ended by themselves, as with their sessions; end those that have not in time."""
        if tasks := list(self._tasks.values()):
            await asyncio.wait(tasks, timeout=within_ms / 1000)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(
        self, hold: Callable[["asyncio.Future[_Answer]"], Coroutine[Any, Any, str]], caller: Caller
    ) -> Answered:
        """Hold a connection in a task, and wait for its answer; whoever leaves meanwhile ends it."""
        id, answer = secrets.token_urlsafe(18), asyncio.get_running_loop().create_future()  # noqa: A001
        task = self._tasks[id] = asyncio.create_task(hold(answer))
        task.add_done_callback(partial(self._ended, id, caller))
        try:
            await asyncio.wait({task, answer}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not answer.done():
            task.result()  # raises why there is none
        answered: _Answer = answer.result()
        return Answered(id, answered.session, answered.sdp)

    def _ended(self, id: str, caller: Caller, task: "asyncio.Task[str]") -> None:  # noqa: A002
        del self._tasks[id]
        fields = {"client": caller.client, "request_id": caller.request_id}
        if task.cancelled():
            _log.info("a WebRTC connection ended", extra={**fields, "why": "it was told to"})
        elif (error := task.exception()) is None:
            _log.info("a WebRTC connection ended", extra={**fields, "why": task.result()})
        elif isinstance(error, LipstreamError):
            _log.info("a WebRTC connection ended", extra={**fields, "why": str(error)})
        else:
            _log.error("a WebRTC connection failed", extra=fields, exc_info=error)

    async def _talk(
        self, offer: str, wish: Wish, sound_in: SoundIn | None, caller: Caller, answer: "asyncio.Future[_Answer]"
    ) -> str:
        async with self._live.open(Opening(wish.avatar, wish.settings, caller.client, "webrtc")) as session:
            show = self._shows[session.id] = self._show(session)
            try:
                async with self._seated(show, heard=wish.echo) as (seat, peer):
                    cleaning = Cleaning(sound_in, session) if sound_in else None
                    stage = Stage(session, show, peer, seat, cleaning, caller.request_id, self._now_ms)
                    talker = Talker(stage)
                    sdp = await self._answered(peer, offer, seat, show, hears=True)
                    answer.set_result(_Answer(session.id, sdp))
                    return await talker.talk()
            finally:
                del self._shows[session.id]
                show.end()

    async def _watch(self, offer: str, session: Session, answer: "asyncio.Future[_Answer]") -> str:
        with self._live.viewing() as viewers:
            if viewers > (most := self._settings.max_viewers):
                raise BusyError(f"{most} viewers watch, as many as may (webrtc.max_viewers); ask again later")
            show = self._shows.get(session.id) or self._relayed(session)
            async with self._seated(show, heard=True) as (seat, peer):
                sdp = await self._answered(peer, offer, seat, show, hears=False)
                answer.set_result(_Answer(session.id, sdp))
                if not await peer.connected():
                    return "it did not come about"
                return await first(peer.over(), show.over())

    async def _answered(self, peer: Peer, offer: str, seat: Seat, show: Show, *, hears: bool) -> str:
        """Answer with the codec that the show is coded with already, if it may be."""
        codecs = sorted(self._settings.codecs, key=lambda codec: codec not in show.codecs)
        return await peer.answer(
            offer, seat, codecs=codecs, hears=hears, ask_key_frame=lambda: show.ask_key_frame(seat)
        )

    def _relayed(self, session: Session) -> Show:
        """A show for viewers of a session whose speaker came by another way; it ends with the last of them."""
        show = self._shows[session.id] = self._show(session)
        task = asyncio.create_task(self._relay(session, show))
        self._relays.add(task)
        task.add_done_callback(self._relays.discard)
        return show

    async def _relay(self, session: Session, show: Show) -> None:
        try:
            async for frame in session.watch():
                if show.empty:
                    break
                await show.show(frame)
        except Exception:
            _log.exception("a session could not be shown")
        finally:
            del self._shows[session.id]
            show.end()

    def _show(self, session: Session) -> Show:
        return Show(Coder(self._settings.bitrate_kbps), session.work)

    @asynccontextmanager
    async def _seated(self, show: Show, *, heard: bool) -> AsyncIterator[tuple[Seat, Peer]]:
        seat, peer = Seat(heard=heard), Peer(self._settings, self._now_ms)
        show.sit(seat)
        try:
            yield seat, peer
        finally:
            show.leave(seat)
            closing = asyncio.create_task(peer.close())  # goes on though this is cancelled again
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            await asyncio.wait([closing], timeout=CLOSE_S)
