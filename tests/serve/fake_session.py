"""A session that a test writes the script of, and a socket whose other end is a test; no clock, no threads."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TypeVar, cast

import numpy as np
from starlette.websockets import WebSocketDisconnect

from lipstream.pipeline.playout import END, End, Ended, Event, Interrupted
from lipstream.pipeline.session import StreamFrame, StreamSettings
from lipstream.serve.access import Visitor
from lipstream.serve.call import Call
from lipstream.serve.live.opening import Latency, SessionStats, State
from lipstream.serve.live.session import Session
from lipstream.serve.sound_in import SoundView
from lipstream.serve.ws.socket import Socket
from lipstream.types import FRAME_SAMPLES, Float32
from lipstream.wire import live_messages as messages
from lipstream.wire.live_codec import encode, read_down

T = TypeVar("T")
WIDTH, HEIGHT = 96, 64


def frame(index: int, samples: int = FRAME_SAMPLES) -> StreamFrame:
    """A frame whose picture and sound tell its number."""
    image = np.full((HEIGHT, WIDTH, 3), index % 256, np.uint8)
    audio = np.full(FRAME_SAMPLES, index / 1000 if samples else 0, np.float32)
    return StreamFrame(index, image, audio, samples, filler=not samples)


class FakeTime:
    """Milliseconds that pass when something takes them."""

    ms = 0.0

    def now_ms(self) -> float:
        return self.ms


class FakeSession:
    """Gives what a test puts in, and remembers what was pushed."""

    def __init__(self, settings: StreamSettings) -> None:
        self.id, self.settings = "an-id", settings
        self.state: State = "idle"
        self.avatar = SimpleNamespace(name="tiny", clip=SimpleNamespace(width=WIDTH, height=HEIGHT))
        self.coming: asyncio.Queue[StreamFrame | Event | Exception | None] = asyncio.Queue()
        self.pushed: list[Float32 | End] = []
        self.played_samples = self.frames = 0
        self.closed = False

    @property
    def session(self) -> Session:
        return cast("Session", self)

    @property
    def samples(self) -> int:
        return sum(len(one) for one in self.pushed if one is not END)

    async def push(self, sound: Float32 | End, clean: Callable[[Float32], Awaitable[Float32]] | None = None) -> None:
        if self.state == "draining":
            return  # as the server stops
        if clean is not None and sound is not END:
            sound = await clean(sound)
        self.pushed.append(sound)
        if sound is END:
            self.coming.put_nowait(Ended(self.frames, self.played_samples))

    def interrupt(self) -> Interrupted:
        event = Interrupted(self.frames, self.played_samples, self.samples - self.played_samples)
        while not self.coming.empty():
            self.coming.get_nowait()
        self.coming.put_nowait(event)
        return event

    def __aiter__(self) -> "FakeSession":
        return self

    async def __anext__(self) -> StreamFrame | Event:
        item = await self.coming.get()
        if item is None:
            raise StopAsyncIteration
        if isinstance(item, Exception):
            raise item
        if isinstance(item, StreamFrame):
            self.frames += 1
            self.played_samples += item.samples
        return item

    async def work(self, work: Callable[[], T]) -> T:
        return work()

    async def aside(self, work: Callable[[], T]) -> T:
        return await asyncio.to_thread(work)

    def stats(self) -> SessionStats:
        return SessionStats(
            frames=self.frames,
            filler_frames=0,
            played_samples=self.played_samples,
            dropped_samples=0,
            skipped_samples=0,
            underruns=0,
            queued_ms=0,
            ppm=0.0,
            repeated_frames=0,
            waiting_ms=0,
            first_frame_ms=0.0,
            latency=Latency(heard_ms=212.04),
            late_frames=0,
            halved=False,
            low=True,
            sound=SoundView(-0.5, 0.25, 0.0, 0, -20.0),
        )


class FakeSocket:
    """A client that says what a test tells it to, takes what is sent as slowly as told, and may vanish."""

    def __init__(self, time: FakeTime) -> None:
        self.call = Call("request-1", Visitor("somebody"), {}, Future())
        self.time, self.takes_ms = time, 0.0
        self.said: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.got: asyncio.Queue[messages.Down | None] = asyncio.Queue()
        self.takes = asyncio.Event()
        self.takes.set()

    @property
    def socket(self) -> Socket:
        return cast("Socket", self)

    def say(self, *said: messages.Up | str | bytes) -> None:
        for one in said:
            self.said.put_nowait(one if isinstance(one, str | bytes) else encode(one))

    def vanish(self) -> None:
        self.said.put_nowait(None)

    async def receive(self) -> str | bytes:
        await asyncio.sleep(0)  # as any socket
        message = await self.said.get()
        if message is None:
            raise WebSocketDisconnect(1006)
        return message

    async def send(self, message: str | bytes) -> None:
        await self.takes.wait()
        if isinstance(message, bytes) and len(message) > 2000:  # sound alone passes through the narrowest line
            self.time.ms += self.takes_ms
        self.got.put_nowait(read_down(message))

    async def next(self) -> messages.Down:
        message = await self.got.get()
        assert message is not None
        return message

    async def until(self, kind: type[T]) -> T:
        while not isinstance(message := await self.next(), kind):
            pass
        return message


@dataclass(frozen=True, eq=False)
class FakeLive:
    """Opens one session, whose closing it remembers."""

    one: FakeSession

    def open(self, opening: object) -> "FakeLive":
        settings: StreamSettings = opening.settings  # type: ignore[attr-defined]
        self.one.settings = replace(settings)
        return self

    async def __aenter__(self) -> Session:
        return self.one.session

    async def __aexit__(self, *_: object) -> None:
        self.one.closed = True
