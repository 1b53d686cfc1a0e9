"""A face finder that reads the mouth of the tiny avatar's drawn face."""

import numpy as np

from lipstream.types import Float32, Image
from lipstream.video.lips import INNER_LIPS

MOUTH_ROWS = slice(80, 110)
MOUTH_COLUMNS = slice(58, 71)


class DrawnFaceFinder:
    """Counts the dark rows of the tiny avatar's mouth; a picture that is black all over has no face."""

    def detect(self, image: Image) -> Float32 | None:
        """Points whose inner lips are as far apart as the mouth is dark, on a face 100 px high."""
        if image.max() == 0:
            return None
        red = image[MOUTH_ROWS, MOUTH_COLUMNS, 2].astype(np.float32)
        dark_rows = np.clip((150.0 - red) / 100.0, 0.0, 1.0).sum(axis=0).mean()
        points = np.zeros((468, 3), np.float32)
        points[10, 1], points[152, 1] = -50, 50
        for _, lower in INNER_LIPS:
            points[lower, 1] = dark_rows
        return points


def no_progress(group: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
    assert 0 <= done <= total, group
