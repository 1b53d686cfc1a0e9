import numpy as np

from lipstream.types import Float32
from lipstream.video import lips


def face(gap_px: float, *, scale: float = 1.0) -> Float32:
    """Points of a face 100 px high whose inner lips are `gap_px` apart and corners 40 px."""
    points = np.zeros((468, 3), np.float32)
    points[10, 1], points[152, 1] = -50, 50
    for _, lower in lips.INNER_LIPS:
        points[lower, 1] = gap_px
    points[61, 0], points[291, 0] = -20, 20
    points[0, 2] = points[17, 2] = -8
    points[2, 2] = -5
    return points * np.float32(scale)


def test_measures_are_shares_of_the_face() -> None:
    for scale in (1.0, 3.0):
        points = face(5.0, scale=scale)
        np.testing.assert_allclose(lips.opening(points), 0.05, rtol=1e-6)
        np.testing.assert_allclose(lips.width(points), 0.40, rtol=1e-6)
        np.testing.assert_allclose(lips.protrusion(points), 0.03, rtol=1e-6)
    np.testing.assert_allclose(lips.opening_px(face(5.0)), 5.0)


def test_measures_take_many_faces() -> None:
    clip = np.stack([face(0.0), face(2.0), face(4.0)])
    np.testing.assert_allclose(lips.opening(clip), [0, 0.02, 0.04], atol=1e-7)
