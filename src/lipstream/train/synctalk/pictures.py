"""A dataset's folder in, its pictures by number out: from 0, whether its files count from 0 or from 1."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lipstream.errors import InputError
from lipstream.types import Image
from lipstream.video.pictures import pictures
from lipstream.video.png import encode_png

FOLDERS = ("full_body_img", "frames")
VIDEOS = ("full_body_video.mp4", "full_body_img.mp4", "video.mp4")
_PICTURE = re.compile(r"(?:frame_)?([0-9]{1,9})\.(?:jpg|jpeg|png)")


@dataclass(frozen=True)
class Pictures:
    """Numbered pictures on disk, all of one size."""

    files: Sequence[Path]
    """One a picture, in order."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self.files)

    def image(self, index: int) -> Image:
        """Read one, `HWC` uint8 BGR; InputError if it cannot be read."""
        try:
            data = np.fromfile(self.files[index], np.uint8)
        except OSError as error:
            raise InputError(f"{self.files[index]} cannot be read ({error}); copy the dataset again.") from error
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if image is None:
            raise InputError(f"{self.files[index]} is not a picture that can be read; copy the dataset again.")
        return np.asarray(image, np.uint8)


def read_pictures(folder: Path, spare: Path) -> Pictures:
    """Find the pictures of a dataset.

    Args:
        folder: of the dataset.
        spare: an empty folder, into which a video is taken apart where there are no pictures.

    Raises:
        InputError: there are neither, numbers are missing, or they begin with another than 0 or 1.
        MediaError: the video cannot be decoded.
    """
    for name in FOLDERS:
        found = numbered(folder / name, _PICTURE)
        if found:
            return Pictures(found)
    video = next((folder / name for name in VIDEOS if (folder / name).is_file()), None)
    if video is None:
        raise InputError(
            f"{folder} holds no pictures: neither {FOLDERS[0]}/0.jpg, 1.jpg, ... nor {' or '.join(VIDEOS)}; expected a "
            "dataset as SyncTalk_2D's preprocessing leaves it, or a package of one."
        )
    files = []
    for index, image in enumerate(pictures(video)):
        files.append(spare / f"{index}.png")
        files[-1].write_bytes(encode_png(image))
    return Pictures(files)


def numbered(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    """Files of a folder by their number, which counts from 0 or 1 and leaves none out; none if there is no folder.

    Args:
        folder: where they lie.
        pattern: of their names; its group is the number.

    Raises:
        InputError: numbers are missing, come twice, or begin elsewhere.
    """
    if not folder.is_dir():
        return []
    named = ((pattern.fullmatch(path.name), path) for path in folder.iterdir())
    found = sorted((int(match[1]), path) for match, path in named if match)
    for place, (number, path) in enumerate(found, start=found[0][0] if found else 0):
        if number != place or found[0][0] > 1:
            raise InputError(
                f"{folder} has {path.name} where {place} was expected; expected numbers from 0 or 1 without gaps."
            )
    return [path for _, path in found]
