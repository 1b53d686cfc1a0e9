"""BGR pictures and the sound in, an MP4 with H.264 and AAC out, marked as generated."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.video.frame import PictureType

from lipstream.types import FRAME_RATE_HZ, Float32, Image
from lipstream.video.colour import tag_bt709, to_video_frame
from lipstream.video.provenance import mp4_box
from lipstream.video.staging import staged, writing_to

SOUND_RATE_HZ = 48_000
SOUND_SAMPLES = SOUND_RATE_HZ // FRAME_RATE_HZ  # 1920 samples a picture
CRF = 18  # 38.7 dB against 720p frames of a real face; nothing to see at normal viewing distance
PRESET = "superfast"  # 3.1 ms a picture of 720x720 on one core; veryfast takes 5.3 ms for 30 % smaller files
SOUND_CHANNELS: Final = 2  # a mono source twice, which AAC codes as one: every player knows stereo
SOUND_BIT_RATE = 160_000
FRAGMENTED = "+frag_keyframe+empty_moov+default_base_moof"
FRAGMENT_PICTURES = FRAME_RATE_HZ  # a fragment begins with a key picture; one a second costs little
FIRST_FRAGMENT_PICTURES = 5  # it leaves when the 10th picture is written; as long as the others, with the 30th


@contextmanager
def open_mp4(  # noqa: PLR0913  by name only
    path: Path, *, width: int, height: int, sound: Iterator[Float32], avatar: str = "", overwrite: bool = False
) -> Iterator["Mp4Writer"]:
    """Lend a writer whose file takes its name `path` on a clean exit; on any other nothing is left.

    Args:
        path: the MP4 to write.
        width: width of the pictures, even, in pixels.
        height: height of the pictures, even, in pixels.
        sound: blocks `[n, 2]` float32 in -1..1 at SOUND_RATE_HZ, read as the pictures advance; silence follows them.
        avatar: the name of who is shown, for the mark in the file.
        overwrite: whether a file of that name may be replaced.

    Yields:
        The writer, which takes the pictures in order.

    Raises:
        OutputExistsError: `path` exists and `overwrite` is false.
        OutputError: the file cannot be written, now or at any later picture.
    """
    with staged(path, overwrite=overwrite) as temporary:
        writer = Mp4Writer(temporary, path, width=width, height=height, sound=sound)
        try:
            yield writer
            writer.finish()
            with writing_to(path), temporary.open("ab") as file:
                file.write(mp4_box(avatar))
        except BaseException:
            writer.abandon()
            raise


def mp4_fragments(pictures: Iterator[Image], sound: Iterator[Float32], *, avatar: str = "") -> Iterator[bytes]:
    """Encode an MP4 that plays while it arrives: 0.2 s in its first fragment, then one a second, and no index.

    Args:
        pictures: at least one, `[height, width, 3]` uint8 BGR, contiguous, all of one size, which is even.
        sound: as `open_mp4` takes it.
        avatar: the name of who is shown, for the mark, which comes with the first bytes.

    Yields:
        The bytes of the file, as they are made.
    """
    first = next(pictures)
    parts = _Parts(avatar)
    writer = Mp4Writer(parts, Path("MP4"), width=first.shape[1], height=first.shape[0], sound=sound)
    try:
        for image in chain([first], pictures):
            writer.write(image)
            if part := parts.take():
                yield part
        writer.finish()
    except BaseException:
        writer.abandon()
        raise
    yield parts.take()


class _Parts:
    """A file for one who writes, of which what was written is taken away; the mark follows its first box."""

    def __init__(self, avatar: str) -> None:
        self._written: list[bytes] = []
        self._mark = mp4_box(avatar)

    def write(self, data: bytes) -> int:
        """Append, as a file does; without a `seek`, the muxer never goes back."""
        self._written.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._written)
        self._written.clear()
        if taken and self._mark:
            end = int.from_bytes(taken[:4], "big")
            taken, self._mark = taken[:end] + self._mark + taken[end:], b""
        return taken


class Mp4Writer:
    """Encodes pictures at 25 a second and, beside each, its 40 ms of sound; `open_mp4` gives it its file."""

    def __init__(self, file: Path | _Parts, name: Path, *, width: int, height: int, sound: Iterator[Float32]) -> None:
        self._name = name
        self._sound = _Sound(sound)
        self._pictures = 0
        with writing_to(name):
            self._container = _open(file)
        self._fragmented = not isinstance(file, Path)
        fragments = {"forced-idr": "1", "g": str(FRAGMENT_PICTURES)} if self._fragmented else {}
        self._video = self._container.add_stream(
            "libx264", rate=FRAME_RATE_HZ, options={"preset": PRESET, "crf": str(CRF), **fragments}
        )
        self._video.width, self._video.height, self._video.pix_fmt = width, height, "yuv420p"
        tag_bt709(self._video.codec_context)
        # One thread: the networks run beside it and need the other core more.
        self._video.codec_context.thread_count = 1
        self._audio = self._container.add_stream("aac", rate=SOUND_RATE_HZ, layout="stereo")
        self._audio.codec_context.bit_rate = SOUND_BIT_RATE

    def write(self, image: Image) -> None:
        """Append one picture and its sound.

        Args:
            image: `[height, width, 3]` uint8 BGR, contiguous.

        Raises:
            OutputError: the file cannot be written.
        """
        picture = to_video_frame(image)
        picture.pts = self._pictures
        picture.time_base = Fraction(1, FRAME_RATE_HZ)
        if self._fragmented and self._pictures == FIRST_FRAGMENT_PICTURES:
            picture.pict_type = PictureType.I
        self._pictures += 1
        samples = self._sound.take(SOUND_SAMPLES)
        sound = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        sound.sample_rate = SOUND_RATE_HZ
        sound.pts = (self._pictures - 1) * SOUND_SAMPLES
        with writing_to(self._name):
            self._container.mux(self._video.encode(picture))
            self._container.mux(self._audio.encode(sound))

    def finish(self) -> None:
        """Write what the encoders still hold, and the index.

        Raises:
            OutputError: the file cannot be written.
        """
        with writing_to(self._name):
            self._container.mux(self._video.encode(None))
            self._container.mux(self._audio.encode(None))
            self._container.close()

    def abandon(self) -> None:
        """Release the file, whatever state it is in."""
        with suppress(Exception):  # the first failure is the one to report, not a second one of the same disk
            self._container.close()


class _Sound:
    """Cuts blocks of any length into the samples of one picture each, with silence after the last."""

    def __init__(self, blocks: Iterator[Float32]) -> None:
        self._blocks = blocks
        self._held = np.zeros((0, SOUND_CHANNELS), np.float32)

    def take(self, samples: int) -> Float32:
        """The next `[2, samples]`."""
        while len(self._held) < samples and (block := next(self._blocks, None)) is not None:
            self._held = np.concatenate([self._held, block])
        taken, self._held = self._held[:samples], self._held[samples:]
        padded = np.zeros((SOUND_CHANNELS, samples), np.float32)
        padded[:, : len(taken)] = taken.T
        return padded


def _open(file: Path | _Parts) -> av.container.OutputContainer:
    if isinstance(file, Path):
        # Absolute, as a name with a colon would be taken for a protocol.
        return av.open(str(file.absolute()), "w", format="mp4", options={"movflags": "+faststart"})
    return av.open(file, "w", format="mp4", options={"movflags": FRAGMENTED})
