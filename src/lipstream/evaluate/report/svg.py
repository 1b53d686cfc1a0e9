"""Curves in, an inline SVG drawing of them out: axes with ticks, a legend, long curves in rows, holes where NaN is."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from lipstream.evaluate.figures import Plot
from lipstream.types import Float32

WRAP_POINTS = 300
ROW_POINTS = 250  # ten seconds: a frame is three pixels wide, and can be seen
WIDTH = 880
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 8, 22  # around the axes of a row, for the labels of the ticks
AXES_HEIGHT = 150
LEGEND_LINE = 20
LETTER_WIDTH = 7.2  # of the legend's 12 px type, on the wide side
DOTTED_POINTS = 40  # curves with no more show each point
DASHES = ("none", "7 3", "2 3", "9 3 2 3", "4 2", "1 2")

STYLE = """
svg.plot { width: 100%; height: auto; display: block; font: 12px system-ui, sans-serif; }
svg.plot text { fill: var(--soft); }
svg.plot .grid { stroke: var(--line); stroke-width: 1; }
svg.plot .axis { stroke: var(--soft); stroke-width: 1; }
svg.plot .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
""" + "\n".join(
    f"svg.plot .c{index} {{ stroke: var(--c{index}); }} svg.plot circle.c{index} {{ fill: var(--c{index}); }}"
    for index in range(len(DASHES))
)
"""What the page's style sheet must hold for the drawings; --line, --soft and --c0 to --c5 are its colours."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """Values from `low` to `high` lie evenly from pixel `start` to pixel `end`."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def draw(plot: Plot) -> str:
    """An `<svg>` of a plot; its colours and type come from STYLE."""
    curves = {name: np.asarray(values, np.float32) for name, values in plot.series.items()}
    points = max((len(values) for values in curves.values()), default=0)
    positions = np.arange(points, dtype=np.float32) if plot.positions is None else plot.positions
    legend, legend_height = _legend(list(curves))
    parts, top = [legend], float(legend_height)
    low, high = value_range(list(curves.values()))
    for first, last in rows(points):
        across = _across(positions, first, last, wrapped=points > WRAP_POINTS)
        up = _Axis(low, high, top + TOP + AXES_HEIGHT, top + TOP)
        parts.append(_axes(across, up))
        for index, values in enumerate(curves.values()):
            parts.append(_curve(values[first:last], positions[first:last], across, up, index))
        top += TOP + AXES_HEIGHT + BOTTOM
    parts.append(_text(WIDTH / 2, top + 12, plot.across, "middle"))
    name = escape(f"{plot.title}; {', '.join(curves)}, over {plot.across}", quote=True)
    return (
        f'<svg class="plot" role="img" aria-label="{name}" viewBox="0 0 {WIDTH} {top + 18:.0f}">{"".join(parts)}</svg>'
    )


def rows(points: int) -> list[tuple[int, int]]:
    """First and last (exclusive) point of each row that a curve of so many points is drawn in."""
    if points <= WRAP_POINTS:
        return [(0, points)]
    return [(first, min(first + ROW_POINTS, points)) for first in range(0, points, ROW_POINTS)]


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round values from `low` to `high`, at most `most` of them: multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if power * factor > rough)
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [number * step for number in range(first, last + 1)]


def value_range(curves: Sequence[Float32]) -> tuple[float, float]:
    """What the vertical axis spans: all values with a little room, from 0 where they are near it."""
    values = np.concatenate([*curves, np.zeros(0, np.float32)])
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    low = 0.0 if 0 <= low <= high / 2 else low
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return (low if low == 0 else low - room), high + room


def _across(positions: Float32, first: int, last: int, *, wrapped: bool) -> _Axis:
    """The horizontal axis of a row; a last row that is not full keeps the scale of the others."""
    if last - first < 1:
        return _Axis(0, 1, LEFT, WIDTH - RIGHT)
    begin, end = float(positions[first]), float(positions[last - 1])
    if wrapped and first > 0:
        end = begin + float(positions[ROW_POINTS - 1] - positions[0])
    return _Axis(begin, end if end > begin else begin + 1, LEFT, WIDTH - RIGHT)


def _axes(across: _Axis, up: _Axis) -> str:
    parts = []
    for value in ticks(up.low, up.high, 5):
        y = up.place(value)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, "grid"))
        parts.append(_text(LEFT - 6, y + 4, _number(value), "end"))
    for value in ticks(across.low, across.high, 12):
        x = across.place(value)
        parts.append(_line(x, up.start, x, up.start + 4, "axis"))
        parts.append(_text(x, up.start + 17, _number(value), "middle"))
    return "".join([*parts, _line(LEFT, up.start, WIDTH - RIGHT, up.start, "axis")])


def _curve(values: Float32, positions: Float32, across: _Axis, up: _Axis, index: int) -> str:
    places = [(across.place(float(x)), up.place(float(y))) for x, y in zip(positions, values, strict=False)]
    path = " ".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run) for run in unbroken(places) if len(run) > 1)
    drawn = f'<path {_style(index)} d="{path}"/>' if path else ""
    alone = [run[0] for run in unbroken(places) if len(run) == 1]
    dots = [place for place in places if math.isfinite(place[1])] if len(values) <= DOTTED_POINTS else alone
    return drawn + "".join(
        f'<circle class="c{index % len(DASHES)}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in dots
    )


def unbroken(places: Sequence[tuple[float, float]]) -> Iterator[list[tuple[float, float]]]:
    """Runs of places without a NaN."""
    run: list[tuple[float, float]] = []
    for place in places:
        if math.isfinite(place[1]):
            run.append(place)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _legend(names: Sequence[str]) -> tuple[str, int]:
    """A line and a name for each curve, in as many lines as they need; and the height of these."""
    parts, x, y = [], float(LEFT), LEGEND_LINE - 6
    for index, name in enumerate(names):
        needed = 48 + LETTER_WIDTH * len(name)
        if x > LEFT and x + needed > WIDTH - RIGHT:
            x, y = float(LEFT), y + LEGEND_LINE
        parts.append(f'<path {_style(index)} d="M{x:.0f} {y - 4}h28"/>' + _text(x + 34, y, name, "start"))
        x += needed
    return "".join(parts), y + 6 if names else 0


def _style(index: int) -> str:
    """Colour and dashes of a curve, such that 36 differ in one or the other."""
    colour, dashes = index % len(DASHES), DASHES[(index + index // len(DASHES)) % len(DASHES)]
    return f'class="curve c{colour}" stroke-dasharray="{dashes}"'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _number(value: float) -> str:
    return f"{round(value, 9):g}".replace("-", "−")  # noqa: RUF001  a minus sign, as wide as a plus
