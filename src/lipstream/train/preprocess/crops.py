"""Videos and where the face lies in them in, its crops in one file on the disk out."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lipstream.errors import OutputError
from lipstream.render.crop import cut
from lipstream.train.preprocess.prepared import Prepared
from lipstream.train.preprocess.recording import steady_pictures
from lipstream.train.preprocess.watching import Progress
from lipstream.types import CROP_SIZE, Float32, Image, UInt8
from lipstream.video.staging import staged, writing_to

MOST_CROPS = 6000
"""1.8 GB, four minutes; longer recordings are thinned out evenly."""


def kept_pictures(prepared: Prepared) -> NDArray[np.int64]:
    """Which usable pictures are cut out: those learnt from and held out, `[m]` rising, at most MOST_CROPS."""
    wanted = np.flatnonzero(prepared.training | prepared.held_out)
    kept = np.linspace(0, len(wanted) - 1, min(len(wanted), MOST_CROPS)).round().astype(np.int64)
    return np.asarray(wanted[kept], np.int64)


def pictures_at(videos: Sequence[Path], prepared: Prepared, wanted: NDArray[np.int64]) -> Iterator[tuple[int, Image]]:
    """Decode chosen usable pictures again.

    Args:
        videos: as they were prepared.
        prepared: of them.
        wanted: numbers of usable pictures, `[m]` rising.

    Yields:
        The number and the picture, `HWC` uint8 BGR.
    """
    for source, path in enumerate(videos):
        places = {int(prepared.frames[i]): int(i) for i in wanted if prepared.sources[i] == source}
        if not places:
            continue
        last = max(places)
        for frame, image in enumerate(steady_pictures(path)):
            if image is not None and frame in places:
                yield places[frame], image
            if frame >= last:
                break


def write_crops(
    path: Path, videos: Sequence[Path], prepared: Prepared, wanted: NDArray[np.int64], progress: Progress
) -> None:
    """Cut chosen pictures out into an `.npy` file, `[m, 3, 320, 320]` uint8 BGR, whole or not at all.

    Raises:
        OutputError: it cannot be written, such as for want of space.
    """
    shape = (len(wanted), 3, CROP_SIZE, CROP_SIZE)
    with staged(path, overwrite=True) as part, writing_to(path), part.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        done = 0
        for number, image in pictures_at(videos, prepared, wanted):
            file.write(cut(image, prepared.transforms[number]).transpose(2, 0, 1).tobytes())
            done += 1
            progress("crops", done, len(wanted))
        if done != len(wanted):
            raise OutputError(f"{path}: {done} of {len(wanted)} pictures were found again; has the video changed?")


def read_crops(path: Path) -> UInt8:
    """The crops of `write_crops`, left on the disk until they are looked at."""
    crops: UInt8 = np.load(path, mmap_mode="r")
    return crops


def sharpness(crops: UInt8, mask: UInt8) -> Float32:
    """Variance of the Laplacian of each crop where the mouth is painted, `[m]` float32; higher is sharper."""
    inside = mask > 127
    return np.array([_laplacian(crop)[inside].var() for crop in crops], np.float32)


def _laplacian(crop: UInt8) -> Float32:
    grey = cv2.cvtColor(np.ascontiguousarray(crop.transpose(1, 2, 0)), cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.Laplacian(grey, cv2.CV_32F), np.float32)
