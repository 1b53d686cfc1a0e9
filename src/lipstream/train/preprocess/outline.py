"""Points of a face over time in, the outline inside which its mouth is painted out."""

import numpy as np
from numpy.typing import NDArray

from lipstream.train.preprocess.alignment import CHIN, FOREHEAD, smoothed
from lipstream.types import Float32

UNDER_CHIN = (377, 400, CHIN, 176, 148)
"""Points of the mesh along the chin; they come first."""
AROUND = (*UNDER_CHIN, 216, 206, 2, 426, 436)
"""Those beside the mouth and under the nose too."""
ROOM = 0.05
"""Beyond them, in heights of the face: lips that round and spread move the skin beside them."""
CHIN_ROOM = 0.12
"""Below them: a mouth may open wider than in this picture."""


def outlines(points: Float32, runs: NDArray[np.int64]) -> Float32:
    """The outlines of mouth and chin.

    Args:
        points: of the face, `[n, 468, 2 or 3]` float32 in pixels of the crop.
        runs: number of the unbroken run that each picture belongs to, `[n]`.

    Returns:
        `[n, 15, 2]` float32 in the same pixels, to take the convex hull of.
    """
    down = smoothed(points[:, CHIN, :2] - points[:, FOREHEAD, :2], runs)
    around = smoothed(points[:, AROUND, :2], runs)
    outward = around - around.mean(axis=1, keepdims=True)
    reach = np.maximum(np.linalg.norm(outward, axis=2, keepdims=True), 1.0)
    wide = around + outward * (ROOM * np.linalg.norm(down, axis=1)[:, None, None] / reach)
    opened = wide[:, : len(UNDER_CHIN)] + CHIN_ROOM * down[:, None]
    return np.concatenate([wide, opened], axis=1).astype(np.float32)
