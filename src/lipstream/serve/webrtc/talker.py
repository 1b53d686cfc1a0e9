"""A talker's connection in, his session behind it: his microphone is heard, the avatar answers in sound and picture."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from lipstream.errors import InputError
from lipstream.pipeline.playout import END
from lipstream.pipeline.session import StreamFrame
from lipstream.serve.live.cleaning import Cleaning
from lipstream.serve.live.session import Session
from lipstream.serve.live.telling import StatsTeller, failed, first, told
from lipstream.serve.webrtc.microphone import heard
from lipstream.serve.webrtc.peer import Peer
from lipstream.serve.webrtc.show import Seat, Show
from lipstream.wire import live_messages as messages
from lipstream.wire.live_codec import encode, read_up

FORMS: Mapping[str | None, Literal["h264", "vp8"]] = {"H264": "h264", "VP8": "vp8"}
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
        self._stats = StatsTeller(stage.session, stage.now_ms)
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
                await session.push(sound, None if cleaning is None else cleaning.clean)
        return await self._stage.peer.over()  # whoever sends no sound may watch

    async def _show(self) -> str:
        cleaning = self._stage.cleaning if self._stage.seat.heard else None
        async for item in self._stage.session:
            if isinstance(item, StreamFrame):
                if cleaning is not None:
                    await cleaning.play(item.audio)
                await self._stage.show.show(item)
                if stats := self._stats.due(skipped_pictures=self._stage.seat.skipped_pictures, behind_ms=0):
                    self._tell(stats)
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
        session, codec = self._stage.session, self._stage.seat.codec
        started = messages.Started(
            session=session.id,
            avatar=session.avatar.name,
            width=session.avatar.clip.width,
            height=session.avatar.clip.height,
            picture=FORMS.get(codec, ""),
            codec=codec or "",
            sound="opus",
            sound_delay_samples=0,
            lookahead_ms=session.settings.lookahead_ms,
        )
        self._tell(started)

    def _take(self, text: str) -> None:
        if not self._messages.full():
            self._messages.put_nowait(text)

    def _tell(self, message: messages.TextDown) -> None:
        self._stage.peer.tell(str(encode(message)))
