"""A talker's connection in, his session behind it: his microphone is heard, the avatar answers in sound and picture."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from lipstream.errors import InputError
from lipstream.pipeline.playout import END
from lipstream.pipeline.session import StreamFrame
from lipstream.serve.live.cleaning import Cleaning
from lipstream.serve.live.session import Session
from lipstream.serve.webrtc.microphone import heard
from lipstream.serve.webrtc.peer import Peer
from lipstream.serve.webrtc.show import Seat, Show
from lipstream.serve.ws.telling import failed, stats, told
from lipstream.wire import live_messages as messages
from lipstream.wire.live_codec import encode, read_up

STATS_MS = 1000.0
MOST_MESSAGES = 100
"""Of the data channel that wait to be read; more are left aside."""


@dataclass(frozen=True, eq=False)
class Stage:
    """What one talker's connection consists of."""

    session: Session
    """His."""
    show: Show
    """Of it, for viewers too."""
    peer: Peer
    """His connection."""
    seat: Seat
    """Where that takes the show from."""
    cleaning: Cleaning | None
    """What is done to his sound; None: nothing."""
    request_id: str
    """By which the log has more."""
    now_ms: Callable[[], float]
    """A monotonic clock."""


class Talker:
    """One talker; make it before his offer is answered."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._messages: asyncio.Queue[str] = asyncio.Queue(MOST_MESSAGES)
        self._told_ms, self._frames_told = stage.now_ms(), 0
        stage.peer.listen(self._begin, self._take)

    async def talk(self) -> str:
        """Go on from the answer until one side makes an end; returns why.

        Raises:
            LipstreamError: what is wrong with him or his session; he has been told.
        """
        if not await self._stage.peer.connected():
            return "it did not come about"
        try:
            return await first(self._stage.peer.over(), self._show(), self._listen(), self._obey())
        except Exception as error:
            self._tell(failed(error, self._stage.request_id))
            raise

    async def _listen(self) -> str:
        session, cleaning, track = self._stage.session, self._stage.cleaning, self._stage.peer.microphone
        if track is not None:
            async for sound in heard(track):
                await session.push(sound if cleaning is None else await cleaning.clean(sound))
        return await self._stage.peer.over()  # whoever sends no sound may watch

    async def _show(self) -> str:
        cleaning = self._stage.cleaning if self._stage.seat.heard else None
        async for item in self._stage.session:
            if isinstance(item, StreamFrame):
                if cleaning is not None:
                    await cleaning.play(item.audio)
                await self._stage.show.show(item)
                self._tell_stats()
            else:
                self._tell(told(item))
        return "the session ended"

    async def _obey(self) -> str:
        session = self._stage.session
        while True:
            match read_up(await self._messages.get()):
                case messages.Interrupt():
                    session.interrupt()
                case messages.End():
                    await session.push(END)
                case messages.KeyFrame():
                    self._stage.show.ask_key_frame(self._stage.seat)
                case messages.Ping(sent_ms=sent_ms):
                    self._tell(messages.Pong(sent_ms=sent_ms))
                case other:
                    name = type(other).__name__.lower()
                    raise InputError(f"A message is {name}; the offer began the session, so expected any other.")

    def _begin(self) -> None:
        session, codec = self._stage.session, self._stage.seat.codec or ""
        started = messages.Started(
            session=session.id,
            avatar=session.avatar.name,
            width=session.avatar.clip.width,
            height=session.avatar.clip.height,
            picture="vp8" if codec == "VP8" else "h264",
            codec=codec,
            sound="opus",
            sound_delay_samples=0,
            lookahead_ms=session.settings.lookahead_ms,
        )
        self._tell(started)

    def _take(self, text: str) -> None:
        if not self._messages.full():
            self._messages.put_nowait(text)

    def _tell_stats(self) -> None:
        passed_ms = self._stage.now_ms() - self._told_ms
        if passed_ms < STATS_MS:
            return
        now = self._stage.session.stats()
        frame_rate = (now.frames - self._frames_told) * 1000 / passed_ms
        self._told_ms, self._frames_told = self._stage.now_ms(), now.frames
        self._tell(stats(now, skipped_pictures=self._stage.seat.skipped_pictures, behind_ms=0, frame_rate=frame_rate))

    def _tell(self, message: messages.TextDown) -> None:
        self._stage.peer.tell(str(encode(message)))


async def first(*ways: Coroutine[Any, Any, str]) -> str:
    """What the first of them returns or raises; the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
