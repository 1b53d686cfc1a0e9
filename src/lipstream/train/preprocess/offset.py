"""What is heard and what is seen of the lips in, how late the sound is against the picture out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipstream.types import FRAME_MS, FRAME_SAMPLES, Float32, Pcm

MOST_FRAMES = 15
"""600 ms in either direction; recordings that are farther apart were cut wrongly."""
LEAST_R = 0.3
"""A weaker best correlation proves nothing."""
LEAST_GAIN = 0.04
"""By how much the best lag must beat none at all."""
LEAST_MS = 30.0
"""Nobody sees less, and it cannot be measured much finer."""


@dataclass(frozen=True, slots=True)
class Offset:
    """How sound and picture lie to each other."""

    late_ms: float
    """By how much the sound comes after the picture; 0 where it is in time or cannot be told."""
    r: float
    """Correlation of heard and seen lips at that lag."""


def measure_offset(heard: Float32, seen: Float32, runs: NDArray[np.int64]) -> Offset:
    """Find the lag at which the lips that are heard fit those that are seen best.

    Args:
        heard: `lip_gap` of the sound, `[n]` float32.
        seen: how far the lips are open, `[n]` float32 in any unit.
        runs: number of the unbroken run that each frame belongs to, `[n]`.
    """
    lags = np.arange(-MOST_FRAMES, MOST_FRAMES + 1)
    r = np.array([_correlation_at(int(lag), heard, seen, runs) for lag in lags])
    best, still = int(np.argmax(r)), float(r[MOST_FRAMES])
    late_ms = FRAME_MS * (float(lags[best]) + _peak(r, best))
    if r[best] < LEAST_R or r[best] < still + LEAST_GAIN or abs(late_ms) < LEAST_MS:
        return Offset(0.0, still)
    return Offset(round(late_ms, 1), float(r[best]))


def in_time(pcm: Pcm, late_ms: float) -> Pcm:
    """Shift sound `[L]` by what it is late, zeros where there is none; as long as before."""
    late = round(late_ms * FRAME_SAMPLES / FRAME_MS)
    moved = np.zeros_like(pcm)
    kept = max(0, len(pcm) - abs(late))
    moved[max(0, -late) : max(0, -late) + kept] = pcm[max(0, late) : max(0, late) + kept]
    return moved


def _correlation_at(lag: int, heard: Float32, seen: Float32, runs: NDArray[np.int64]) -> float:
    """Correlate what is heard `lag` frames after what is seen with that, within unbroken runs."""
    here = np.arange(max(0, -lag), min(len(seen), len(seen) - lag))
    here = here[runs[here] == runs[here + lag]]
    a, b = heard[here + lag].astype(np.float64), seen[here].astype(np.float64)
    if len(here) < FRAME_MS or a.std() < 1e-6 or b.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _peak(r: NDArray[np.float64], best: int) -> float:
    """Where the parabola through the best correlation and its neighbours peaks, in frames from the best."""
    if not 0 < best < len(r) - 1:
        return 0.0
    before, at, after = r[best - 1 : best + 2]
    bend = before - 2 * at + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0
