"""A picture in, the boxes and eyes of the faces in it out: the decoding of the short-range single-shot detector."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from lipstream.types import Engine, Float32, Image

INPUT_SIZE = 128
LEAST_SCORE = 0.5
CELLS = ((16, 2), (8, 6))  # feature maps: cells along a side, anchors in each cell
ANCHOR_COUNT = 896  # 16 * 16 * 2 + 8 * 8 * 6
SMALL_SHARE = 0.2
"""Of the picture's longer side: the box of a smaller face is a guess from 20 pixels, up to twice as large as it."""
CLOSER = 3.0
"""Side of the square in which a small face is looked at again, in those of its box."""
OBLONG = 1.2
"""A picture that is longer by so much has room for squares in which its faces are larger."""


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """One face, in pixels of the picture."""

    score: float
    """Confidence, 0..1."""
    box: Float32
    """Left, top, right, bottom, `[4]` float32."""
    eyes: Float32
    """Centres of the two eyes, the one on the left of the picture's upright face first, `[2, 2]` float32."""


def anchors() -> Float32:
    """Anchor centres, `[896, 2]` float32 x, y in 0..1, in the order of the network's rows."""
    maps = []
    for cells, repeats in CELLS:
        centres = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        x, y = np.meshgrid(centres, centres)
        maps.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), repeats, axis=0))
    return np.concatenate(maps)


def letterbox(image: Image) -> tuple[Float32, float, Float32]:
    """Fit a picture into the detector's square.

    Args:
        image: `HWC` uint8 BGR.

    Returns:
        The network's input `[1, 128, 128, 3]` float32 RGB in -1..1, its scale (input pixels per pixel of the picture),
        and the offset of the picture in it, `[2]` float32 x, y in input pixels.
    """
    height, width = image.shape[:2]
    scale = INPUT_SIZE / max(height, width)
    inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (INPUT_SIZE - inner_width) // 2, (INPUT_SIZE - inner_height) // 2
    square = np.zeros((INPUT_SIZE, INPUT_SIZE, 3), np.uint8)
    small = cv2.resize(image, (inner_width, inner_height), interpolation=cv2.INTER_AREA)
    square[top : top + inner_height, left : left + inner_width] = small
    tensor = square[None, :, :, ::-1].astype(np.float32) / 127.5 - 1.0
    return np.ascontiguousarray(tensor), scale, np.array([left, top], np.float32)


def decode(regressors: Float32, logits: Float32) -> tuple[Float32, Float32]:
    """Turn the network's rows into scores and points.

    Args:
        regressors: `[896, 16]` float32, offsets from the anchors in input pixels.
        logits: `[896]` float32.

    Returns:
        Scores `[k]` in 0..1 of the rows that reach LEAST_SCORE, best first, and their points `[k, 8, 2]` in input
        pixels: box centre, box size, then the six keypoints: eyes, nose, mouth, ears.
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0)))
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= LEAST_SCORE]
    points = regressors[order].reshape(-1, 8, 2).copy()
    centres = anchors()[order, None] * np.float32(INPUT_SIZE)
    points[:, :1] += centres
    points[:, 2:] += centres
    return scores[order].astype(np.float32), points


def merge(scores: Float32, points: Float32, *, overlap: float = 0.3) -> list[tuple[float, Float32]]:
    """Blend rows that overlap into one face each, weighted by score, so that boxes do not jump between anchors.

    Args:
        scores: `[k]`, best first.
        points: `[k, 8, 2]` as `decode` gives them.
        overlap: intersection over union from which two boxes are one face.

    Returns:
        (best score, blended points `[8, 2]`) of each face, best first.
    """
    faces = []
    rest = np.arange(len(scores))
    while len(rest):
        same = _overlaps(points[rest[0]], points[rest]) > overlap
        same[0] = True
        group = rest[same]
        weights = scores[group] / scores[group].sum()
        faces.append((float(scores[group[0]]), np.tensordot(weights, points[group], 1).astype(np.float32)))
        rest = rest[~same]
    return faces


def _overlaps(one: Float32, many: Float32) -> Float32:
    low = np.maximum(one[0] - one[1] / 2, many[:, 0] - many[:, 1] / 2)
    high = np.minimum(one[0] + one[1] / 2, many[:, 0] + many[:, 1] / 2)
    shared = np.prod(np.clip(high - low, 0.0, None), axis=1)
    union = np.prod(one[1]) + np.prod(many[:, 1], axis=1) - shared
    overlaps: Float32 = (shared / np.maximum(union, 1e-6)).astype(np.float32)
    return overlaps


def detect_faces(image: Image, network: Engine) -> list[DetectedFace]:
    """Find the faces in a picture, best score first.

    Args:
        image: `HWC` uint8 BGR, any size.
        network: the short-range detector, `input` -> `regressors`, `classificators`.
    """
    tensor, scale, offset = letterbox(image)
    found = network.run({"input": tensor})
    scores, points = decode(found["regressors"][0], found["classificators"].reshape(-1))
    faces = []
    for score, row in merge(scores, points):
        centre, size = (row[0] - offset) / scale, row[1] / scale
        box = np.concatenate([centre - size / 2, centre + size / 2]).astype(np.float32)
        faces.append(DetectedFace(score=score, box=box, eyes=((row[2:4] - offset) / scale).astype(np.float32)))
    return faces


def detect_small_faces(image: Image, network: Engine) -> list[DetectedFace]:
    """Find the faces in a picture, small ones too, best score first.

    Where the whole picture shows none, squares of it are searched until one does; small faces get their boxes from a
    closer look.

    Args:
        image: `HWC` uint8 BGR, any size.
        network: as `detect_faces` takes it.
    """
    longer = max(image.shape[:2])
    faces = detect_faces(image, network)
    if not faces:
        parts = (_detect_within(image, *square, network) for square in _squares(image))
        faces = next((found for found in parts if found), [])
    return [_closer(image, face, network) if _side(face) < SMALL_SHARE * longer else face for face in faces]


def _squares(image: Image) -> Iterator[tuple[int, int, int]]:
    """Left, top and side of three squares, along the longer side of an oblong picture."""
    height, width = image.shape[:2]
    longer, shorter = max(height, width), min(height, width)
    if longer >= OBLONG * shorter:
        for begin in (0, (longer - shorter) // 2, longer - shorter):
            yield (begin, 0, shorter) if width > height else (0, begin, shorter)


def _closer(image: Image, face: DetectedFace, network: Engine) -> DetectedFace:
    """The same face, from a look at it alone; as it was where that shows none in its place."""
    centre = _centre(face)
    side = max(1, round(CLOSER * _side(face)))
    last = (image.shape[1] - 1, image.shape[0] - 1)
    left, top = np.clip(np.rint(centre - side / 2), 0, last).astype(int).tolist()
    found = _detect_within(image, left, top, side, network)
    same = [one for one in found if (face.box[:2] <= _centre(one)).all() and (_centre(one) <= face.box[2:]).all()]
    return min(same, key=lambda one: float(np.linalg.norm(_centre(one) - centre)), default=face)


def _detect_within(image: Image, left: int, top: int, side: int, network: Engine) -> list[DetectedFace]:
    part = np.ascontiguousarray(image[top : top + side, left : left + side])
    corner = np.array([left, top], np.float32)
    return [
        DetectedFace(face.score, face.box + np.tile(corner, 2), face.eyes + corner)
        for face in detect_faces(part, network)
    ]


def _side(face: DetectedFace) -> float:
    return float((face.box[2:] - face.box[:2]).max())


def _centre(face: DetectedFace) -> Float32:
    centre: Float32 = face.box.reshape(2, 2).mean(axis=0)
    return centre
