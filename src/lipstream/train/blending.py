"""A picture with new lips and the same one before in, the two joined out: new inside the face and only there.

The mask of an avatar covers the lower face in all of its poses, and so, beside the jaw, some of what is behind. A film
shows that itself.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from lipstream.render.crop import Box
from lipstream.train.preprocess.alignment import CHIN, FOREHEAD, smoothed
from lipstream.types import Float32, Image

JAW = (379, 400, 152, 176, 150)
"""Points of the mesh along the chin."""
CONTOUR = (*JAW, 172, 132, 234, 127, 21, 54, 109, 10, 338, 284, 251, 356, 454, 361, 397)
"""Those around the whole face, from the chin over the right ear, the forehead and the left ear."""
ROOM = 0.02
"""Beside the contour that is found, in heights of the face: new lips move the cheeks."""
CHIN_ROOM = 0.12
"""Below it: they may open wider than those of the film."""
SOFT = 0.015
"""Standard deviation of the edge's softness, in heights of the face."""
FRACTION_BITS = 4


def outlines(points: Float32, runs: NDArray[np.int64]) -> Float32:
    """The outline inside which new lips may show.

    Args:
        points: of the face, `[n, 468, 3]` float32 in pixels of the picture.
        runs: number of the unbroken run that each picture belongs to, `[n]`.

    Returns:
        `[n, 25, 2]` float32, to take the convex hull of.
    """
    contour = smoothed(points[:, CONTOUR, :2], runs)
    height = contour[:, CONTOUR.index(CHIN)] - contour[:, CONTOUR.index(FOREHEAD)]
    centre = contour.mean(axis=1, keepdims=True)
    reach = np.maximum(np.linalg.norm(contour - centre, axis=2, keepdims=True), 1.0)
    wide = contour + (contour - centre) * (ROOM * np.linalg.norm(height, axis=1)[:, None, None] / reach)
    opened = wide[:, : len(JAW)] + CHIN_ROOM * height[:, None]
    return np.concatenate([wide, opened], axis=1).astype(np.float32)


def blend(image: Image, before: Image, box: Box, outline: Float32, share: float) -> None:
    """Take a picture back to what it was wherever no new lips shall show, in place.

    Args:
        image: with new lips, `HWC` uint8 BGR.
        before: the box of it as it was.
        box: that holds all that is new.
        outline: from `outlines`, `[25, 2]`.
        share: how much of the new lips shows inside, 0..1.
    """
    left, top, right, bottom = box
    if left >= right or top >= bottom:  # the face has left the picture
        return
    corners = (cv2.convexHull(outline) - np.array([left, top], np.float32)) * 2**FRACTION_BITS
    height = float(np.ptp(outline[:, 1]))
    weight = np.zeros(before.shape[:2], np.float32)
    cv2.fillConvexPoly(weight, np.rint(corners).astype(np.int32), share, shift=FRACTION_BITS)
    weight = np.asarray(cv2.GaussianBlur(weight, (0, 0), max(SOFT * height, 0.5)), np.float32)
    part = image[top:bottom, left:right]
    part[...] = cv2.blendLinear(part, before, weight, 1 - weight)
