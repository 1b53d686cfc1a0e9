"""Pictures in, how much the face model's opening of the same mouth changes with what nobody sees out."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from lipstream.evaluate.faces import FaceFinder, openings
from lipstream.types import Float32, Image
from lipstream.video.jpeg import encode_jpeg

SHIFTS_PX = ((0.5, 0.0), (0.0, 0.5), (1.0, 0.0), (0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Repeated:
    """Openings of the same mouths, as shares of the face's height; NaN where no face is found."""

    first: Float32
    """As the pictures are, `[k]` float32."""
    shifted: Float32
    """Each moved by half a pixel and by one, to the side and down, `[k, 4]` float32."""
    encoded: Float32
    """Each as a JPEG, `[k]` float32."""


def repeat(images: Iterable[Image], finder: FaceFinder) -> Repeated:
    """Measure each of some pictures, `HWC` uint8 BGR, six times."""
    some = list(images)
    shifted = [openings([_moved(image, *shift) for shift in SHIFTS_PX], finder) for image in some]
    return Repeated(openings(some, finder), np.stack(shifted), openings([_encoded(image) for image in some], finder))


def _moved(image: Image, across_px: float, down_px: float) -> Image:
    shift = np.array([[1, 0, across_px], [0, 1, down_px]], np.float32)
    moved = cv2.warpAffine(image, shift, image.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _encoded(image: Image) -> Image:
    return np.asarray(cv2.imdecode(np.frombuffer(encode_jpeg(image), np.uint8), cv2.IMREAD_COLOR), np.uint8)


def change(first: Float32, again: Float32) -> float:
    """Root mean square of the change, of `[k]` and `[k, ...]` float32; NaN where no face is found in both."""
    apart = (again.T - first).reshape(-1)
    return float(np.sqrt(np.nanmean(np.square(apart)))) if np.isfinite(apart).any() else float("nan")
