"""A video file in, its pictures at a constant 25 a second and the sound that belongs to them out."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import av
import numpy as np

from lipstream.audio.read import read_pcm
from lipstream.errors import MediaError, reason_of
from lipstream.types import FRAME_RATE_HZ, FRAME_SAMPLES, SAMPLE_RATE_HZ, Image, Pcm
from lipstream.video.pictures import timed_pictures

LONGEST_HOLD_S = 0.25
"""A picture stands for at most this long; after it the recording has a hole. Cameras in the dark make 8 a second."""
MOST_FRAMES = 30 * 60 * FRAME_RATE_HZ
"""Half an hour: more teaches no more, and a damaged header may claim days."""

_Picture = TypeVar("_Picture")


def steady_pictures(path: Path) -> Iterator[Image | None]:
    """Decode a video at 25 pictures a second by its timestamps, whatever its own rate.

    Args:
        path: any video; what it breaks off with is left out.

    Yields:
        `HWC` uint8 BGR, upright; None where the recording has a hole. At most MOST_FRAMES.

    Raises:
        MediaError: it is no video, or not one picture of it can be decoded.
    """
    return islice(at_constant_rate(_until_damage(path)), MOST_FRAMES)


def at_constant_rate(timed: Iterable[tuple[float | None, _Picture]]) -> Iterator[_Picture | None]:
    """Show at k / 25 s the picture that is nearest in time.

    Args:
        timed: pictures with their times in seconds, in any unit of zero; one that is not later than the picture
            before it is left out, one without a time comes 1/25 s after it.

    Yields:
        One picture a frame from the first one's time on; None farther than LONGEST_HOLD_S from any.
    """
    start_s = shown_s = 0.0
    shown: _Picture | None = None
    frame = 0
    for time_s, picture in timed:
        if shown is None:
            start_s = shown_s = time_s or 0.0
            shown = picture
            continue
        next_s = shown_s + 1 / FRAME_RATE_HZ if time_s is None else time_s
        if next_s <= shown_s:
            continue
        while (at_s := start_s + frame / FRAME_RATE_HZ) <= (shown_s + next_s) / 2:
            yield shown if at_s - shown_s <= LONGEST_HOLD_S else None
            frame += 1
        while (at_s := start_s + frame / FRAME_RATE_HZ) < next_s - LONGEST_HOLD_S:
            yield None
            frame += 1
        shown_s, shown = next_s, picture
    while shown is not None and start_s + frame / FRAME_RATE_HZ < shown_s + 0.499 / FRAME_RATE_HZ:
        yield shown
        frame += 1


def sound_beside(path: Path) -> Pcm:
    """Decode the sound of a video from its first picture on.

    Returns:
        `[L]` float32 in -1..1 at 16 kHz.

    Raises:
        MediaError: it has no sound, none that can be decoded, or no picture.
    """
    shown_s = next(timed_pictures(path))[0] or 0.0  # before its sound: what is no film is told so
    pcm = read_pcm(path)
    late = round((_sound_begins_s(path) - shown_s) * SAMPLE_RATE_HZ)
    return np.pad(pcm, (late, 0)) if late > 0 else pcm[-late:]


def fitted(pcm: Pcm, frames: int) -> Pcm:
    """Sound `[L]` as long as so many frames, `[640 frames]`, with zeros after it where it is shorter."""
    wanted = frames * FRAME_SAMPLES
    return np.pad(pcm[:wanted], (0, max(0, wanted - len(pcm)))).astype(np.float32)


def _until_damage(path: Path) -> Iterator[tuple[float | None, Image]]:
    found = False
    try:
        for timed in timed_pictures(path):
            found = True
            yield timed
    except MediaError:
        if not found:
            raise


def _sound_begins_s(path: Path) -> float:
    """When the first sound is heard, by the file; 0 where it does not say."""
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}, metadata_errors="ignore") as container:
            first = next(container.decode(container.streams.audio[0]), None)
            return float(first.time or 0.0) if isinstance(first, av.AudioFrame) else 0.0
    except (av.FFmpegError, IndexError) as error:
        raise MediaError(f"{path} has no sound that can be decoded ({reason_of(error)}); record it again.") from error
