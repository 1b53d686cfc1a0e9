"""A BGR picture in, PNG bytes out."""

import cv2

from lipstream.types import Image


def encode_png(image: Image) -> bytes:
    """Compress one picture without loss.

    Args:
        image: `HWC` uint8 BGR.

    Returns:
        A PNG, made for speed: a fifth larger than it could be, in a fifth of the time.
    """
    _, encoded = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return encoded.tobytes()
