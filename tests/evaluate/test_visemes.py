import numpy as np
import pytest

from lipstream.evaluate.phones import SpokenPhone
from lipstream.evaluate.visemes import (
    SHAPE,
    Tokens,
    centroids_of,
    confusion_table,
    nearest,
    tokens_of,
    viseme_figures,
    viseme_table,
)
from lipstream.types import Codes

SHAPES = {"p b m": (0.0, -0.1, 0.1), "a": (0.0, 0.9, 0.1), "u": (-1.3, 0.1, 1.0)}


def tokens(heard: list[str]) -> Tokens:
    """Ten known tokens of each viseme, a little apart, heard as the shapes of those named, in order."""
    visemes = [name for name in SHAPES for _ in range(10)]
    away = 0.01 * np.random.default_rng(1).standard_normal((30, 3)).astype(np.float32)
    known = np.array([SHAPES[name] for name in visemes], np.float32) + away
    return Tokens(np.array(visemes), np.array([SHAPES[name] for name in heard], np.float32), known)


def figures(these: Tokens) -> dict[str, float]:
    return {figure.name: figure.value for figure in viseme_figures(these)}


def test_the_known_lips_are_told_apart() -> None:
    values = figures(tokens(["p b m"] * 10 + ["a"] * 10 + ["u"] * 10))
    assert set(values.values()) == {100.0}


def test_a_mouth_that_merely_flaps_is_not() -> None:
    values = figures(tokens(["p b m"] * 10 + ["a"] * 20))  # opens for a and u alike, and never rounds
    assert values["truth.viseme_percent"] == pytest.approx(200 / 3)
    assert values["truth.viseme_ceiling_percent"] == 100.0
    assert values["truth.viseme_of_ceiling_percent"] == pytest.approx(200 / 3)
    assert values["truth.viseme_means_percent"] == pytest.approx(200 / 3)


def test_lips_that_show_what_the_known_ones_show_may_still_be_the_wrong_viseme() -> None:
    these = tokens(["p b m"] * 10 + ["a"] * 10 + ["u"] * 10)
    these.known[25:] = SHAPES["a"]  # coarticulation took half of u
    these.heard[25:] = SHAPES["a"]
    values = figures(these)
    assert values["truth.viseme_same_percent"] == 100.0
    assert values["truth.viseme_percent"] == values["truth.viseme_ceiling_percent"] < 90.0


def test_each_dimension_counts_in_its_own_deviation() -> None:
    visemes = np.array(["a", "a", "u", "u"])
    shapes = np.array([[0, 0, 0], [0, 2, 0], [0.1, 0, 0], [0.1, 2, 0]], np.float32)  # only width tells, minutely
    assert nearest(np.array([[0.09, 0.0, 0.0]], np.float32), centroids_of(visemes, shapes)).tolist() == ["u"]


def test_tokens_are_taken_in_the_middle_of_phones() -> None:
    codes: Codes = np.arange(10 * 12, dtype=np.float32).reshape(10, 12)
    phones = [SpokenPhone("SIL", 0, 80), SpokenPhone("HH", 80, 120), SpokenPhone("B", 120, 220)]
    (one,) = tokens_of([(phones, codes, -codes)]).heard
    np.testing.assert_array_equal(one, codes[4, list(SHAPE)])  # 170 ms


def test_the_table_says_what_is_taken_for_what() -> None:
    table = viseme_table(tokens(["p b m"] * 10 + ["a"] * 20))
    rows = {row[0]: row for row in table.rows}
    assert rows["u"][1:6] == (10, 0, 100, 0, "a (10)")
    assert all(len(row) == len(table.header) for row in table.rows)


def test_confusions_are_shares_of_what_was_said() -> None:
    table = confusion_table(tokens(["p b m"] * 10 + ["a"] * 15 + ["u"] * 5))
    assert table.header == ("said", "p b m", "a", "u")
    assert table.rows == (("p b m", 100, 0, 0), ("a", 0, 100, 0), ("u", 0, 50, 50))


def test_nothing_was_said() -> None:
    assert viseme_figures(tokens_of([])) == []
    assert viseme_table(tokens_of([])).rows == confusion_table(tokens_of([])).rows == ()
