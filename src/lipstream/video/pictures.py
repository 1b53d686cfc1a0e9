"""Any video file in, its pictures out, one after the other and upright."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from lipstream.audio.read import CONTAINERS
from lipstream.errors import MediaError
from lipstream.types import Image

# Without these, swscale's fast paths shift colours by two levels, which would count as error of whatever is measured.
EXACT = (
    Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)


def pictures(path: Path) -> Iterator[Image]:
    """Decode the pictures of a video at its own rate; as `timed_pictures`, without the times."""
    return (image for _, image in timed_pictures(path))


def timed_pictures(path: Path) -> Iterator[tuple[float | None, Image]]:
    """Decode the pictures of a video at its own rate, in bounded memory.

    Args:
        path: any container and codec that PyAV reads; of several video tracks the first is taken.

    Yields:
        The time in seconds at which each is shown, None where the file does not say; and the picture, `HWC` uint8 BGR,
        turned as the file's metadata asks.

    Raises:
        MediaError: the file is no video or a list of files, holds no picture, or breaks off with an error.
    """
    found = False
    reformatter = VideoReformatter()
    try:
        options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
        with av.open(str(path.resolve()), options=options, metadata_errors="ignore") as container:
            if not container.streams.video:
                raise MediaError(f"{path} has no video track; expected a video file; name another file.")
            for frame in container.decode(video=0):
                found = True
                image = reformatter.reformat(frame, format="bgr24", interpolation=EXACT).to_ndarray()
                yield frame.time, np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)), np.uint8)
    except av.ArgumentError as error:
        raise MediaError(
            f"{path} is of a kind that is not opened, such as a list of files; expected a video file; "
            "convert it to MP4."
        ) from error
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{path} {_fault(path, error)}; expected a video file; export it again.") from error
    if not found:
        raise MediaError(f"{path} holds no picture; expected a video file; export it again.")


def _fault(path: Path, error: av.FFmpegError | OSError) -> str:
    if path.is_file() and not path.stat().st_size:
        return "is empty"
    return f"cannot be decoded ({error.strerror or error})"  # without its number, and the path once more
