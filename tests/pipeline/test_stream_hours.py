"""A microphone whose clock is not ours, behind a network that jitters and stalls, for hours in a minute or two.

All of a stream but its networks and pictures runs as it does live, on an event loop whose time passes at once.
"""

import asyncio
import selectors
from array import array
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_stream import InlineBatcher, InlineWorkers

from lipstream.audio.window import lookahead_samples
from lipstream.pipeline.backlog import LATEST_MS
from lipstream.pipeline.painting import Workshop
from lipstream.pipeline.session import FROM_MICROPHONE, Passed
from lipstream.pipeline.stream import Stream
from lipstream.serve.loading import resident_memory_bytes
from lipstream.types import CODE_SIZE, FRAME_MS, FRAME_SAMPLES, Float32, Image, Pcm

PIECE_MS = 20.0
JITTER_MS = 30.0
CALM_MS = 8_000.0
"""A second to see that a stall has left something behind, and two pauses to leave it out."""
FIVE_MINUTES_MS = 5 * 60_000.0
HOUR_MS = 3_600_000.0
LONGEST_MS = 212 + 80 + 2 * 40 + PIECE_MS + JITTER_MS
"""Look-ahead, pre-roll, a frame that is not full and one whose turn it is; what comes beyond that was a stall."""


class InstantSelector(selectors.DefaultSelector):
    """Waits for nothing: where nothing is ready, time passes instead."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout:
            self.passed_s += timeout
        return ready


class InstantLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock is the selector's."""

    def __init__(self) -> None:
        self._instant = InstantSelector()
        super().__init__(self._instant)

    def time(self) -> float:
        return self._instant.passed_s


class CountedSpeech:
    """Says one code a frame as soon as its look-ahead has come, whatever was said; pauses for a part of every 4 s."""

    def __init__(self, lookahead_ms: int, pause_frames: int) -> None:
        self._needed, self._pause_frames = lookahead_samples(lookahead_ms), pause_frames
        self._came = self._frames = 0
        self.pauses = np.zeros(0, np.bool_)

    def push(self, pcm: Pcm) -> Float32:
        self._came += len(pcm)
        frames = max(0, (self._came - self._needed) // FRAME_SAMPLES + 1) - self._frames
        self._frames += frames
        self.pauses = np.arange(self._frames - frames, self._frames) % 100 >= 100 - self._pause_frames
        return np.repeat(np.where(self.pauses, 0.0, 0.5)[:, None], CODE_SIZE, axis=1).astype(np.float32)


PICTURE = np.zeros((2, 2, 3), np.uint8)


def still(pause_frames: int) -> Any:  # noqa: ANN401  as an avatar
    return SimpleNamespace(
        speech=lambda *, gain, lookahead_ms: CountedSpeech(lookahead_ms, pause_frames),  # noqa: ARG005
        face=SimpleNamespace(painted=lambda codes: np.zeros(len(codes), bool)),
        clip=SimpleNamespace(image=lambda _: PICTURE),
        drive=SimpleNamespace(rest=np.zeros(CODE_SIZE, np.float32)),
    )


@dataclass
class Hours:
    """What happened, counted as it happens."""

    hours: float
    skew_ppm: float
    stall_ms: float
    """Now and then nothing arrives for so long; then all of it at once."""
    stalls_every_ms: float
    calm_ms: float = 0.0
    """The longest delay from `CALM_MS` after a stall to the next."""
    came_samples: float = 0.0
    """What was pushed, at the rate at which it was taken."""
    delays_ms: list["array[float]"] = field(default_factory=list)
    """From the arrival of a frame's first sample until it is taken, an hour (or what there is of it) each."""
    resident_bytes: list[int] = field(default_factory=list)

    async def live(self) -> Stream:
        loop = asyncio.get_running_loop()
        workshop = Workshop(InlineBatcher(), InlineWorkers(), lambda: loop.time() * 1000)
        async with Stream(still(33), workshop, FROM_MICROPHONE, self._observe) as stream:
            speaking = asyncio.create_task(self._speak(stream))
            async for _ in stream:
                if speaking.done():
                    break
            await speaking
        return stream

    async def _speak(self, stream: Stream) -> None:
        loop, chance = asyncio.get_running_loop(), np.random.default_rng(7)
        piece = np.zeros(int(PIECE_MS * 16), np.float32)
        pieces = int(self.hours * HOUR_MS / PIECE_MS * (1 + self.skew_ppm * 1e-6))
        for number in range(1, pieces + 1):
            spoken_ms = number * PIECE_MS / (1 + self.skew_ppm * 1e-6)
            into_ms = spoken_ms % self.stalls_every_ms - (self.stalls_every_ms - self.stall_ms)
            arrives_ms = spoken_ms + chance.uniform(0, JITTER_MS) + (self.stall_ms - into_ms if into_ms > 0 else 0)
            await asyncio.sleep(max(0.0, arrives_ms / 1000 - loop.time()))
            self.came_samples += len(piece) / (1 + stream.stats().ppm * 1e-6)
            await stream.push(piece)

    def _observe(self, passed: Passed) -> None:
        hour = int(passed.taken_ms // HOUR_MS)
        if hour == len(self.delays_ms):
            self.delays_ms.append(array("f"))
            self.resident_bytes.append(resident_memory_bytes())
        if passed.came_ms is not None:
            delay_ms = passed.taken_ms - passed.came_ms
            self.delays_ms[hour].append(delay_ms)
            if CALM_MS < passed.taken_ms % self.stalls_every_ms < self.stalls_every_ms - self.stall_ms:
                self.calm_ms = max(self.calm_ms, delay_ms)


def lived(told: Hours) -> tuple[Hours, Stream]:
    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        return told, runner.run(told.live())


@pytest.mark.parametrize(
    ("hours", "skew_ppm", "stall_ms", "stalls_every_ms"),
    [
        (0.01, 200, 1_500, 12_000),
        pytest.param(8, 200, 400, FIVE_MINUTES_MS, marks=pytest.mark.slow),
        pytest.param(8, -200, 1_500, FIVE_MINUTES_MS, marks=pytest.mark.slow),
    ],
)
def test_sound_and_picture_keep_their_distance_from_the_speaker(
    hours: float, skew_ppm: float, stall_ms: float, stalls_every_ms: float
) -> None:
    told, stream = lived(Hours(hours, skew_ppm, stall_ms, stalls_every_ms))
    stats = stream.stats()
    stalls = hours * HOUR_MS // stalls_every_ms
    delays_ms = [np.array(hour) for hour in told.delays_ms]
    assert stats.dropped_samples == 0
    assert stats.underruns <= stalls
    assert max(hour.max() for hour in delays_ms) < LONGEST_MS + stall_ms
    assert told.calm_ms < LONGEST_MS + FRAME_MS
    assert abs(told.came_samples - stats.played_samples - stats.skipped_samples) / 16 < stall_ms + 1_000  # that waits
    assert 0 < stats.skipped_samples <= stalls * stall_ms * 16
    assert abs(stats.frames * FRAME_MS - hours * HOUR_MS) < 1_000
    if hours > 2:
        second, last = delays_ms[1], delays_ms[int(hours) - 1]
        assert abs(np.median(last) - np.median(second)) < FRAME_MS
        assert told.resident_bytes[-1] - told.resident_bytes[1] < 8_000_000  # the delays alone are 3


@dataclass(frozen=True, eq=False)
class SlowWorkshop(Workshop):
    """Paints one picture after the other."""

    wait: Callable[[], Awaitable[None]] = field(kw_only=True)
    """Until a picture is done."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def paint(self, *_: Any, **__: Any) -> Image:  # noqa: ANN401  as a workshop
        async with self.turn:
            await self.wait()
            return PICTURE


@dataclass
class Stalled:
    """A microphone for 30 s, and after the first 8 nothing is painted, or taken, for a while."""

    who: str
    pause_frames: int
    stall_ms: float
    picture_ms: float = 8.0
    delays_ms: list[float] = field(default_factory=list)

    async def live(self) -> Stream:
        loop = asyncio.get_running_loop()
        wait = self._wait if self.who == "painter" else partial(asyncio.sleep, 0)
        workshop = SlowWorkshop(InlineBatcher(), InlineWorkers(), lambda: loop.time() * 1000, wait=wait)
        async with Stream(still(self.pause_frames), workshop, FROM_MICROPHONE, self._observe) as stream:
            speaking = asyncio.create_task(self._speak(stream))
            async for _ in stream:
                if self.who == "taker":
                    await self._wait()
                if speaking.done():
                    break
            await speaking
        return stream

    async def _speak(self, stream: Stream) -> None:
        loop, piece = asyncio.get_running_loop(), np.zeros(int(PIECE_MS * 16), np.float32)
        for number in range(1, int(30_000 / PIECE_MS) + 1):
            await asyncio.sleep(max(0.0, number * PIECE_MS / 1000 - loop.time()))
            await stream.push(piece)

    async def _wait(self) -> None:
        now_ms = asyncio.get_running_loop().time() * 1000
        stalls = 8_000 <= now_ms < 8_000 + self.stall_ms
        await asyncio.sleep((8_000 + self.stall_ms - now_ms if stalls else self.picture_ms) / 1000)

    def _observe(self, passed: Passed) -> None:
        if passed.came_ms is not None:
            self.delays_ms.append(passed.taken_ms - passed.came_ms)


@pytest.mark.parametrize("pause_frames", [0, 33])
@pytest.mark.parametrize("stall_ms", [3_500, 5_000])
@pytest.mark.parametrize("who", ["painter", "taker"])
def test_what_is_caught_up_with_after_a_stall_is_not_left_out(who: str, stall_ms: float, pause_frames: int) -> None:
    stalled = Stalled(who, pause_frames, stall_ms)
    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        stats = runner.run(stalled.live()).stats()
    assert (stats.skipped_samples, stats.dropped_samples, stats.underruns) == (0, 0, 0)
    assert max(stalled.delays_ms) > stall_ms
    assert max(stalled.delays_ms[-100:]) < LONGEST_MS


@pytest.mark.parametrize("pause_frames", [0, 33])
def test_painting_that_is_always_slower_than_speech_stays_within_what_may_be_late(
    pause_frames: int,
) -> None:
    slow = Stalled("painter", pause_frames, 0.0, picture_ms=50.0)
    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        stats = runner.run(slow.live()).stats()
    assert stats.skipped_samples
    assert stats.underruns == 0
    assert max(slow.delays_ms) < LONGEST_MS + LATEST_MS + 1_000
