"""BGR pictures in, JPEG bytes or a folder of numbered JPEG files out."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from lipstream.errors import InputError, OutputExistsError
from lipstream.types import Image
from lipstream.video.provenance import mark_jpeg
from lipstream.video.staging import check_folder, publish, writing_to

QUALITY = 95
_NUMBER = re.compile(r"%(?:0(\d+))?d")


def encode_jpeg(image: Image, *, quality: int = QUALITY, avatar: str | None = "") -> bytes:
    """Compress one picture, marked as generated.

    Args:
        image: `HWC` uint8 BGR.
        quality: 1 to 100.
        avatar: the name of who is shown, for the mark; None for a picture as filmed, which is not marked.

    Returns:
        A baseline JPEG.
    """
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    jpeg = encoded.tobytes()
    return jpeg if avatar is None else mark_jpeg(jpeg, avatar)


def decode_jpeg(data: bytes) -> Image:
    """Decompress one picture, to `HWC` uint8 BGR.

    Raises:
        InputError: it is no picture.
    """
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise InputError(f"{len(data):,} bytes are no JPEG; expected a whole one.")
    return np.asarray(image, np.uint8)


@contextmanager
def open_jpegs(pattern: Path, *, avatar: str = "", overwrite: bool = False) -> Iterator["JpegWriter"]:
    """Lend a writer whose files take their names on a clean exit; on any other nothing is left.

    Args:
        pattern: a path whose last part holds one `%d` or `%06d`; its folder is made if its parent exists.
        avatar: the name of who is shown, for the mark in every file.
        overwrite: whether files of that pattern may be replaced; those of higher numbers, from a longer run, go too.

    Yields:
        The writer, which takes the pictures in order; the first is number 0.

    Raises:
        InputError: the pattern's name has no place for a number, or more than one.
        OutputExistsError: a file of that pattern exists and `overwrite` is false.
        OutputError: the folder cannot be written, now or at any later picture.
    """
    matcher = check_pattern(pattern)
    folder = pattern.parent
    staging = folder / f".lipstream.{secrets.token_hex(4)}.part"
    with writing_to(folder):
        made = not folder.exists()
        if made:
            folder.mkdir()
    try:
        with writing_to(pattern):
            if not overwrite:
                _refuse_existing(folder, matcher)
            staging.mkdir()
        writer = JpegWriter(staging, pattern, avatar)
        yield writer
        writer.publish(overwrite=overwrite)
        if overwrite:
            with writing_to(pattern):
                writer.remove_others(matcher)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if made and not any(folder.iterdir()):
            folder.rmdir()


def check_pattern(pattern: Path) -> re.Pattern[str]:
    """Check that a pattern has one place for the frame's number.

    Args:
        pattern: a path such as `frames/%06d.jpg`.

    Returns:
        A regular expression for the names that it gives; its group is the number.

    Raises:
        InputError: the pattern's name has no such place, or more than one.
    """
    places = list(_NUMBER.finditer(pattern.name))
    if len(places) != 1 or pattern.name.count("%") != 1:
        raise InputError(f"{pattern.name} needs one place for the frame's number, such as %06d.jpg.")
    start, end = places[0].span()
    return re.compile(re.escape(pattern.name[:start]) + r"([0-9]+)" + re.escape(pattern.name[end:]))


def check_jpegs(pattern: Path, *, overwrite: bool) -> None:
    """Check, before any work, that pictures can be written.

    Raises:
        InputError: the pattern's name has no place for a number, or more than one.
        OutputExistsError: a file of that pattern exists and `overwrite` is false.
        OutputError: the folder is a file, may not be written, or cannot be made.
    """
    matcher = check_pattern(pattern)
    check_folder(pattern.parent)
    if pattern.parent.is_dir() and not overwrite:
        with writing_to(pattern):
            _refuse_existing(pattern.parent, matcher)


class JpegWriter:
    """Writes pictures as numbered files; `open_jpegs` gives it its folder."""

    def __init__(self, folder: Path, pattern: Path, avatar: str = "") -> None:
        self._folder = folder
        self._pattern = pattern
        self._avatar = avatar
        self._pictures = 0

    def write(self, image: Image) -> None:
        """Append one picture, `HWC` uint8 BGR.

        Raises:
            OutputError: the file cannot be written.
        """
        path = self._path(self._pictures)
        with writing_to(path):
            (self._folder / path.name).write_bytes(encode_jpeg(image, avatar=self._avatar))
        self._pictures += 1

    def publish(self, *, overwrite: bool) -> None:
        """Give every picture its name; on a failure or an interruption those named before are taken back.

        A picture that has replaced a file stays: what it replaced is gone, and nothing in its place would be worse.

        Raises:
            OutputError: a file cannot be written, or exists and `overwrite` is false.
        """
        paths = [self._path(index) for index in range(self._pictures)]
        new = [path for path in paths if not os.path.lexists(path)]
        try:
            for path in paths:
                with writing_to(path):
                    publish(self._folder / path.name, path, overwrite=overwrite)
        except BaseException:
            for path in new:
                # Asked of the disk, as an interruption may come between the renaming and any note of it.
                if not (self._folder / path.name).exists():
                    path.unlink(missing_ok=True)
            raise

    def remove_others(self, matcher: re.Pattern[str]) -> None:
        """Remove the pictures of an earlier, longer run: files that the pattern names with a number beyond the last."""
        for entry in self._pattern.parent.iterdir():
            named = matcher.fullmatch(entry.name)
            number = int(named[1]) if named else -1
            if number >= self._pictures and entry == self._path(number) and not entry.is_dir():
                entry.unlink()

    def _path(self, index: int) -> Path:
        return self._pattern.with_name(self._pattern.name % index)


def _refuse_existing(folder: Path, matcher: re.Pattern[str]) -> None:
    for entry in folder.iterdir():
        if matcher.fullmatch(entry.name):
            raise OutputExistsError(f"{entry} exists already; choose another folder or allow it with overwrite=True.")
