"""A picture and how wide it may be in, the same no wider out."""

import cv2
import numpy as np

from lipstream.types import Image


def size_within(width: int, height: int, most_width: int | None) -> tuple[int, int]:
    """Width and height of a picture that may be no wider than `most_width`; even, for every encoder takes those.

    Args:
        width: of the picture, even, in pixels.
        height: of the picture, even, in pixels.
        most_width: 2 or more; None for any.
    """
    if most_width is None or width <= most_width:
        return width, height
    return most_width // 2 * 2, max(2, round(height * most_width / width / 2) * 2)


def shrink(image: Image, width: int, height: int) -> Image:
    """A picture made smaller, `[height, width, 3]` uint8 BGR; as it is where it has that size."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
