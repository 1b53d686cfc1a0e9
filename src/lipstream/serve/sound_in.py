"""A microphone's sound in, the same without echo and noise and at an even level out; and what it measures.

The work is done by WebRTC's own audio processing, in the package livekit (extra `audio`), 10 ms at a time.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lipstream.errors import InputError, MissingExtraError
from lipstream.types import SAMPLE_RATE_HZ, Float32
from lipstream.wire.live_messages import SoundStep

if TYPE_CHECKING:
    from livekit.rtc import AudioFrame, AudioProcessingModule

STEPS: dict[str, SoundStep] = {"echo": "echo", "noise": "noise", "gain": "gain"}
"""echo: what was played is taken out; noise: what is steady; gain: quiet speakers become louder, loud ones softer."""
BLOCKS_A_SECOND = 100
SILENCE_DBFS = -120.0
"""Of sound without any sound; a level of minus infinity is no JSON."""


def read_steps(text: str) -> frozenset[SoundStep]:
    """Read `echo,noise,gain`, any of them, in any order; nothing is none.

    Raises:
        InputError: it names another.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if strange := [name for name in names if name not in STEPS]:
        raise InputError(f"sound_in names {strange[0][:40]!r}; expected any of {', '.join(STEPS)}, with commas between")
    return frozenset(STEPS[name] for name in names)


class SoundIn:
    """A step in front of a session; what leaves is up to 10 ms behind what enters.

    Args:
        steps: what is to be done.
        sample_rate_hz: of the microphone: 8,000, 16,000, 32,000 or 48,000.

    Raises:
        MissingExtraError: livekit is not installed.
        InputError: another rate.
    """

    def __init__(self, steps: Collection[SoundStep], sample_rate_hz: int) -> None:
        if sample_rate_hz not in {8_000, 16_000, 32_000, 48_000}:
            raise InputError(f"sound_in takes 8, 16, 32 or 48 kHz, not {sample_rate_hz} Hz; send one of those")
        self._processing = _processing(steps)
        self._heard, self._played = _Blocks(sample_rate_hz), _Blocks(SAMPLE_RATE_HZ)

    def play(self, sound: Float32) -> None:
        """Tell what the speaker is played now, `[n]` float32 at 16 kHz: it is what echoes."""
        for block in self._played.cut(sound):
            self._processing.process_reverse_stream(_frame(block, SAMPLE_RATE_HZ))

    def clean(self, sound: Float32) -> Float32:
        """Take the microphone's next samples.

        Args:
            sound: `[n]` float32 in -1..1, n from 0 up.

        Returns:
            Those that are done, `[m]` float32 in -1..1: all but the last, incomplete 10 ms.
        """
        return np.concatenate([np.zeros(0, np.float32), *map(self._clean, self._heard.cut(sound))])

    def _clean(self, block: Float32) -> Float32:
        frame = _frame(block, self._heard.sample_rate_hz)
        self._processing.process_stream(frame)
        return np.frombuffer(frame.data, np.int16).astype(np.float32) / np.float32(32768)


class _Blocks:
    """Cuts sound of any length into 10 ms."""

    def __init__(self, sample_rate_hz: int) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._samples = sample_rate_hz // BLOCKS_A_SECOND
        self._held = np.zeros(0, np.float32)

    def cut(self, sound: Float32) -> list[Float32]:
        held = np.concatenate([self._held, sound])
        whole = len(held) // self._samples * self._samples
        self._held = held[whole:]
        return list(held[:whole].reshape(-1, self._samples))


@dataclass(frozen=True, slots=True)
class SoundView:
    """What some sound is like, for whoever wonders why the mouth stays shut."""

    min: float
    """Its lowest sample."""
    max: float
    """Its highest."""
    mean: float
    """Of its samples; far from 0 is a fault of what records it."""
    nan_samples: int
    """Samples that are no numbers, in whose place silence is heard; left out of the others."""
    level_dbfs: float
    """Root mean square, in dB below a full square wave: speech has -30 to -15, silence -120 to -50."""


def view(sound: Float32) -> SoundView:
    """Measure `[n]` float32 in -1..1, n from 0 up."""
    numbers = sound[np.isfinite(sound)].astype(np.float64)
    if not len(numbers):
        return SoundView(0.0, 0.0, 0.0, len(sound), SILENCE_DBFS)
    power = float(np.square(numbers).mean())
    level_dbfs = max(SILENCE_DBFS, 10 * np.log10(power)) if power else SILENCE_DBFS
    mean = float(numbers.mean())
    return SoundView(
        round(float(numbers.min()), 4),
        round(float(numbers.max()), 4),
        round(mean, 4),
        len(sound) - len(numbers),
        round(float(level_dbfs), 1),
    )


class SoundMeter:
    """Keeps the last second of what is put in, to be viewed."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._kept: deque[Float32] = deque()
        self._samples, self._most_samples = 0, sample_rate_hz

    def put(self, sound: Float32) -> None:
        """Add `[n]` float32, n from 0 up."""
        if not len(sound):
            return
        sound = sound[-self._most_samples :].copy()  # of a long message no more is to be held
        self._kept.append(sound)
        self._samples += len(sound)
        while self._samples - len(self._kept[0]) >= self._most_samples:
            self._samples -= len(self._kept.popleft())

    def view(self) -> SoundView:
        """What that second is like."""
        return view(np.concatenate([np.zeros(0, np.float32), *self._kept]))


def _processing(steps: Collection[SoundStep]) -> "AudioProcessingModule":
    try:
        from livekit.rtc import AudioProcessingModule  # noqa: PLC0415  an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            'sound_in needs livekit, which is not installed on the server: pip install "lipstream[audio]"'
        ) from error
    return AudioProcessingModule(
        echo_cancellation="echo" in steps,
        noise_suppression="noise" in steps,
        high_pass_filter="noise" in steps,
        auto_gain_control="gain" in steps,
    )


def _frame(block: Float32, sample_rate_hz: int) -> "AudioFrame":
    from livekit.rtc import AudioFrame  # noqa: PLC0415  an extra

    data = bytearray((block.clip(-1.0, 1.0) * 32767).astype("<i2").tobytes())
    return AudioFrame(data, sample_rate_hz, 1, len(block))
