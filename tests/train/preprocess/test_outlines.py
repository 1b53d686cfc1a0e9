import numpy as np
import pytest

from lipstream.avatar.bundle import OUTLINE_POINTS
from lipstream.train.preprocess.alignment import CHIN, FOREHEAD
from lipstream.train.preprocess.outline import CHIN_ROOM, ROOM, UNDER_CHIN, outlines
from lipstream.types import Float32

RUNS = np.zeros(1, np.int64)


@pytest.fixture
def points() -> Float32:
    """A face 300 pixels high, its jaw 200 wide below the ears."""
    places = {FOREHEAD: (160, 0), CHIN: (160, 300), 148: (140, 297), 377: (180, 297), 176: (125, 285), 400: (195, 285)}
    places |= {2: (160, 190), 206: (115, 205), 426: (205, 205), 216: (110, 240), 436: (210, 240)}
    places |= {1: (160, 170), 132: (60, 200), 361: (260, 200)}
    found = np.zeros((468, 3), np.float32)
    found[list(places), :2] = list(places.values())
    return found


def test_it_reaches_from_the_nose_to_below_the_chin_and_stays_off_the_jaw_s_sides(points: Float32) -> None:
    (outline,) = outlines(points[None], RUNS)
    height = float(points[CHIN, 1] - points[FOREHEAD, 1])
    assert outline.shape == (OUTLINE_POINTS, 2)
    assert outline[:, 1].max() == pytest.approx(points[CHIN, 1] + (ROOM + CHIN_ROOM) * height, abs=0.02 * height)
    assert points[1, 1] < outline[:, 1].min() + ROOM * height
    beside = points[[132, 361], 0]  # the jaw below the ears
    assert beside.min() < outline[:, 0].min()
    assert outline[:, 0].max() < beside.max()


def test_it_turns_and_grows_with_the_face(points: Float32) -> None:
    quarter = np.array([[0, -1], [1, 0]], np.float32)
    turned = points.copy()
    turned[:, :2] = 2 * points[:, :2] @ quarter.T
    assert np.allclose(outlines(turned[None], RUNS), 2 * outlines(points[None], RUNS) @ quarter.T, atol=1e-2)


def test_below_the_chin_there_is_room_for_a_mouth_that_opens(points: Float32) -> None:
    (outline,) = outlines(points[None], RUNS)
    down = points[CHIN, :2] - points[FOREHEAD, :2]
    opened = outline[-len(UNDER_CHIN) :] - outline[: len(UNDER_CHIN)]
    assert np.allclose(opened, CHIN_ROOM * down, atol=1e-3)
