"""Pictures in, how the lips in them lie and move, by a face model that never saw our training, out."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lipstream.evaluate.faces import FaceFinder
from lipstream.types import Float32, Image
from lipstream.video.lips import face_height_px, opening, protrusion, width

OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
OUTLINE = OUTER + INNER
"""The points of the lips, round their outer and their inner edge."""


@dataclass(frozen=True, slots=True)
class LipCurves:
    """Lips over time, as shares of the face's height; NaN where no face is found."""

    opening: Float32
    """Distance of the inner lips, `[n]` float32."""
    width: Float32
    """Distance of the corners, `[n]` float32."""
    protrusion: Float32
    """How far the lips stand out, by the model's guess of depth, `[n]` float32."""
    outline: Float32
    """Where the points of the lips lie in the picture, `[n, 40, 2]` float32."""


def measure_lips(images: Iterable[Image], finder: FaceFinder) -> LipCurves:
    """Measure the lips in every picture, `HWC` uint8 BGR each."""
    found = [finder.detect(image) for image in images]
    points = np.stack([np.full((468, 3), np.nan, np.float32) if one is None else one for one in found])
    # One height for all: the jaw moves the chin, and an outline scaled by it would move where the lips lie still.
    seen = [float(face_height_px(one)) for one in found if one is not None]
    height_px = np.float32(np.median(seen) if seen else 1.0)
    return LipCurves(
        opening(points), width(points), protrusion(points), (points[:, OUTLINE, :2] / height_px).astype(np.float32)
    )
