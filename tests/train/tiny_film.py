"""A film in which the tiny avatar is seen, then somebody else, then she again; and a finder that need not look."""

import struct
from pathlib import Path

import numpy as np

from lipstream.pipeline.avatar import Avatar
from lipstream.train.preprocess.alignment import ANCHORS, CHIN, FOREHEAD, HOME
from lipstream.types import Float32, Image
from lipstream.video.mp4 import open_mp4

CONTOUR = (400, 152, 176, 150, 172, 132, 234, 127, 21, 54, 109, 10, 338, 284, 251, 356, 454, 361, 397, 379)
"""Points of the mesh around the face, from the chin over the right ear."""
LOWER_FACE = {2: (160, 165), 206: (118, 175), 426: (202, 175), 216: (112, 215), 436: (208, 215)}
"""Where the tiny avatar's crop has those under the nose and beside the mouth."""
LOWER_FACE |= {148: (140, 259), 377: (180, 259)}
HERS, OTHERS = 15, 5
FRAMES = HERS + OTHERS + HERS
SEEN = [frame < HERS or frame >= HERS + OTHERS for frame in range(FRAMES)]


def other_person() -> Image:
    """Coarse noise; red in a corner, where the finder sees that it is not her."""
    image = np.kron(np.random.default_rng(3).integers(0, 255, (16, 16), np.uint8), np.ones((8, 8), np.uint8))
    coloured = np.repeat(image[..., None], 3, axis=2)
    coloured[:16, :16] = (0, 0, 255)
    return coloured


def film_of(avatar: Avatar) -> list[Image]:
    """FRAMES pictures, 128 x 128."""
    hers = [avatar.clip.image(frame % 12) for frame in range(HERS)]
    return [*hers, *[other_person()] * OTHERS, *hers]


def write_film(path: Path, images: list[Image]) -> Path:
    """Write pictures as a film, with silence beside them."""
    height, width = images[0].shape[:2]
    with open_mp4(path, width=width, height=height, sound=iter(())) as writer:
        for image in images:
            writer.write(image)
    return path


def turned(path: Path, quarters: int) -> Path:
    """Let a video's metadata ask for so many quarter turns clockwise, as those of cameras held upright do."""
    sine, cosine = [(0, 1), (1, 0), (0, -1), (-1, 0)][quarters % 4]
    matrix = struct.pack(">9i", *(65536 * one for one in (cosine, sine, 0, -sine, cosine, 0, 0, 0)), 1 << 30)
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44  # of the first track's matrix, in version 0 of its header
    data[place : place + len(matrix)] = matrix
    path.write_bytes(data)
    return path


class PlacedFinder:
    """Finds a face where the tiny avatar's lies: in every picture, or in none."""

    def __init__(self, *, none: bool = False) -> None:
        self._none = none

    def detect_all(self, image: Image, near: Float32 | None = None) -> list[Float32]:
        del image, near
        points = np.zeros((468, 3), np.float32)
        points[:, :2] = (160, 120)
        points[list(ANCHORS), :2] = HOME
        around = 2 * np.pi * (np.arange(len(CONTOUR)) - CONTOUR.index(CHIN)) / len(CONTOUR)
        points[list(CONTOUR), 0], points[list(CONTOUR), 1] = 160 - 140 * np.sin(around), 83 + 179 * np.cos(around)
        points[list(LOWER_FACE), :2] = list(LOWER_FACE.values())
        points[CHIN, :2], points[FOREHEAD, :2] = (160, 262), (160, -96)
        points[:, :2] = points[:, :2] / 4 + (24, 40)  # as tests/assets/make_tiny_avatar.py cuts her crop
        return [] if self._none else [points]
