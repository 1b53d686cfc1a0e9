"""A film in, where one person's face lies in each of its pictures, and the pictures themselves, out."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lipstream.audio.read import CONTAINERS
from lipstream.errors import InputError
from lipstream.train.preprocess.alignment import ANCHORS, crop_transforms, in_crop, poses
from lipstream.train.preprocess.following import (
    JUMP,
    LOST_FRAMES,
    SAME_LOOK,
    FaceFinder,
    Person,
    follow,
    likeness,
    looks_of,
    runs_of,
    sightings,
)
from lipstream.train.preprocess.outline import outlines
from lipstream.train.preprocess.recording import MOST_FRAMES, steady_pictures
from lipstream.types import FRAME_RATE_HZ, Float32, Image
from lipstream.video.lips import face_height_px

BROKEN_OFF_FRAMES = FRAME_RATE_HZ
"""A film that is so much shorter than its header says is damaged, not rounded."""
FADE_FRAMES = 4
"""Over which new lips come and go where the person is found or lost in the middle of a shot."""
SMALL = (32, 32)
"""Width and height of the small pictures that tell a cut."""
CUT_LEVELS = 12.0
"""By which two of them differ on average, of 255, at a cut; somebody who talks makes 4 at most, who dances 10."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Scene:
    """A film of F pictures at 25 a second, and the n of them in which the person is seen."""

    frames: int
    """F."""
    height: int
    """Of the pictures, in pixels, even."""
    width: int
    """Of the pictures, in pixels, even."""
    rows: NDArray[np.int64]
    """Row of each picture in the two arrays below, `[F]`; -1 where the person is not seen."""
    transforms: Float32
    """Picture to crop, `[n, 2, 3]` float32."""
    poses: Float32
    """Of the head, `[n, 3]` float32 degrees."""
    outlines: Float32
    """Inside which lips are new, `[n, 15, 2]` float32 in pixels of the crop, from `preprocess.outline.outlines`."""
    cuts: NDArray[np.bool_]
    """Whether the film is cut before each picture, `[F]`."""
    familiar: bool
    """Whether the person looks like the avatar."""


def watch_film(path: Path, finder: FaceFinder, looks: Float32, scale: float, seen: Callable[[int, int], None]) -> Scene:
    """Follow a person through a film: who looks like the avatar, else who is seen largest and longest.

    Args:
        path: any video, of half an hour at most.
        finder: finds the faces.
        looks: some of the avatar, `[k, 1728]` float32, from `following.look_of`; perhaps none.
        scale: how the avatar frames a face; see `alignment.framing_scale`.
        seen: told the number of pictures looked at, and of how many about.

    Raises:
        MediaError: it is no video.
        InputError: it is longer, or shows no face.
    """
    expected = expected_frames(path)
    if expected > MOST_FRAMES:
        raise InputError(_too_long(path))
    cuts: list[bool] = []
    images = _noting_cuts(film_pictures(path), cuts)
    tracks, frames, size = sightings(images, finder, lambda done: seen(done, max(done, expected)))
    if frames >= MOST_FRAMES:
        raise InputError(_too_long(path))
    if frames < expected - BROKEN_OFF_FRAMES:
        fields = {"path": str(path), "pictures": frames, "expected": expected}
        _LOG.warning("damaged film: went on with the pictures that could be decoded", extra=fields)
    alike = [track for track in tracks if len(looks) and likeness(looks, looks_of(track)) >= SAME_LOOK]
    person = follow(tracks, alike)
    if not len(person.frames):
        raise InputError(f"No face was found in {path}; expected a film that shows the person who shall speak.")
    return _scene(bridged(person), np.array(cuts), size, scale, familiar=bool(alike))


def film_pictures(path: Path) -> Iterator[Image]:
    """The pictures of a film at 25 a second, `HWC` uint8 BGR with even sides, each the taker's own to paint on.

    The one before stands where there is none.

    Raises:
        MediaError: it is no video, or not one picture of it can be decoded.
    """
    last: Image | None = None
    for image in steady_pictures(path):
        last = image if image is not None else last
        if last is not None:
            height, width = last.shape[:2]
            yield np.array(last[: height // 2 * 2, : width // 2 * 2], order="C")


def lasting(images: Iterable[Image], frames: int) -> Iterator[Image]:
    """So many pictures: the last is held where there are fewer."""
    last: Image | None = None
    done = 0
    for image in islice(images, frames):
        last, done = image.copy(), done + 1  # whoever takes it paints on it
        yield image
    while last is not None and done < frames:
        done += 1
        yield last.copy()


def fading(seen: NDArray[np.bool_], cuts: NDArray[np.bool_]) -> Float32:
    """How much of its new lips each picture shows, so that none appear or vanish in the middle of a shot.

    Args:
        seen: where the person is seen, `[F]`.
        cuts: where the film is cut before a picture, `[F]`.

    Returns:
        `[F]` float32: 1 where the person is seen, less within FADE_FRAMES of where they are found or lost, up to a cut.
    """
    shares = np.where(seen, np.float32(1), np.float32(0))
    changes = np.flatnonzero(np.diff(seen) & ~cuts[1:]) + 1
    for change in changes:
        for away in range(FADE_FRAMES):
            frame = change + away if seen[change] else change - 1 - away
            entered = frame if seen[change] else frame + 1
            if not (0 <= frame < len(seen) and seen[frame]) or cuts[entered]:
                break
            shares[frame] = min(shares[frame], (away + 1) / (FADE_FRAMES + 1))
    return shares


def expected_frames(path: Path) -> int:
    """Pictures at 25 a second that a video has by its header; 0 where it does not say, or cannot be opened."""
    try:
        options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
        with av.open(str(path.resolve()), options=options, metadata_errors="ignore") as container:
            stream = container.streams.video[0]
            if stream.duration is not None and stream.time_base is not None:
                return max(0, round(float(stream.duration * stream.time_base) * FRAME_RATE_HZ))
            return max(0, round((container.duration or 0) / av.time_base * FRAME_RATE_HZ))
    except (av.FFmpegError, OSError, IndexError):
        return 0  # decoding it says why


def bridged(person: Person) -> Person:
    """Put a face where it was overlooked for a few pictures, between those around them.

    Not where it moves away meanwhile: there the film was cut, or somebody else is shown.
    """
    frames, points = person.frames, person.points
    every = np.arange(frames[0], frames[-1] + 1)
    before = np.searchsorted(frames, every, side="right") - 1
    after = np.minimum(before + 1, len(frames) - 1)
    gap = np.maximum(frames[after] - frames[before], 1)
    moved = np.linalg.norm(points[after][:, ANCHORS, :2] - points[before][:, ANCHORS, :2], axis=2).mean(axis=1)
    calm = (gap <= LOST_FRAMES) & (moved <= JUMP * gap * face_height_px(points[before]))
    share = ((every - frames[before]) / gap).astype(np.float32)[:, None, None]
    kept = calm | (every == frames[before])
    filled = ((1 - share) * points[before] + share * points[after])[kept].astype(np.float32)
    return Person(every[kept], filled, runs_of(every[kept], filled))


def _noting_cuts(images: Iterable[Image], cuts: list[bool]) -> Iterator[Image]:
    """The same pictures; of each it is noted whether the film is cut before it."""
    before: Float32 | None = None
    for image in images:
        small = cv2.resize(image, SMALL, interpolation=cv2.INTER_AREA).astype(np.float32)
        cuts.append(before is not None and float(np.abs(small - before).mean()) > CUT_LEVELS)
        before = small
        yield image


def _scene(person: Person, cuts: NDArray[np.bool_], size: tuple[int, int], scale: float, *, familiar: bool) -> Scene:
    rows = np.full(len(cuts), -1)
    rows[person.frames] = np.arange(len(person.frames))
    transforms = crop_transforms(person.points, person.runs, scale)
    return Scene(
        len(cuts),
        *size,
        rows=rows,
        transforms=transforms,
        poses=poses(person.points, person.runs),
        outlines=outlines(in_crop(person.points, transforms), person.runs),
        cuts=cuts,
        familiar=familiar,
    )


def _too_long(path: Path) -> str:
    minutes = MOST_FRAMES // FRAME_RATE_HZ // 60
    return f"{path} is longer than {minutes} minutes; cut it into shorter pieces and dub each."
