"""Iris's head does what an articulation says: the gap of her lips, whatever else moves; needs the CC0 assets."""

import os
from pathlib import Path

import numpy as np
import pytest

from lipstream.types import ARTICULATION
from studio.head import LIP_GAP, LOWER_LIP, UPPER_LIP, Head, Pose


@pytest.fixture(scope="module")
def head() -> Head:
    data = os.environ.get("LIPSTREAM_DATA")
    if not data:
        pytest.skip("LIPSTREAM_DATA is unset; it names the folder that holds makehuman/")
    return Head(Path(data) / "makehuman")


def code(**dimensions: float) -> np.ndarray:
    return np.array([dimensions.get(name, 0.0) for name in ARTICULATION])


def gap(head: Head, **dimensions: float) -> float:
    body = head.articulate(code(**dimensions))
    return float(body[UPPER_LIP, 1] - body[LOWER_LIP, 1])


def test_rest_is_sealed(head: Head) -> None:
    assert gap(head) < 0


@pytest.mark.parametrize("jaw", [0.0, 0.5, 1.2])
@pytest.mark.parametrize("protrusion", [0.0, 1.0])
def test_lip_gap_holds_whatever_moves(head: Head, jaw: float, protrusion: float) -> None:
    assert gap(head, jaw=jaw, protrusion=protrusion) < 0  # closed, as for p b m, however far the jaw is down
    for wanted in (0.4, 1.0):
        found = gap(head, jaw=jaw, protrusion=protrusion, lip_gap=wanted)
        assert found == pytest.approx(LIP_GAP * wanted, abs=0.01)


def test_width_and_corners(head: Head) -> None:
    def width(**dimensions: float) -> float:
        body = head.articulate(code(**dimensions))
        lips = np.flatnonzero(head.lips[1] > 0.05)
        return float(np.ptp(body[lips, 0]))

    assert width(lip_width=-1) < width() < width(lip_width=1)


def test_pose_turns_the_head_but_not_the_shoulders(head: Head) -> None:
    still, turned = head.deform(code(), Pose()), head.deform(code(), Pose(yaw=5))
    moved = np.linalg.norm(turned["skin"] - still["skin"], axis=1)
    assert moved[head.rest[:, 1] < 4.7].max() < 1e-9
    assert moved[UPPER_LIP] > 0.05
    assert turned["teeth"][:, 0].mean() > still["teeth"][:, 0].mean()  # to her left


def test_teeth_part_with_teeth_gap_alone(head: Head) -> None:
    closed, apart = (
        head.deform(code(jaw=1, lip_gap=1), Pose()),
        head.deform(code(jaw=1, lip_gap=1, teeth_gap=1), Pose()),
    )
    drop = closed["teeth"][:, 1] - apart["teeth"][:, 1]
    assert drop.min() == pytest.approx(0)
    assert drop.max() > 0.05


def corner_rise(head: Head, **dimensions: float) -> float:
    """How far the corners of the mouth lie above their place at rest."""
    line, reach = head.neutral[UPPER_LIP, 1], 0.25
    near = (abs(abs(head.neutral[:, 0]) - reach) < 0.03) & (abs(head.neutral[:, 1] - line) < 0.04)
    corner = near & (head.neutral[:, 2] > 1.2)
    return float((head.articulate(code(**dimensions)) - head.rest)[corner, 1].mean())


def test_closed_lips_between_spread_vowels_do_not_smile(head: Head) -> None:
    spread = {"lip_width": 0.9, "corner_left": 0.8, "corner_right": 0.8}
    assert abs(corner_rise(head, lip_press=1.0)) < 0.01
    assert abs(corner_rise(head, lip_press=1.0, **spread)) < 0.015
    assert corner_rise(head, lip_gap=0.4, **spread) > 0.02


def test_f_bares_the_upper_teeth_to_the_lower_lip(head: Head) -> None:
    parts = head.deform(code(jaw=0.15, lip_gap=0.15, lip_tuck=1.0, upper_lip=0.8), Pose())
    middle = parts["teeth"][abs(parts["teeth"][:, 0]) < 0.06]
    incisor = middle[middle[:, 2] > middle[:, 2].max() - 0.05][:, 1].min()  # the upper ones stand furthest out
    assert parts["skin"][UPPER_LIP, 1] - incisor > 0.05
    assert abs(parts["skin"][LOWER_LIP, 1] - incisor) < 0.05


def test_upper_teeth_keep_still_when_the_jaw_drops(head: Head) -> None:
    closed, apart = (head.deform(code(jaw=j, teeth_gap=j), Pose())["teeth"] for j in (0.0, 1.2))
    moved = np.linalg.norm(apart - closed, axis=1)
    assert 0.3 < (moved < 1e-9).mean() < 0.7
