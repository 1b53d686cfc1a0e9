"""Pictures of answers, and what they should look like."""

import cv2
import numpy as np

from lipstream.types import Image


def picture(encoded: bytes) -> Image:
    """A JPEG or PNG as `HWC` uint8 BGR."""
    return np.asarray(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def same(encoded: bytes, image: Image) -> bool:
    """Equal but for what JPEG of quality 75 costs."""
    return alike(picture(encoded), image)


def alike(one: Image, other: Image) -> bool:
    """Equal but for what a lossy way between them costs."""
    return float(np.abs(one.astype(int) - other).mean()) < 3


def drawn(encoded: bytes, bounds: tuple[float, ...], filmed: Image) -> Image:
    """A patch drawn over its bounds of a frame, as the reference's clients do."""
    left, top, right, bottom = map(int, bounds)
    image = filmed.copy()
    patch = picture(encoded)
    image[top:bottom, left:right] = cv2.resize(patch, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    return image
