"""The 468 points of a face in, the measures of its lips out, as shares of the height of the face."""

import numpy as np

from lipstream.types import Float32

FACE_HEIGHT = (10, 152)  # top of the forehead, chin
INNER_LIPS = ((82, 87), (13, 14), (312, 317))  # upper and lower edge beside the middle, in it, beside it
MOUTH_CORNERS = (61, 291)
OUTER_LIPS = (0, 17)  # middle of the upper and of the lower lip's outer edge
NOSE_BASE = 2


def _distance(points: Float32, pair: tuple[int, int]) -> Float32:
    away: Float32 = np.linalg.norm(points[..., pair[0], :2] - points[..., pair[1], :2], axis=-1).astype(np.float32)
    return away


def face_height_px(points: Float32) -> Float32:
    """Forehead to chin in pixels, `[...]` float32, of points `[..., 468, 2 or 3]`; the chin follows the jaw."""
    return _distance(points, FACE_HEIGHT)


def opening_px(points: Float32) -> Float32:
    """Distance of the inner lips in pixels, mean of three places in the middle, `[...]` float32."""
    gaps: Float32 = np.mean([_distance(points, pair) for pair in INNER_LIPS], axis=0, dtype=np.float32)
    return gaps


def opening(points: Float32) -> Float32:
    """Distance of the inner lips as a share of the face's height, `[...]` float32, 0 where they touch."""
    shares: Float32 = opening_px(points) / face_height_px(points)
    return shares


def width(points: Float32) -> Float32:
    """Distance of the mouth's corners as a share of the face's height, `[...]` float32."""
    shares: Float32 = _distance(points, MOUTH_CORNERS) / face_height_px(points)
    return shares


def protrusion(points: Float32) -> Float32:
    """How far the lips stand out before the base of the nose, by the model's depth, as a share of the face's height.

    Args:
        points: `[..., 468, 3]` float32. The depth is the model's guess from one picture: good for its changes, not
            for its value.
    """
    lips = (points[..., OUTER_LIPS[0], 2] + points[..., OUTER_LIPS[1], 2]) / 2
    shares = (points[..., NOSE_BASE, 2] - lips) / face_height_px(points)
    return np.asarray(shares, np.float32)
