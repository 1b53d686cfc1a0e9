"""A clock that only tests move, workers and a batcher without threads, and a listener that remembers."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.batch import Painter
from lipstream.pipeline.painting import Workshop
from lipstream.pipeline.playout import Event
from lipstream.pipeline.session import StreamFrame, StreamSettings
from lipstream.pipeline.stream import Stream
from lipstream.types import Codes, Float32, Pcm


async def settle() -> None:
    """Let everything happen that needs no time."""
    for _ in range(60):
        await asyncio.sleep(0)


class FakeTime:
    """Milliseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.ms = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = 0

    def now_ms(self) -> float:
        return self.ms

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._number += 1
        heapq.heappush(self._sleepers, (self.ms + seconds * 1000, self._number, woken))
        await woken

    async def pass_ms(self, ms: float) -> None:
        """Wake everybody whose time comes, one after the other."""
        end_ms = self.ms + ms
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end_ms:
            self.ms, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
            await settle()
        self.ms = end_ms


class InlineWorkers(Executor):
    """Does everything at once, where it is asked."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":  # noqa: ANN401  as the base
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class InlineBatcher:
    """Paints at once unless it is held, and remembers what was asked; may refuse."""

    def __init__(self) -> None:
        self.codes: list[Float32] = []
        self.due_ms: list[float] = []
        self.held: list[Future[Float32]] | None = None
        self.error: Exception | None = None

    def submit(
        self, painter: Painter, visual: Float32, drive: Float32, *, due_ms: float, client: Hashable
    ) -> "Future[Float32]":
        del client
        if self.error is not None:
            raise self.error
        self.codes.append(drive)
        self.due_ms.append(due_ms)
        patch: Future[Float32] = Future()
        if self.held is None:
            patch.set_result(painter.generate(visual[None], drive[None])[0])
        else:
            self.held.append(patch)
        return patch


class Listener:
    """A stream and what came out of it, with the time at which it did."""

    def __init__(self, stream: Stream, time: FakeTime, batcher: InlineBatcher) -> None:
        self.stream, self.time, self.batcher = stream, time, batcher
        self.items: list[tuple[float, StreamFrame | Event]] = []

    async def listen(self) -> None:
        async for item in self.stream:
            self.items.append((self.time.ms, item))

    async def speak(self, pcm: Pcm, *, piece_ms: int = 20, sample_rate_hz: int = 16_000) -> None:
        """Push in real time."""
        piece_samples = sample_rate_hz * piece_ms // 1000
        for start in range(0, len(pcm), piece_samples):
            await self.time.pass_ms(piece_ms)
            await self.stream.push(pcm[start : start + piece_samples])

    async def until(self, kind: type[Event], *, times: int = 1) -> None:
        """Let everything happen, frame after frame, until there have been so many such events."""
        while sum(isinstance(event, kind) for event in self.events) < times:
            await self.time.pass_ms(1)

    @property
    def frames(self) -> list[StreamFrame]:
        return [item for _, item in self.items if isinstance(item, StreamFrame)]

    @property
    def events(self) -> list[Event]:
        return [item for _, item in self.items if isinstance(item, Event)]

    @property
    def sound(self) -> Pcm:
        """What the speaker said, without fillers."""
        return np.concatenate([np.zeros(0, np.float32), *(frame.audio for frame in self.frames if not frame.filler)])


@asynccontextmanager
async def listening(avatar: Avatar, settings: StreamSettings) -> AsyncIterator[Listener]:
    """A stream that is listened to from the first frame on; afterwards nothing of it is left."""
    time, batcher = FakeTime(), InlineBatcher()
    stream = Stream(avatar, Workshop(batcher, InlineWorkers(), time.now_ms, time.sleep), settings)
    listener = Listener(stream, time, batcher)
    task = asyncio.create_task(listener.listen())
    try:
        await settle()
        yield listener
    finally:
        await stream.close()
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


def codes_of(avatar: Avatar, pcm: Pcm, lookahead_ms: int) -> Codes:
    """What the whole recording says."""
    speech = avatar.speech(lookahead_ms=lookahead_ms)
    return np.concatenate([speech.push(pcm), speech.finish()])


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run an asynchronous test."""

    async def limited() -> None:
        async with asyncio.timeout(60):  # a test that would hang fails instead
            await test()

    asyncio.run(limited())
