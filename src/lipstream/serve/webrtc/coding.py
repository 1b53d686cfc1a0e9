"""Frames in, their sound as Opus and their pictures as VP8 or H.264 out; one encoder a codec, whoever watches."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lipstream.audio.opus import OpusEncoder
from lipstream.pipeline.session import StreamFrame
from lipstream.types import FRAME_MS, FRAME_SAMPLES, Image
from lipstream.video.h264 import H264Encoder
from lipstream.video.vp8 import Vp8Encoder


class PictureEncoder(Protocol):
    """Codes pictures of one size, each at once."""

    def encode(self, image: Image, *, key: bool = False) -> tuple[bytes, bool]:
        """The next one, and whether it needs none before it; with `key` it does not, nor does the first."""
        ...


ENCODERS: Mapping[str, Callable[[int, int, int], PictureEncoder]] = {"H264": H264Encoder, "VP8": Vp8Encoder}
"""By the name in a session description."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture."""

    data: bytes
    """One frame of its codec."""
    key: bool
    """Whether it needs none before it."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A frame as it is sent."""

    at_ms: int
    """When it is shown and begins to be heard, in stream time."""
    sound: bytes
    """One Opus packet of 40 ms."""
    silence: bytes
    """Another, for whoever shall not hear it."""
    pictures: Mapping[str, Picture]
    """By codec."""


class Coder:
    """The encoders of one session; one thread at a time.

    Args:
        bitrate_kbps: of the pictures.
    """

    def __init__(self, bitrate_kbps: int) -> None:
        self.coded_pictures = 0
        """How many pictures were coded."""
        self._bitrate_kbps = bitrate_kbps
        self._sound = OpusEncoder()
        self._silence = OpusEncoder().encode(np.zeros(FRAME_SAMPLES, np.float32))
        self._encoders: dict[tuple[str, int, int], PictureEncoder] = {}

    def code(self, frame: StreamFrame, codecs: Collection[str], keys: Collection[str]) -> Coded:
        """Code one frame.

        Args:
            frame: the frame.
            codecs: of its picture.
            keys: those whose picture shall need none before it.
        """
        sound = self._sound.encode(frame.audio)
        pictures = {codec: self._picture(frame.image, codec, key=codec in keys) for codec in codecs}
        return Coded(frame.index * FRAME_MS, sound, self._silence, pictures)

    def _picture(self, image: Image, codec: str, *, key: bool) -> Picture:
        height, width = image.shape[:2]
        kind = codec, width, height
        if (encoder := self._encoders.get(kind)) is None:
            encoder = self._encoders[kind] = ENCODERS[codec](width, height, self._bitrate_kbps)
        self.coded_pictures += 1
        return Picture(*encoder.encode(image, key=key))
