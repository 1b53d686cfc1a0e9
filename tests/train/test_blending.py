import numpy as np
import pytest
from tiny_film import PlacedFinder

from lipstream.train.blending import CHIN_ROOM, ROOM, blend, outlines
from lipstream.types import Float32, Image
from lipstream.video.lips import face_height_px

WHOLE = (0, 0, 128, 128)


@pytest.fixture
def points() -> Float32:
    """A face 90 pixels high whose chin lies at (64, 105)."""
    return PlacedFinder().detect_all(np.zeros((8, 8, 3), np.uint8))[0]


def blended(points: Float32, share: float = 1.0, level: int = 250) -> Image:
    image, before = np.full((128, 128, 3), level, np.uint8), np.full((128, 128, 3), 40, np.uint8)
    blend(image, before, WHOLE, outlines(points[None], np.zeros(1, np.int64))[0], share)
    return image


def test_beside_the_face_and_above_it_the_film_stays_to_the_bit(points: Float32) -> None:
    image = blended(points)
    left, right = points[:, 0].min(), points[:, 0].max()
    assert (image[:, : int(left) - 8] == 40).all()
    assert (image[:, int(right) + 8 :] == 40).all()
    assert (image[: int(points[:, 1].min()) - 8] == 40).all()


def test_inside_it_and_where_the_chin_may_go_lips_are_new(points: Float32) -> None:
    height = float(face_height_px(points))
    lowest = int(points[152, 1] + (CHIN_ROOM + ROOM) * height)
    image = blended(points)
    assert (image[30 : lowest - 6, 64] == 250).all()
    assert (image[lowest + 7 :] == 40).all()


def test_new_lips_show_as_much_as_they_shall(points: Float32) -> None:
    assert blended(points, share=0.4)[80, 64].tolist() == [124] * 3
    assert (blended(points, share=0.0) == 40).all()


def test_a_face_that_has_left_the_picture_changes_nothing(points: Float32) -> None:
    image = np.full((128, 128, 3), 7, np.uint8)
    blend(image, image[:0, :0], (128, 0, 128, 128), outlines(points[None], np.zeros(1, np.int64))[0] + 500, 1.0)
    assert (image == 7).all()
