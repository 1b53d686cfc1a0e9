"""Points of a face that a test moves, and a finder that knows them without looking."""

import numpy as np

from lipstream.train.preprocess.alignment import ANCHORS, CHIN, FOREHEAD, HOME
from lipstream.types import Float32, Image
from lipstream.video.lips import INNER_LIPS, MOUTH_CORNERS, OUTER_LIPS

JAW = {136: (47, 231), 365: (273, 234), 150: (68, 253), 379: (252, 255), 149: (86, 268), 378: (233, 270)}
JAW |= {176: (106, 282), 400: (214, 283), 148: (129, 291), 377: (190, 292)}
CHEEKS = {164: (159, 152), 165: (112, 155), 391: (206, 157), 206: (83, 143), 426: (236, 146)}
CHEEKS |= {216: (72, 162), 436: (248, 165), 214: (50, 191), 434: (270, 194)}


def face(gap: float = 0.0, *, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> Float32:
    """A face whose lips are `gap` pixels apart, `[468, 3]` float32; at scale 1 where the built-in avatar's lies."""
    points = np.zeros((468, 3), np.float32)
    points[:, :2] = (160, 120)
    points[list(ANCHORS), :2] = HOME
    points[CHIN, :2], points[FOREHEAD, :2] = (160, 262 + gap), (160, -96)
    for upper, lower in INNER_LIPS:
        points[upper, :2], points[lower, :2] = (160, 190), (160, 190 + gap)
    points[list(OUTER_LIPS), :2] = (160, 180), (160, 205 + gap)
    points[list(MOUTH_CORNERS), :2] = (97, 190), (221, 190)
    for number, place in (JAW | CHEEKS).items():
        points[number, :2] = place
    points[:, :2] = points[:, :2] * scale + shift
    return points


def talk(frames: int, *, period: int = 12, most: float = 16.0) -> Float32:
    """A gap that opens and closes, `[frames]` float32 in pixels."""
    return np.asarray(most * np.sin(np.pi * np.arange(frames) / period) ** 2, np.float32)


class KnowingFinder:
    """Answers each picture in turn with the faces that a test has listed."""

    def __init__(self, faces: list[list[Float32]]) -> None:
        self._faces = iter(faces)

    def detect_all(self, image: Image, near: Float32 | None = None) -> list[Float32]:
        del image, near
        return next(self._faces)
