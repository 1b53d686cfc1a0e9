"""The faces of every picture in, those of one person out, through cuts and past others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lipstream.errors import MediaError
from lipstream.train.preprocess.alignment import ANCHORS, HOME, similarities
from lipstream.types import Float32, Image
from lipstream.video.lips import face_height_px

LOOK_SIZE = (48, 36)
"""Width and height of the small picture of eyes and nose by which a person is known again."""
LOOK_SCALE = 0.17
LOOK_SHIFT = (-3.2, 6.0)
SHADE_PIXELS, CONTRAST_PIXELS = 4.0, 6.0
"""Standard deviations of the bells that take light and shade out, and bring all parts to one contrast: without, two men
under the same lamps were as alike (0.84) as one woman who opens and shuts her eyes; with, 0.70."""
STEP = 0.6
"""How far a face moves from one picture to the next at most, in its heights; farther is another one, or a cut."""
LOST_FRAMES = 5
"""A face that was not found for so long is a new track."""
SAME_LOOK = 0.72
"""Correlation of two looks from which they are taken for one person's; of different people it was at most 0.70."""
MOST_LOOKS = 40
"""Of a track, that others are compared with."""
JUMP, JUMP_TIMES = 0.015, 6.0
"""A run ends where the anchors move more than this share of the face's height, and so many times as far as usual."""


class FaceFinder(Protocol):
    """What finds faces; `video.landmarks.FaceLandmarker` is one."""

    def detect_all(self, image: Image, near: Float32 | None = None) -> list[Float32]:
        """The 468 points of every face, `[468, 3]` float32 in pixels; `near` is one of the picture before."""
        ...


@dataclass(frozen=True, eq=False)
class Sighting:
    """One face in one picture."""

    frame: int
    """Number of the picture."""
    points: Float32
    """`[468, 3]` float32 in its pixels."""
    look: Float32
    """Eyes and nose, `[1728]` float32 of mean 0 and length 1."""


@dataclass(frozen=True, eq=False)
class Person:
    """The pictures in which one person is seen, n of them."""

    frames: NDArray[np.int64]
    """Their numbers, `[n]`, rising."""
    points: Float32
    """The person's points in each, `[n, 468, 3]` float32."""
    runs: NDArray[np.int64]
    """Number of the unbroken run that each belongs to, `[n]`: a cut or a gap ends one."""


def sightings(
    images: Iterable[Image | None], finder: FaceFinder, seen: Callable[[int], None] = lambda _: None
) -> tuple[list[list[Sighting]], int, tuple[int, int]]:
    """Find the faces of every picture and sort them into tracks, of one face each that never jumps.

    Args:
        images: `HWC` uint8 BGR in order; None for a hole.
        finder: finds the faces.
        seen: told the number of pictures after each.

    Returns:
        The tracks, the number of pictures, and their height and width in pixels.

    Raises:
        MediaError: the pictures change their size.
    """
    tracks: list[list[Sighting]] = []
    frame, size, near = -1, (0, 0), None
    for frame, image in enumerate(images):
        if image is not None:
            if size not in ((0, 0), image.shape[:2]):
                raise MediaError(f"The pictures change their size from {size} to {image.shape[:2]}; convert the video.")
            size = (image.shape[0], image.shape[1])
            faces = finder.detect_all(image, near)
            near = faces[0] if faces else None
            for points in faces:
                _join(tracks, Sighting(frame, points, look_of(image, points)))
        seen(frame + 1)
    return tracks, frame + 1, size


def look_of(image: Image, points: Float32) -> Float32:
    """Eyes and nose, brought to one size and light, `[1728]` float32 of mean 0 and length 1."""
    home = (LOOK_SCALE * HOME + LOOK_SHIFT).astype(np.float32)
    to_look = similarities(points[None, ANCHORS, :2], home)[0]
    small = cv2.warpAffine(image, to_look, LOOK_SIZE, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    grey -= cv2.GaussianBlur(grey, (0, 0), SHADE_PIXELS)
    grey /= np.sqrt(cv2.GaussianBlur(grey * grey, (0, 0), CONTRAST_PIXELS)) + 2  # two levels are noise
    grey -= grey.mean()
    return np.asarray(grey.ravel() / max(float(np.linalg.norm(grey)), 1e-6), np.float32)


def follow(tracks: list[list[Sighting]], among: list[list[Sighting]] | None = None) -> Person:
    """Keep the tracks of the person who is seen largest and longest.

    A track is the person's where one of its looks is like one of a track that is: the same pose comes back.

    Args:
        tracks: from `sightings`.
        among: those of which one is surely the person's; None: all.

    Returns:
        The person; no pictures where nobody is seen.
    """
    if not tracks:
        return Person(np.zeros(0, np.int64), np.zeros((0, 468, 3), np.float32), np.zeros(0, np.int64))
    best: dict[int, tuple[float, Sighting]] = {}
    for alike, track in _same_person(max(among or tracks, key=_weight), tracks):
        for one in track:
            if one.frame not in best or alike > best[one.frame][0]:
                best[one.frame] = alike, one
    kept = [best[frame][1] for frame in sorted(best)]
    frames = np.array([one.frame for one in kept])
    points = np.stack([one.points for one in kept])
    return Person(frames, points, runs_of(frames, points))


def looks_of(track: list[Sighting]) -> Float32:
    """Some looks of a track, `[k, 1728]` float32."""
    chosen = np.linspace(0, len(track) - 1, min(len(track), MOST_LOOKS)).astype(int)
    return np.stack([track[i].look for i in chosen])


def likeness(some: Float32, others: Float32) -> float:
    """Correlation of the two looks, one of `[k, 1728]` and one of `[m, 1728]`, that are most alike."""
    return float((some @ others.T).max())


def runs_of(frames: NDArray[np.int64], points: Float32) -> NDArray[np.int64]:
    """Number the unbroken runs: `[n]`, from frame numbers `[n]` and points `[n, 468, 3]`."""
    moved = np.linalg.norm(np.diff(points[:, ANCHORS, :2], axis=0), axis=2).mean(axis=1)
    share = moved / np.maximum(face_height_px(points[1:]), 1.0)
    usual = float(np.median(share)) if len(share) else 0.0
    broken = (np.diff(frames) > 1) | (share > max(JUMP, JUMP_TIMES * usual))
    return np.concatenate([[0], np.cumsum(broken)]).astype(np.int64)


def _join(tracks: list[list[Sighting]], one: Sighting) -> None:
    """Append a face to the track that it goes on, or begin one."""
    for track in reversed(tracks):
        last = track[-1]
        if 0 < one.frame - last.frame <= LOST_FRAMES and _goes_on(last, one):
            track.append(one)
            return
    tracks.append([one])


def _goes_on(last: Sighting, one: Sighting) -> bool:
    heights = face_height_px(np.stack([last.points, one.points]))
    moved = float(np.linalg.norm(one.points[:, :2].mean(axis=0) - last.points[:, :2].mean(axis=0)))
    near = moved < STEP * float(heights.max()) and 0.7 < float(heights[1] / max(heights[0], 1.0)) < 1.4
    return near and float(last.look @ one.look) > SAME_LOOK


def _weight(track: list[Sighting]) -> float:
    return float(face_height_px(np.stack([one.points for one in track])).sum())


def _same_person(main: list[Sighting], tracks: list[list[Sighting]]) -> list[tuple[float, list[Sighting]]]:
    """The tracks of one person, with how like they are to the track by which they were found."""
    found = [(1.0, main)]
    rest = [(looks_of(track), track) for track in tracks if track is not main]
    for _, known in found:  # grows meanwhile
        looks = looks_of(known)
        compared = [(likeness(looks, others), others, track) for others, track in rest]
        found += [(alike, track) for alike, _, track in compared if alike >= SAME_LOOK]
        rest = [(others, track) for alike, others, track in compared if alike < SAME_LOOK]
    return found
