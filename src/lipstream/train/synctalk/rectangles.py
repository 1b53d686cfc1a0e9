"""A dataset's landmarks, or the rectangles of a package, in; where SyncTalk_2D cuts each picture out."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lipstream.avatar.rectangles import Rectangles
from lipstream.errors import InputError
from lipstream.train.synctalk.pictures import numbered

LEFT, TOP, RIGHT = 1, 52, 31
"""Landmarks of which the first gives the left edge, the second the top, the third the right."""
MAX_JSON_BYTES = 64 << 20
_LANDMARKS = re.compile(r"([0-9]{1,9})\.lms")
_T = TypeVar("_T")
_BOUNDS = re.compile(r"([0-9]{1,9})\.npy")


def read_squares(folder: Path) -> Rectangles:
    """Find where the pictures of a dataset are cut.

    Args:
        folder: of the dataset; its landmarks count before the rectangles of a package.

    Returns:
        `[N, 4]` int32: left, top, right, bottom (half-open) in pixels, as the dataset says, within its pictures or not.

    Raises:
        InputError: there are none, or they cannot be read.
    """
    for read in (_of_landmarks, _of_json, _of_bounds):
        found = read(folder)
        if found:
            return np.array(found, np.int64).clip(-(1 << 30), 1 << 30).astype(np.int32)
    raise InputError(
        f"{folder} does not say where the face is: expected landmarks/0.lms, 1.lms, ... or the crop rectangles of a "
        "package (cache/crop_rectangles.json, crop_rects.json, face_bounds/0.npy, ...)."
    )


def within(rectangles: Rectangles, width: int, height: int) -> Rectangles:
    """Cut rectangles off at the right and lower edge of their pictures, as slicing an array does.

    Args:
        rectangles: from `read_squares`.
        width: of the pictures in pixels.
        height: of the pictures in pixels.

    Raises:
        InputError: one begins outside its picture, or is empty: SyncTalk_2D fails there too.
    """
    inside = np.minimum(rectangles, np.array([width, height, width, height], np.int32))
    good = (inside[:, :2] >= 0).all(axis=1) & (inside[:, 2:] > inside[:, :2]).all(axis=1)
    if not good.all():
        wrong = int(np.argmin(good))
        raise InputError(
            f"Picture {wrong} is cut at {rectangles[wrong].tolist()} (left, top, right, bottom), outside its "
            f"{width} x {height} pixels; the landmarks are wrong there: leave out that part of the dataset."
        )
    return inside


def square(landmarks: NDArray[np.int64]) -> list[int]:
    """The rectangle of a picture's landmarks, `[110, 2]` int64: left, top, right, bottom."""
    left, top, right = landmarks[LEFT, 0], landmarks[TOP, 1], landmarks[RIGHT, 0]
    return [int(left), int(top), int(right), int(top + right - left)]


def _of_landmarks(folder: Path) -> list[list[int]]:
    def read(path: Path) -> list[int]:
        points = np.loadtxt(path, np.float64, ndmin=2)
        if points.ndim != 2 or points.shape[0] <= TOP or points.shape[1] != 2 or not np.isfinite(points).all():
            raise ValueError(f"landmarks of shape {list(points.shape)}")
        return square(points.astype(np.int64))

    return [_read(path, read, "110 lines of x and y") for path in numbered(folder / "landmarks", _LANDMARKS)]


def _of_json(folder: Path) -> list[list[int]]:
    names = ("cache/crop_rectangles.json", "crop_rectangles.json", "crop_rects.json", "cache/crop_rects.json")
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    return [] if path is None else _read(path, _rectangles, "a list of [left, top, right, bottom], or of `rect`s")


def _rectangles(path: Path) -> list[list[int]]:
    if path.stat().st_size > MAX_JSON_BYTES:
        raise ValueError(f"{path.stat().st_size} bytes")
    said = json.loads(path.read_bytes())
    entries = [said[str(number)]["rect"] for number in range(len(said))] if isinstance(said, dict) else list(said)
    return [_four(entry) for entry in entries]


def _of_bounds(folder: Path) -> list[list[int]]:
    def read(path: Path) -> list[int]:
        return _four(np.load(path, allow_pickle=False).ravel()[:4])

    return [_read(path, read, "xmin, ymin, xmax, ymax, width") for path in numbered(folder / "face_bounds", _BOUNDS)]


def _four(values: object) -> list[int]:
    left, top, right, bottom = (int(value) for value in values)  # type: ignore[attr-defined]  # checked by failing
    return [left, top, right, bottom]


def _read(path: Path, read: Callable[[Path], _T], expected: str) -> _T:
    try:
        return read(path)
    except (OSError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({error}); expected {expected}.") from error
