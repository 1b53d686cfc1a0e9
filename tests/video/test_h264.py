from collections.abc import Iterable

import av
import numpy as np
import pytest

from lipstream.errors import InputError
from lipstream.types import Image
from lipstream.video.colour import to_image
from lipstream.video.h264 import KEY_EVERY_FRAMES, H264Encoder

START_CODE = b"\0\0\0\1"
SLICE, KEY_SLICE, SUPPLEMENT, SEQUENCE, PICTURE = 1, 5, 6, 7, 8


def image(number: int, width: int = 96, height: int = 64) -> Image:
    """A coloured field with a bright bar that moves."""
    picture = np.full((height, width, 3), (60, 120, 180), np.uint8)
    picture[:, number % width : number % width + 8] = 230
    return picture


def units(data: bytes) -> list[int]:
    """Types of the NAL units of an access unit."""
    return [part[0] & 31 for part in data.replace(START_CODE, START_CODE[1:]).split(START_CODE[1:]) if part]


def decoded(parts: Iterable[bytes]) -> list[list[Image]]:
    """The pictures that a decoder gives for each part, at once."""
    decoder = av.VideoCodecContext.create("h264", "r")
    decoder.thread_count = 1
    decoder.flags |= av.codec.context.Flags.low_delay
    return [[to_image(frame) for frame in decoder.decode(av.Packet(part))] for part in parts]


def test_every_picture_comes_out_at_once_as_it_went_in() -> None:
    encoder = H264Encoder(96, 64, 1500)
    pictures = [image(number) for number in range(6)]
    shown = decoded(encoder.encode(picture)[0] for picture in pictures)
    assert [len(one) for one in shown] == [1] * len(pictures)
    for picture, (seen,) in zip(pictures, shown, strict=True):
        assert np.abs(seen.astype(int) - picture).mean() < 4


def test_key_frames_come_first_every_two_seconds_and_when_asked_for() -> None:
    encoder = H264Encoder(64, 64, 500)
    keys = [encoder.encode(image(0, 64), key=number == 7)[1] for number in range(KEY_EVERY_FRAMES + 8)]
    assert [number for number, key in enumerate(keys) if key] == [0, 7, 7 + KEY_EVERY_FRAMES]


def test_who_joins_at_a_key_frame_sees_it() -> None:
    encoder = H264Encoder(96, 64, 1500)
    for number in range(3):
        encoder.encode(image(number))
    data, key = encoder.encode(image(3), key=True)
    ((seen,),) = decoded([data])
    assert key
    assert np.abs(seen.astype(int) - image(3)).mean() < 4


def test_it_is_annex_b_of_the_codec_that_it_says() -> None:
    encoder = H264Encoder(1280, 720, 1500)
    first, _ = encoder.encode(image(0, 1280, 720))
    second, _ = encoder.encode(image(1, 1280, 720))
    assert encoder.codec == "avc1.42C01F"  # baseline, constrained, level 3.1
    assert [one for one in units(first) if one != SUPPLEMENT] == [SEQUENCE, PICTURE, KEY_SLICE]
    assert units(second) == [SLICE]
    decoder = av.VideoCodecContext.create("h264", "r")
    (frame,) = [*decoder.decode(av.Packet(first)), *decoder.decode(None)]
    assert (frame.colorspace, frame.color_range) == (1, 1)  # BT.709, limited


def test_the_bit_rate_is_held() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 128, 128, 3), np.uint8)
    taken_kbps = {}
    for kbps in (300, 1200):
        encoder = H264Encoder(128, 128, kbps)
        taken_kbps[kbps] = sum(len(encoder.encode(one)[0]) for one in noise) * 8 / 2 / 1000
    assert taken_kbps[300] < 600
    assert taken_kbps[300] < taken_kbps[1200] < 2000


def test_sizes_that_no_encoder_takes_are_refused() -> None:
    with pytest.raises(InputError, match="cannot hold 63 x 64 pixels"):
        H264Encoder(63, 64, 500)
