"""A microphone whose clock is not ours, behind a network that jitters and stalls, for hours in a minute or two.

All of a stream but its networks and pictures runs as it does live, on an event loop whose time passes at once.
"""

import asyncio
import selectors
from array import array
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_stream import InlineBatcher, InlineWorkers

from lipstream.audio.window import lookahead_samples
from lipstream.pipeline.painting import Workshop
from lipstream.pipeline.session import FROM_MICROPHONE, Passed
from lipstream.pipeline.stream import Stream
from lipstream.serve.loading import resident_memory_bytes
from lipstream.types import CODE_SIZE, FRAME_MS, FRAME_SAMPLES, Float32, Pcm

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
    """Says one code a frame as soon as its look-ahead has come, whatever was said; rests for half of every 4 s."""

    def __init__(self, lookahead_ms: int) -> None:
        self._needed, self._came, self._frames = lookahead_samples(lookahead_ms), 0, 0

    def push(self, pcm: Pcm) -> Float32:
        self._came += len(pcm)
        frames = max(0, (self._came - self._needed) // FRAME_SAMPLES + 1) - self._frames
        self._frames += frames
        rests = np.arange(self._frames - frames, self._frames) % 100 >= 50
        return np.repeat(np.where(rests, 0.0, 0.5)[:, None], CODE_SIZE, axis=1).astype(np.float32)


PICTURE = np.zeros((2, 2, 3), np.uint8)
STILL = SimpleNamespace(
    speech=lambda *, gain, lookahead_ms: CountedSpeech(lookahead_ms),  # noqa: ARG005  as an avatar
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
    delays_ms: list["array[float]"] = field(default_factory=list)
    """From the arrival of a frame's first sample until it is taken, an hour (or what there is of it) each."""
    resident_bytes: list[int] = field(default_factory=list)

    async def live(self) -> Stream:
        loop = asyncio.get_running_loop()
        workshop = Workshop(InlineBatcher(), InlineWorkers(), lambda: loop.time() * 1000)
        async with Stream(STILL, workshop, FROM_MICROPHONE, self._observe) as stream:  # type: ignore[arg-type]
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
    assert abs((stats.played_samples + stats.skipped_samples) / 16 - hours * HOUR_MS) < stall_ms + 1_000
    assert 0 < stats.skipped_samples <= stalls * stall_ms * 16
    assert abs(stats.frames * FRAME_MS - hours * HOUR_MS) < 1_000
    if hours > 2:
        second, last = delays_ms[1], delays_ms[int(hours) - 1]
        assert abs(np.median(last) - np.median(second)) < FRAME_MS
        assert told.resident_bytes[-1] - told.resident_bytes[1] < 8_000_000  # the delays alone are 3
