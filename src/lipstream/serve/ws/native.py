"""`/v1/stream`: messages of lipstream.v1 in, its session's frames and events out; docs/protocol.md has them all."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from starlette.websockets import WebSocketDisconnect

from lipstream.errors import InputError, SessionOverError
from lipstream.pipeline.playout import END
from lipstream.pipeline.session import StreamFrame
from lipstream.serve.live.floor import Live
from lipstream.serve.live.opening import SOURCES, Opening
from lipstream.serve.live.session import Session
from lipstream.serve.live.telling import StatsTeller, failed, first, told
from lipstream.serve.names import check_name
from lipstream.serve.wires.asked import DEFAULT_AVATAR
from lipstream.serve.ws.ear import Ear
from lipstream.serve.ws.framing import Framing
from lipstream.serve.ws.lag import Lag
from lipstream.serve.ws.socket import Socket
from lipstream.wire import live_messages as messages
from lipstream.wire.live_codec import encode, read_up

START_S = 10.0
MOST_PONGS = 8
"""That wait to be sent; more would answer pings that nobody waits for any more."""


@dataclass(frozen=True, eq=False)
class NativeStream:
    """Answers the sockets of lipstream.v1, each a session."""

    live: Live
    """Opens the sessions."""
    now_ms: Callable[[], float]
    """A monotonic clock."""
    jpeg_quality: int = 75
    """Where a client leaves it open, 1 to 100."""
    start_s: float = START_S
    """How long a client may take to say what it wants."""

    async def __call__(self, socket: Socket) -> None:
        """Serve one socket until its client leaves.

        Raises:
            WebSocketDisconnect: it left.
            LipstreamError: what is wrong with it or its session; it has been told.
        """
        try:
            start = await self._start(socket)
            async with self.live.open(_opening(start, socket)) as session:
                ear = await session.work(lambda: Ear(start, session))
                framing = await session.work(lambda: Framing(start, session.avatar, self.jpeg_quality))
                await Conversation(socket, session, ear, framing, self.now_ms).hold(start)
        except WebSocketDisconnect:
            raise
        except Exception as error:
            with suppress(WebSocketDisconnect):
                await socket.send(encode(failed(error, socket.call.id)))
            raise

    async def _start(self, socket: Socket) -> messages.Start:
        try:
            async with asyncio.timeout(self.start_s):
                start = read_up(await socket.receive())
        except TimeoutError as error:
            raise SessionOverError(f"Nothing came for {self.start_s:g} s; send start, and connect for that.") from error
        if not isinstance(start, messages.Start):
            raise InputError(f"The first message is {_name(start)}; expected start.")
        return start


class Conversation:
    """One client and its session; the client is heard while it is written to."""

    def __init__(
        self,
        socket: Socket,
        session: Session,
        ear: Ear,
        framing: Framing,
        now_ms: Callable[[], float],
    ) -> None:
        """Begin one.

        Args:
            socket: the client's.
            session: open.
            ear: hears the client.
            framing: makes its frames.
            now_ms: a monotonic clock.
        """
        self._socket, self._session, self._ear, self._framing, self._now_ms = socket, session, ear, framing, now_ms
        self._stats = StatsTeller(session, now_ms)
        self._pings: asyncio.Queue[float] = asyncio.Queue(MOST_PONGS)
        self._lag = Lag()
        self._skipped_pictures = 0

    async def hold(self, start: messages.Start) -> None:
        """Go on until the session ends, or one of both sides makes an end; `start` is what the client wants."""
        await self._send(_started(self._session, start, self._framing))
        await first(self._listen(), self._show(), self._answer_pings())

    async def _listen(self) -> None:
        while True:
            message = read_up(await self._socket.receive())
            match message:
                case messages.Sound(data):
                    await self._ear.hear(data)
                case messages.End():
                    await self._session.push(END)
                case messages.Interrupt():
                    self._session.interrupt()
                case messages.KeyFrame():
                    self._framing.ask_key()
                case messages.Ping():
                    self._ping(message.sent_ms)
                case messages.Start():
                    raise InputError("A second start came; open another socket for another session.")

    async def _show(self) -> None:
        asked_ms = self._now_ms()
        async for item in self._session:
            if isinstance(item, StreamFrame):
                await self._show_frame(item, self._now_ms() - asked_ms)
            else:
                await self._send(told(item))
            asked_ms = self._now_ms()

    async def _show_frame(self, frame: StreamFrame, waited_ms: float) -> None:
        picture = not self._lag.skips
        packed = await self._session.work(lambda: encode(self._framing.pack(frame, picture=picture)))
        began_ms = self._now_ms()
        await self._socket.send(packed)
        await self._ear.play(frame.audio)
        self._socket.call.spent.frames += 1
        self._skipped_pictures += not picture
        if self._session.settings.paced:
            self._lag.sent(waited_ms, self._now_ms() - began_ms)
        if stats := self._stats.due(skipped_pictures=self._skipped_pictures, behind_ms=self._lag.ms):
            await self._send(stats)

    async def _answer_pings(self) -> None:
        while True:
            await self._send(messages.Pong(sent_ms=await self._pings.get()))

    def _ping(self, sent_ms: float) -> None:
        if self._pings.full():
            self._pings.get_nowait()
        self._pings.put_nowait(sent_ms)

    async def _send(self, message: messages.Down) -> None:
        await self._socket.send(encode(message))


def _opening(start: messages.Start, socket: Socket) -> Opening:
    source = SOURCES[start.source]
    settings = replace(
        source,
        sample_rate_hz=start.rate_hz,
        lookahead_ms=source.lookahead_ms if start.lookahead_ms is None else start.lookahead_ms,
        gain=start.gain,
        first_picture=start.first_clip_frame,
        preroll_ms=start.preroll_ms,
    )
    return Opening(check_name(start.avatar or DEFAULT_AVATAR), settings, socket.call.client, "websocket")


def _started(session: Session, start: messages.Start, framing: Framing) -> messages.Started:
    return messages.Started(
        session=session.id,
        avatar=session.avatar.name,
        width=framing.width,
        height=framing.height,
        picture=start.picture,
        codec=framing.codec,
        sound=start.sound,
        sound_delay_samples=framing.sound_delay_samples,
        lookahead_ms=session.settings.lookahead_ms,
    )


def _name(message: messages.Up) -> str:
    return "sound" if isinstance(message, messages.Sound) else message.type
