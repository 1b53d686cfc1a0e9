"""Sound in pieces of any size at any rate in, one code with its 640 samples a frame out."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import soxr

from lipstream.pipeline.drift import MAX_PPM
from lipstream.speech.drive import Speech
from lipstream.types import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32, Pcm


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What one frame says."""

    code: Float32
    """Its articulation `[12]`, or what else drives the generator; float32."""
    audio: Pcm
    """Its sound, `[640]` float32 at 16 kHz, zeros after the last sample."""
    samples: int
    """How many of them are the speaker's, 640 but for the last frame."""
    came_ms: float | None = None
    """When the first of them came; None where there is none."""
    heard_ms: float | None = None
    """When the last sound came that its code depends on, and was heard."""
    skipped_samples: int = 0
    """Of the speaker's, left out before it."""
    pause: bool = False
    """Nobody speaks in it, nor so near that a mouth would move."""


class Hearing:
    """Hears one source; blocking, for one thread at a time.

    Args:
        speech: a fresh converter.
        sample_rate_hz: of what will be pushed.
        live: resample with a delay of a few ms (soxr LQ) rather than as well as possible (HQ, as files are).
        steered: let `ppm` follow a clock that differs.
    """

    def __init__(self, speech: Speech, sample_rate_hz: int, *, live: bool, steered: bool = False) -> None:
        self._speech = speech
        self._sample_rate_hz = sample_rate_hz
        self._quality = "LQ" if live else "HQ"
        self._steered = steered
        self._came: deque[tuple[int, float]] = deque()
        self.ppm = 0.0
        """How much faster than declared the source is taken, -300 to 300; used from the next push on."""
        self._restart()

    @property
    def pending_samples(self) -> int:
        """Samples at 16 kHz that wait for the rest of their frame's look-ahead."""
        return len(self._audio)

    def push(self, pcm: Pcm, came_ms: float = 0.0) -> list[Heard]:
        """Hear the next samples, `[n]` float32 in -1..1, and return the frames whose look-ahead they complete."""
        return self._hear(self._resampled(pcm), came_ms)

    def finish(self, came_ms: float = 0.0) -> list[Heard]:
        """Return the last frames, the last one padded with zeros; then ready for other sound."""
        heard = self._hear(self._resampled(np.zeros(0, np.float32), last=True), came_ms)
        last = self._take(self._speech.finish())
        self._restart()
        return heard + last

    def drop(self) -> None:
        """Forget everything heard so far; then ready for other sound."""
        self._speech.finish()
        self._restart()

    def _restart(self) -> None:
        self._audio: Pcm = np.zeros(0, np.float32)
        self._came.clear()
        self._resampler: soxr.ResampleStream | None = None
        if self._steered:
            fastest_hz = self._sample_rate_hz * (1.0 + MAX_PPM * 1e-6)
            self._resampler = soxr.ResampleStream(fastest_hz, SAMPLE_RATE_HZ, 1, dtype="float32", vr=True)
        elif self._sample_rate_hz != SAMPLE_RATE_HZ:
            self._resampler = soxr.ResampleStream(
                self._sample_rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality=self._quality
            )

    def _resampled(self, pcm: Pcm, *, last: bool = False) -> Pcm:
        if self._resampler is None:
            return pcm
        if self._steered:
            self._resampler.set_io_ratio(self._sample_rate_hz * (1.0 + self.ppm * 1e-6), SAMPLE_RATE_HZ)
        sound: Pcm = self._resampler.resample_chunk(pcm, last=last)
        return np.clip(sound, -1.0, 1.0)  # it overshoots at full scale

    def _hear(self, sound: Pcm, came_ms: float) -> list[Heard]:
        if len(sound):
            self._came.append((len(sound), came_ms))
        self._audio = np.concatenate([self._audio, sound])
        return self._take(self._speech.push(sound))

    def _take(self, codes: Float32) -> list[Heard]:
        """The next frames' codes, each with its sound."""
        taken = self._audio[: len(codes) * FRAME_SAMPLES]
        self._audio = self._audio[len(taken) :]
        frames = np.pad(taken, (0, len(codes) * FRAME_SAMPLES - len(taken))).reshape(-1, FRAME_SAMPLES)
        samples = [min(FRAME_SAMPLES, len(taken) - FRAME_SAMPLES * frame) for frame in range(len(codes))]
        came_ms = [self._take_came(count) for count in samples]
        heard = zip(codes, frames, samples, came_ms, self._speech.pauses.tolist(), strict=True)
        return [Heard(code, audio, count, came, pause=pause) for code, audio, count, came, pause in heard]

    def _take_came(self, samples: int) -> float | None:
        """When the first of the next samples came, which are then forgotten; None where there are none."""
        first_ms = self._came[0][1] if samples > 0 else None
        while samples > 0:
            count, came_ms = self._came.popleft()
            if count > samples:
                self._came.appendleft((count - samples, came_ms))
            samples -= min(count, samples)
        return first_ms
