import math
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from lipstream.evaluate.figures import Plot
from lipstream.evaluate.report.svg import ROW_POINTS, draw, rows, ticks, unbroken, value_range


def drawn(plot: Plot) -> ET.Element:
    return ET.fromstring(draw(plot))  # noqa: S314  our own drawing


def curve(values: object) -> Plot:
    return Plot("opening", "frame", {"found": np.asarray(values, np.float32)})


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-15.0, 15.0, [-10.0, 0.0, 10.0]),
        (0.0, 0.0031, [0.0, 0.001, 0.002, 0.003]),
        (250.0, 499.0, [250.0, 300.0, 350.0, 400.0, 450.0]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_the_axis_has_room_and_begins_at_0_where_values_are_near_it() -> None:
    assert value_range([np.array([0.1, 1.0], np.float32)]) == pytest.approx((0.0, 1.05))
    assert value_range([np.array([20.0, 30.0, np.nan], np.float32)]) == pytest.approx((19.5, 30.5))
    low, high = value_range([np.array([3.0, 3.0], np.float32)])
    assert low < 3.0 < high
    assert value_range([np.full(3, np.nan, np.float32)]) == (0.0, 1.0)


def test_a_long_curve_is_drawn_in_rows_that_share_a_scale() -> None:
    assert rows(300) == [(0, 300)]
    assert rows(520) == [(0, 250), (250, 500), (500, 520)]
    short = float(drawn(curve(np.zeros(100))).attrib["viewBox"].split()[3])
    svg = drawn(curve(np.sin(np.arange(ROW_POINTS * 2 + 20))))
    assert float(svg.attrib["viewBox"].split()[3]) > 2.5 * short
    last = svg.findall("path")[-1].attrib["d"]
    xs = [float(x) for x in re.findall(r"[ML]([\d.]+) ", last)]
    assert len(xs) == 20
    assert max(xs) < 140  # as far along as 20 of 250 points


def test_nan_leaves_a_hole_and_a_lone_point_a_dot() -> None:
    nan = math.nan
    assert [len(run) for run in unbroken([(0, 1), (1, 2), (2, nan), (3, 4)])] == [2, 1]
    values = np.ones(100)
    values[[40, 60, 62]] = np.nan
    svg = drawn(curve(values))
    assert svg.findall("path")[-1].attrib["d"].count("M") == 3
    assert len(svg.findall("circle")) == 1
    assert "nan" not in draw(curve(values)).lower()


def test_positions_place_the_values() -> None:
    plot = Plot("r", "lag, frames", {"r": np.ones(3, np.float32)}, np.array([-1, 0, 1], np.float32))
    words = [text.text for text in drawn(plot).findall("text")]
    assert "−1" in words  # noqa: RUF001  a minus sign
    assert words[-1] == "lag, frames"


def test_names_are_escaped_and_curves_told_apart_by_more_than_colour() -> None:
    plot = Plot("<b>", "a & b", {"<one>": np.zeros(60, np.float32), "two": np.ones(60, np.float32)})
    svg = drawn(plot)
    assert svg.attrib["aria-label"] == "<b>; <one>, two, over a & b"
    dashes = {path.attrib["stroke-dasharray"] for path in svg.findall("path")}
    assert len(dashes) == 2


def test_many_curves_never_look_the_same() -> None:
    plot = Plot("t", "x", {str(index): np.full(60, index, np.float32) for index in range(20)})
    looks = [(path.attrib["class"], path.attrib["stroke-dasharray"]) for path in drawn(plot).findall("path")]
    assert len(set(looks)) == 20


@pytest.mark.parametrize("series", [{}, {"none": np.zeros(0, np.float32)}, {"one": np.ones(1, np.float32)}])
def test_little_or_nothing_is_drawn_too(series: dict[str, np.ndarray]) -> None:
    assert "nan" not in draw(Plot("t", "x", series)).lower()
