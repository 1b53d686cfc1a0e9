"""A crop in, the same crop with what the generator will paint taken out."""

from dataclasses import dataclass

import cv2
import numpy as np

from lipstream.errors import AvatarError
from lipstream.types import CROP_SIZE, Image, UInt8

MARGIN_PIXELS = 12
"""How far around the painted pixels a crop is hidden. In the mask's feather jaw and cheeks still tell how far the
driving mouth is open: a linear probe reads it there with R2 0.9, from 10 pixels on no longer (docs/adr/0006)."""


@dataclass(frozen=True, slots=True)
class Mask:
    """Where the generator's picture replaces the crop, the same for every picture of an avatar."""

    generated: UInt8
    """Weight of the generated picture, `[320, 320]` uint8, 255 where it replaces the crop entirely."""
    visible: Image
    """255 where the generator sees the crop, 0 elsewhere, on three channels, `[320, 320, 3]` uint8."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom (half-open) of the non-zero weights, in crop pixels."""


def read_mask(encoded: bytes) -> Mask:
    """Decode a bundle's mask.

    Args:
        encoded: a grey PNG of 320 x 320 pixels, 255 where the picture is generated.

    Raises:
        AvatarError: it is not such a picture, or empty.
    """
    decoded = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE) if encoded else None
    if decoded is None or decoded.shape != (CROP_SIZE, CROP_SIZE):
        raise AvatarError("The mask is not a grey picture of 320 x 320 pixels; install the avatar again.")
    return mask_of(decoded.astype(np.uint8))


def mask_of(generated: UInt8) -> Mask:
    """Make a mask of its weights, `[320, 320]` uint8.

    Raises:
        AvatarError: every weight is zero.
    """
    left, top, width, height = cv2.boundingRect(generated)
    if width == 0:
        raise AvatarError("The mask is empty: it would hide the generator's work; install the avatar again.")
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * MARGIN_PIXELS + 1, 2 * MARGIN_PIXELS + 1))
    hidden = cv2.dilate((generated > 0).astype(np.uint8), reach)
    visible = np.repeat(np.where(hidden, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    return Mask(generated, visible, (left, top, left + width, top + height))


def hide(crop: Image, mask: Mask) -> Image:
    """Blacken what the generator will paint, and `MARGIN_PIXELS` around it.

    Args:
        crop: `[320, 320, 3]` uint8 BGR.
        mask: the avatar's mask.

    Returns:
        The masked crop, `[320, 320, 3]` uint8 BGR.
    """
    return np.asarray(cv2.bitwise_and(crop, mask.visible), np.uint8)
