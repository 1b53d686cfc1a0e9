import numpy as np
import pytest

from lipstream.evaluate.lips import measure_lips
from lipstream.evaluate.repeatability import change, repeat
from lipstream.types import Float32, Image


class SquareFinder:
    """A face 100 px high whose lips are as far apart as the picture's first pixel is bright; none in the dark."""

    def detect(self, image: Image) -> Float32 | None:
        apart = int(image[0, 0, 0])
        if not apart:
            return None
        points = np.zeros((468, 3), np.float32)
        points[152, 1] = 100
        points[[87, 14, 317], 1] = apart
        points[61, 0], points[291, 0] = -30, 30
        points[[0, 17], 2] = -5
        return points


def pictures(*levels: int) -> list[Image]:
    return [np.full((64, 64, 3), level, np.uint8) for level in levels]


def test_curves_are_shares_of_the_height_of_the_face() -> None:
    curves = measure_lips(pictures(10, 0, 20), SquareFinder())
    np.testing.assert_allclose(curves.opening, [0.1, np.nan, 0.2], rtol=1e-6)
    np.testing.assert_allclose(curves.width, [0.6, np.nan, 0.6], rtol=1e-6)
    np.testing.assert_allclose(curves.protrusion, [0.05, np.nan, 0.05], rtol=1e-6)
    assert curves.outline.shape == (3, 40, 2)
    assert float(curves.outline[0, :, 0].min()) == pytest.approx(-0.3)


def test_pictures_without_a_face_give_no_number() -> None:
    assert np.isnan(measure_lips(pictures(0, 0), SquareFinder()).opening).all()


def test_a_finder_that_repeats_itself_does_not_change() -> None:
    repeated = repeat(pictures(10, 10), SquareFinder())
    assert repeated.first.shape == (2,)
    assert repeated.shifted.shape == (2, 4)
    assert change(repeated.first, repeated.shifted) == 0.0
    assert change(repeated.first, repeated.encoded) < 0.02


def test_change_is_a_root_mean_square() -> None:
    first = np.array([1.0, 2.0, np.nan], np.float32)
    assert change(first, np.array([[4.0, 1.0], [2.0, 2.0], [3.0, 3.0]], np.float32)) == pytest.approx(1.5)
    assert np.isnan(change(first[2:], first[2:]))
