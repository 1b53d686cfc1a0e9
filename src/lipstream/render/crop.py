"""A frame in, its face crop out; a generated crop in, the finished frame out."""

import cv2
import numpy as np

from lipstream.render.mask import Mask
from lipstream.types import CROP_SIZE, Affine, Float32, Image

Box = tuple[int, int, int, int]
"""Left, top, right, bottom (half-open) in pixels."""
WHOLE_CROP: Box = (0, 0, CROP_SIZE, CROP_SIZE)


def cut(image: Image, transform: Affine) -> Image:
    """Cut the face crop out of a frame, to a fraction of a pixel.

    Args:
        image: `HWC` uint8 BGR.
        transform: frame pixels to crop pixels.

    Returns:
        The crop, `[320, 320, 3]` uint8 BGR; the frame's border is repeated where the crop leaves it.
    """
    size = (CROP_SIZE, CROP_SIZE)
    warped = cv2.warpAffine(image, transform, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def bounds(transform: Affine, box: Box, width: int, height: int) -> Box:
    """The axis-aligned box of a frame that a box of the crop covers.

    Args:
        transform: frame pixels to crop pixels.
        box: in crop pixels, such as WHOLE_CROP.
        width: width of the frame in pixels.
        height: height of the frame in pixels.

    Returns:
        The box in frame pixels, within the frame, wide enough for every pixel that interpolation reaches.
    """
    left, top, right, bottom = box
    corners = np.array([[left - 1, top - 1], [right, top - 1], [left - 1, bottom], [right, bottom]], np.float64)
    inverse = cv2.invertAffineTransform(transform.astype(np.float64))
    xs, ys = inverse[:, :2] @ corners.T + inverse[:, 2:]
    return (
        max(0, int(np.floor(xs.min()))),
        max(0, int(np.floor(ys.min()))),
        min(width, int(np.ceil(xs.max())) + 1),
        min(height, int(np.ceil(ys.max())) + 1),
    )


def patch_of(image: Image, box: Box) -> Image:
    """A box of a frame as clients of the reference draw it: scaled to the box again, it reproduces the frame.

    Args:
        image: the frame, `HWC` uint8 BGR.
        box: in its pixels; an empty one, of a face that has left the frame, gives black.

    Returns:
        `[320, 320, 3]` uint8 BGR.
    """
    left, top, right, bottom = box
    if left >= right or top >= bottom:
        return np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8)
    shrinks = right - left > CROP_SIZE or bottom - top > CROP_SIZE
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resized = cv2.resize(image[top:bottom, left:right], (CROP_SIZE, CROP_SIZE), interpolation=interpolation)
    return np.asarray(resized, np.uint8)


def paste(image: Image, patch: Image, mask: Mask, transform: Affine) -> None:
    """Blend a generated crop into its frame, in place.

    Pixels of weight 0 keep their value to the bit; only the mask's box in the frame is touched.

    Args:
        image: the frame, `HWC` uint8 BGR.
        patch: the generated crop, `[320, 320, 3]` uint8 BGR.
        mask: where it replaces the frame.
        transform: frame pixels to crop pixels.
    """
    left, top, right, bottom = bounds(transform, mask.box, image.shape[1], image.shape[0])
    if left >= right or top >= bottom:  # the face has left the frame
        return
    to_crop = shifted(transform, left, top)
    size = (right - left, bottom - top)
    weight = _back(mask.generated, to_crop, size, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT).astype(np.float32) / 255
    painted = _back(patch, to_crop, size, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
    region = image[top:bottom, left:right]
    region[...] = cv2.blendLinear(painted, region, weight, 1 - weight)


def shifted(transform: Affine, left: int, top: int) -> Float32:
    """The transform from pixels of a frame's part, which begins at (left, top), to crop pixels."""
    moved = transform.copy()
    moved[:, 2] += transform[:, :2] @ np.array([left, top], np.float32)
    return moved


def _back(crop: Image, to_crop: Affine, size: tuple[int, int], interpolation: int, border: int) -> Image:
    """Warp a crop into the part of a frame whose pixels `to_crop` maps to the crop's."""
    warped = cv2.warpAffine(crop, to_crop, size, flags=interpolation | cv2.WARP_INVERSE_MAP, borderMode=border)
    return np.asarray(warped, np.uint8)
