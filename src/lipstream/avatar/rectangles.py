"""Rectangles of pictures in, checked, and the transforms that they stand for out: how SyncTalk_2D cuts a face.

A rectangle is stretched to 328 x 328 pixels, of which the inner 320 x 320 are the crop.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipstream.errors import AvatarError
from lipstream.types import Float32

STRETCHED_SIZE = 328
BORDER_PIXELS = 4
"""Of the stretched rectangle on each side, which the generator neither sees nor paints."""

Rectangles = NDArray[np.int32]
"""`[N, 4]` int32: left, top, right, bottom (half-open) in pixels of each picture."""


def read_rectangles(found: Float32, width: int, height: int, path: Path) -> Rectangles:
    """Check rectangles.

    Args:
        found: `[N, 4]` float32.
        width: of the pictures in pixels.
        height: of the pictures in pixels.
        path: where they are from, for the message.

    Raises:
        AvatarError: one is empty, leaves its picture, or is not of whole pixels.
    """
    rectangles = found.astype(np.int32)
    left, top, right, bottom = rectangles.T
    good = (found == rectangles).all(axis=1) & (left >= 0) & (top >= 0)
    good &= (left < right) & (top < bottom) & (right <= width) & (bottom <= height)
    if not good.all():
        wrong = int(np.argmin(good))
        raise AvatarError(
            f"{path}: rectangle {wrong} is {found[wrong].tolist()}, expected left, top, right, bottom within "
            f"{width} x {height} pixels."
        )
    return rectangles


def crop_transforms(rectangles: Rectangles) -> Float32:
    """Frame-to-crop transforms, `[N, 2, 3]` float32, pixel centres at whole numbers."""
    corners = rectangles.astype(np.float64)
    scales = STRETCHED_SIZE / (corners[:, 2:] - corners[:, :2])
    transforms = np.zeros((len(rectangles), 2, 3))
    transforms[:, 0, 0], transforms[:, 1, 1] = scales.T
    transforms[:, :, 2] = (0.5 - corners[:, :2]) * scales - 0.5 - BORDER_PIXELS
    return transforms.astype(np.float32)
