"""Hair begins at its roots, stays out of the skull, bends softly and hangs on both sides of the parting."""

import numpy as np
import pytest

from studio.hair import CENTRE, CROWN, END_Y, PARTING, POINTS, fall

RADIUS = 0.75


def ball(directions: np.ndarray) -> np.ndarray:
    return np.full(len(directions), RADIUS)


@pytest.fixture(scope="module")
def grown() -> np.ndarray:
    """Roots all over the upper half of a round skull."""
    up = np.random.default_rng(0).normal(size=(500, 3))
    up[:, 1] = abs(up[:, 1]) + 0.3
    return np.asarray(CENTRE + RADIUS * up / np.linalg.norm(up, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def strands(grown: np.ndarray) -> np.ndarray:
    style = np.random.default_rng(1).normal(size=(len(grown), 4))
    return np.asarray(fall(ball, grown, style, np.linspace(0, 1, len(grown))))


def test_from_root_to_below_the_shoulders(grown: np.ndarray, strands: np.ndarray) -> None:
    assert strands.shape == (len(grown), POINTS, 3)
    np.testing.assert_allclose(strands[:, 0], grown)
    np.testing.assert_allclose(strands[:, -1, 1], END_Y, atol=0.15)


def test_no_strand_enters_the_skull(strands: np.ndarray) -> None:
    assert np.linalg.norm(strands[:, : len(CROWN)] - CENTRE, axis=2).min() > RADIUS - 1e-9


def test_no_strand_has_a_kink(strands: np.ndarray) -> None:
    step = np.diff(strands[:, 1:], axis=1)
    step /= np.linalg.norm(step, axis=2, keepdims=True)
    turn = np.degrees(np.arccos(np.clip((step[:, 1:] * step[:, :-1]).sum(2), -1, 1)))
    assert np.percentile(turn.max(1), 95) < 60


def test_falls_to_the_nearer_side_of_the_parting(grown: np.ndarray, strands: np.ndarray) -> None:
    clear = (abs(grown[:, 0]) > PARTING + 0.1) & (grown[:, 2] > CENTRE[2] + 0.3)
    assert (np.sign(strands[clear, -1, 0]) == np.sign(grown[clear, 0])).mean() > 0.95
