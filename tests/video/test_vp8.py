import av
import cv2
import numpy as np

from lipstream.types import Image
from lipstream.video.colour import to_image
from lipstream.video.vp8 import Vp8Encoder


def pictures(count: int) -> list[Image]:
    """A soft coloured picture that moves."""
    coarse = np.random.default_rng(0).integers(40, 220, (6, 8, 3), np.uint8)
    soft = cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(np.roll(soft, shift, axis=1)) for shift in range(count)]


def test_each_picture_comes_out_at_once_and_as_it_was() -> None:
    encoder = Vp8Encoder(width=128, height=96, bitrate_kbps=2000)
    decoder = av.CodecContext.create("vp8", "r")
    for image in pictures(5):
        (frame,) = decoder.decode(av.Packet(encoder.encode(image)[0]))
        assert np.abs(to_image(frame).astype(int) - image).mean() < 6


def test_only_the_first_picture_and_those_asked_for_are_key_frames() -> None:
    encoder = Vp8Encoder(width=128, height=96, bitrate_kbps=500)
    coded = [encoder.encode(one, key=at == 3) for at, one in enumerate(pictures(6))]
    assert [key for _, key in coded] == [True, False, False, True, False, False]
    assert [not frame[0] & 1 for frame, _ in coded] == [key for _, key in coded]  # RFC 6386: a frame's first bit
