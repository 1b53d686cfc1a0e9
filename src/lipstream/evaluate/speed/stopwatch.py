"""A piece of work in, how long it takes out: repeated, the first runs left out, the median kept."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from lipstream.clock import now_ms
from lipstream.types import FRAME_RATE_HZ


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one piece of work is repeated."""

    budget_ms: float = 2000.0
    """Time after which no further run is started."""
    least_runs: int = 5
    """Runs made however long they take, besides one that warms up."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one stage takes."""

    stage: str
    """Which stage: mel, speech, generator, ..."""
    how: str
    """Engine, precision and batch, where there is a choice."""
    frames: int
    """Frames that one run makes."""
    median_ms: float
    """Median time of one run."""
    runs: int
    """Runs that the median is of."""

    @property
    def frames_per_second(self) -> float:
        """Frames made in a second by this stage alone."""
        return 1000.0 * self.frames / self.median_ms

    @property
    def times_real_time(self) -> float:
        """How much faster than the 25 frames a second that are shown."""
        return self.frames_per_second / FRAME_RATE_HZ


def clocked(work: Callable[[], object]) -> float:
    """Milliseconds that one run takes."""
    start_ms = now_ms()
    work()
    return now_ms() - start_ms


def timed(stage: str, how: str, frames: int, work: Callable[[], object], patience: Patience) -> Timing:
    """Run `work`, which makes `frames` frames, until patience ends."""
    work()
    runs_ms: list[float] = []
    while len(runs_ms) < patience.least_runs or sum(runs_ms) < patience.budget_ms:
        runs_ms.append(clocked(work))
    return Timing(stage, how, frames, max(statistics.median(runs_ms), 1e-6), len(runs_ms))
