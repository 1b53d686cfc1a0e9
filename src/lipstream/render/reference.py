"""A head pose in, the closed-mouth reference crop nearest to it out."""

import cv2
import numpy as np

from lipstream.errors import AvatarError
from lipstream.types import CROP_SIZE, Float32, Image


def read_references(encoded: bytes, count: int) -> list[Image]:
    """Decode a bundle's reference crops.

    Args:
        encoded: a PNG of `count` crops of 320 x 320 pixels, stacked vertically.
        count: crops expected.

    Returns:
        The crops, `[320, 320, 3]` uint8 BGR each.

    Raises:
        AvatarError: it is not such a picture.
    """
    stack = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR) if encoded else None
    if stack is None or stack.shape != (count * CROP_SIZE, CROP_SIZE, 3):
        found = "no picture" if stack is None else f"{stack.shape[1]} x {stack.shape[0]} pixels"
        raise AvatarError(
            f"The reference picture has {found}, expected {CROP_SIZE} x {count * CROP_SIZE}; install the avatar again."
        )
    return [np.ascontiguousarray(crop, np.uint8) for crop in np.split(stack, count)]


def nearest(poses: Float32, references: Float32) -> list[int]:
    """Choose a reference for every picture, by head pose alone: the sound must not be able to choose.

    Args:
        poses: head pose of each picture, `[n, 3]` float32 degrees.
        references: head pose of each reference, `[m, 3]` float32 degrees.

    Returns:
        The index of the nearest reference (Euclidean, in degrees) for each picture.
    """
    distances = np.linalg.norm(poses[:, None] - references[None], axis=2)
    return [int(index) for index in distances.argmin(axis=1)]
