"""The outline of a mouth and its chin in, how much of a generated crop shows there out.

A mask covers the lower face in all poses of an avatar, and so, beside the jaw of a head that turns, some of what is
behind it. The picture before shows that itself, and the jaw's sides, which hardly move: an outline of each picture
keeps them.
"""

import cv2
import numpy as np

from lipstream.types import CROP_SIZE, Float32, UInt8

SOFT_PIXELS = 8.0
"""Standard deviation of the edge's softness."""
_FRACTION_BITS = 4


def inside(outline: Float32) -> UInt8:
    """Where a generated crop shows.

    Args:
        outline: points in pixels of the crop, `[k, 2]` float32, of which the convex hull counts.

    Returns:
        `[320, 320]` uint8: 255 well inside the hull, 0 well outside of it.
    """
    corners = np.rint(cv2.convexHull(outline) * 2**_FRACTION_BITS).astype(np.int32)
    area = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
    cv2.fillConvexPoly(area, corners, 255, shift=_FRACTION_BITS)
    return np.asarray(cv2.GaussianBlur(area, (0, 0), SOFT_PIXELS), np.uint8)
