"""A face's points in its crop in, the soft area that the generator paints out."""

import cv2
import numpy as np

from lipstream.types import CROP_SIZE, Float32, UInt8

LOWER_FACE = (164, 165, 391, 206, 426, 216, 436, 214, 434, 136, 365, 150, 379, 149, 378, 176, 400, 148, 377, 152)
"""From under the nose over the cheeks beside the mouth to the jaw; its corners, which speech hardly moves, stay out."""
BOX = (4, 60, 316, 320)
"""Left, top, right, bottom of the crop: the mask ends inside, so that no edge of the crop shows."""
FEATHER_PIXELS = 9
GROWN_PIXELS = 6
"""Beyond the outermost points: the skin around them moves too."""
MOST_SHAPES = 400


def mask_over(points: Float32) -> UInt8:
    """Where the mouth is painted: all that the lower face covers in any picture, feathered.

    Args:
        points: of the face in pixels of the crop, `[n, 468, 2 or 3]` float32.

    Returns:
        `[320, 320]` uint8, 255 where the generated picture is shown.
    """
    some = points[np.linspace(0, len(points) - 1, min(len(points), MOST_SHAPES)).astype(int)]
    shape = some[:, LOWER_FACE, :2]
    low, high = np.percentile(shape, 1, axis=0), np.percentile(shape, 99, axis=0)
    corners = np.concatenate([low, high, np.stack([low[:, 0], high[:, 1]], 1), np.stack([high[:, 0], low[:, 1]], 1)])
    area = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
    cv2.fillConvexPoly(area, cv2.convexHull(np.rint(corners).astype(np.int32)), 255)
    return feathered(cv2.dilate(area, np.ones((3, 3), np.uint8), iterations=GROWN_PIXELS).astype(np.uint8), BOX)


def feathered(area: UInt8, box: tuple[int, int, int, int]) -> UInt8:
    """Soften the edge of an area `[320, 320]` uint8, kept inside a box with round corners."""
    inside = cv2.bitwise_and(area, rounded(box, 2 * FEATHER_PIXELS + 3))
    soft = cv2.GaussianBlur(cv2.GaussianBlur(inside, (0, 0), FEATHER_PIXELS), (0, 0), FEATHER_PIXELS / 2)
    return np.where(soft < 3, 0, np.where(soft > 252, 255, soft)).astype(np.uint8)


def rounded(box: tuple[int, int, int, int], margin: int) -> UInt8:
    """A box with round corners, `margin` inside the given one: `[320, 320]` uint8, 0 or 255."""
    x0, y0, x1, y1 = box
    y, x = np.mgrid[:CROP_SIZE, :CROP_SIZE]
    across, down = (x - (x0 + x1) / 2) / ((x1 - x0) / 2 - margin), (y - (y0 + y1) / 2) / ((y1 - y0) / 2 - margin)
    return np.where(abs(across) ** 3 + abs(down) ** 3 <= 1, 255, 0).astype(np.uint8)
