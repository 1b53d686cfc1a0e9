import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from lipstream.types import Image
from lipstream.video.colour import to_image, to_video_frame

# Colour (blue, green, red) and its luma, blue and red difference by ITU-R BT.709, limited range.
BT709 = [
    ((0, 0, 0), (16, 128, 128)),
    ((255, 255, 255), (235, 128, 128)),
    ((0, 0, 255), (63, 102, 240)),
    ((0, 255, 0), (173, 42, 26)),
    ((255, 0, 0), (32, 240, 118)),
    ((128, 128, 128), (126, 128, 128)),
]


def flat(colour: tuple[int, int, int]) -> Image:
    return np.full((6, 8, 3), colour, np.uint8)


@pytest.mark.parametrize(("colour", "expected"), BT709)
def test_colours_are_those_of_the_standard(colour: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    frame = to_video_frame(flat(colour))
    assert (frame.colorspace, frame.color_range) == (Colorspace.ITU709, ColorRange.MPEG)
    planes = frame.to_ndarray()
    assert np.unique(planes[:6]) == expected[0]
    assert np.unique(planes[6:].reshape(2, -1), axis=1).ravel().tolist() == list(expected[1:])


@pytest.mark.parametrize("colour", [colour for colour, _ in BT709])
def test_colours_come_back(colour: tuple[int, int, int]) -> None:
    image = to_image(to_video_frame(flat(colour)))
    assert np.abs(image.astype(int) - flat(colour)).max() <= 2


def test_a_smooth_picture_keeps_its_mean() -> None:
    down, right = np.mgrid[30:222:3, 30:222:3]
    image = np.stack([down, right, (down + right) // 2], -1).astype(np.uint8)
    there_and_back = to_image(to_video_frame(image)).astype(float)
    assert np.abs((there_and_back - image).mean(axis=(0, 1))).max() < 0.6


@pytest.mark.parametrize(
    ("space", "expected_luma"), [(Colorspace.ITU601, 81), (6, 81), (Colorspace.ITU709, 63), (2, 63)]
)
def test_the_tag_decides_the_matrix(space: int, expected_luma: int) -> None:
    frame = to_video_frame(flat((0, 0, 255)))
    frame.colorspace = space
    red_of_that_standard = {81: (81, 90, 240), 63: (63, 102, 240)}[expected_luma]
    for plane, value in zip(frame.planes, red_of_that_standard, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    assert np.abs(to_image(frame).astype(int) - flat((0, 0, 255))).max() <= 2


def test_full_range_is_told_from_limited() -> None:
    frame = to_video_frame(flat((0, 0, 0)))
    frame.color_range = ColorRange.JPEG
    assert to_image(frame).tolist() == flat((16, 16, 16)).tolist()
