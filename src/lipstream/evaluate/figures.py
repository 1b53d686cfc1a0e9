"""Measured values in, figures with their bars, as a table and as JSON of schema lipstream.evaluation/1, out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lipstream.types import FRAME_MS, Float32

SCHEMA = "lipstream.evaluation/1"


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to reach."""

    least: float = -math.inf
    """Smallest value that passes."""
    most: float = math.inf
    """Largest value that passes."""

    def admits(self, value: float) -> bool:
        """Whether `value` passes; what is not a number never does."""
        return self.least <= value <= self.most

    def __str__(self) -> str:
        if math.isinf(self.most):
            return f"≥ {self.least:g}"
        return f"≤ {self.most:g}" if math.isinf(self.least) else f"{self.least:g} … {self.most:g}"


BARS = {
    "truth.opening_r": Bar(least=0.95),
    "truth.lag_frames": Bar(least=-1, most=1),
    "truth.mouth_psnr_db": Bar(least=32.0),
    "truth.face_found_percent": Bar(least=99.0),
    "truth.viseme_percent": Bar(least=80.0),
    "truth.closure_percent": Bar(least=90.0),
    "truth.tuck_percent": Bar(least=80.0),
    "truth.sharpness_percent": Bar(least=60.0),
    "truth.jitter_times": Bar(most=1.3),
    "real.opening_r": Bar(least=0.65),
    "real.grid_s1_opening_r": Bar(least=0.70),
    "real.other_speakers_opening_r": Bar(least=0.62),
    "real.lag_frames": Bar(least=-1, most=1),
    "real.face_found_percent": Bar(least=99.0),
    "silence.deviation_percent": Bar(most=0.5),
    "silence.mean_percent": Bar(most=2.0),
    "silence.face_found_percent": Bar(least=99.0),
    "sounds.deviation_percent": Bar(most=0.5),
    "sounds.mean_percent": Bar(most=2.0),
    "sounds.faded_percent": Bar(most=1.0),
    "swap.talking_r": Bar(least=0.98),
    "swap.talking_deviation_percent": Bar(most=0.5),
    "swap.loop_r": Bar(least=0.98),
    "swap.loop_deviation_percent": Bar(most=0.5),
    "leak.r2": Bar(most=0.05),
    "seam.gradient_times": Bar(least=0.9, most=1.1),
    "seam.rest_gradient_times": Bar(least=0.9, most=1.1),
    "lookahead.truth_loss_r": Bar(most=0.05),
    "lookahead.real_loss_r": Bar(most=0.05),
    "gain.opening_r": Bar(least=0.98),
    "gain.least_rise_percent": Bar(least=0.1),
    "speed.mel_ms": Bar(most=1.0),
    "speed.generator_fps": Bar(least=40.0),
    "speed.pipeline_fps": Bar(least=30.0),
    "speed.first_frame_s": Bar(most=2.0),
    "speed.ten_seconds_s": Bar(most=10.0),
    "speed.install_mb": Bar(most=700.0),
    "speed.hour_memory_mb": Bar(most=1536.0),
}
"""The bars of the project by figure, speed on two AVX-512 cores; figures without one are there to compare."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value."""

    name: str
    """Group and name, such as `truth.opening_r`; the unit is part of the name."""
    value: float
    """The value."""
    meaning: str
    """One line that says what it is."""

    @property
    def bar(self) -> Bar | None:
        """What it has to reach, if anything."""
        return BARS.get(self.name)

    @property
    def passes(self) -> bool | None:
        """Whether it does."""
        return None if self.bar is None else self.bar.admits(self.value)


@dataclass(frozen=True, eq=False)
class Plot:
    """Curves over one axis, as a report draws them."""

    title: str
    """What is seen, with the unit of the values."""
    across: str
    """What the horizontal axis is, with its unit."""
    series: Mapping[str, Float32]
    """Name of each curve to its values `[n]` float32; NaN leaves a hole."""
    positions: Float32 | None = None
    """Where the values lie on the axis, `[n]` float32; None: 0, 1, 2, ..."""


def over_seconds(title: str, series: Mapping[str, Float32]) -> Plot:
    """Curves of a value a frame, `[n]` float32 each, over the middles of the frames in seconds."""
    frames = max(len(values) for values in series.values())
    return Plot(title, "seconds", series, ((np.arange(frames) + 0.5) * FRAME_MS / 1000).astype(np.float32))


def over_lags(title: str, r: Float32) -> Plot:
    """Correlations by lag, `[2 k + 1]` float32 from k frames early to k late."""
    return Plot(title, "frames late", {"r": r}, (np.arange(len(r)) - len(r) // 2).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that do not fit into single figures, such as one for each viseme."""

    title: str
    """What is seen."""
    header: tuple[str, ...]
    """Name of each column, the unit in it."""
    rows: tuple[tuple[str | float, ...], ...]
    """As long as the header, each."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one group of measures gives."""

    figures: Sequence[Figure]
    """For the summary, the JSON and the bars."""
    plots: Sequence[Plot] = ()
    """For the report."""
    tables: Sequence[Table] = ()
    """For the report."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of one avatar on one engine."""

    avatar: str
    """Its name."""
    setting: Mapping[str, str]
    """What was measured with: quality, engine, precision, version."""
    figures: tuple[Figure, ...]
    """The measured ones."""
    not_measured: Mapping[str, str] = field(default_factory=dict)
    """Group of figures to the reason why it is missing."""
    plots: tuple[Plot, ...] = ()
    """For the report only."""
    tables: tuple[Table, ...] = ()
    """For the report only."""

    def as_json(self) -> dict[str, object]:
        """Plain dictionaries and lists of schema lipstream.evaluation/1, without NaN, which JSON does not know."""
        return {
            "schema": SCHEMA,
            "avatar": self.avatar,
            "setting": dict(self.setting),
            "figures": [as_plain(figure) for figure in self.figures],
            "not_measured": dict(self.not_measured),
        }


def as_plain(figure: Figure) -> dict[str, object]:
    """A figure as a report holds it: name, value (None where it is no number), meaning, its bar where it has one."""
    value = round(figure.value, 4) if math.isfinite(figure.value) else None
    plain: dict[str, object] = {"name": figure.name, "value": value, "meaning": figure.meaning}
    if figure.bar is not None:
        plain |= {"bar": str(figure.bar), "passes": figure.passes}
    return plain
