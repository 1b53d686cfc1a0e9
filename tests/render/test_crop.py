import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.render.crop import WHOLE_CROP, Box, bounds, cut, paste, patch_of
from lipstream.render.mask import Mask, mask_of
from lipstream.types import Affine, Image

WIDTH, HEIGHT = 480, 400


@pytest.fixture
def image() -> Image:
    noise = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 3), np.uint8)


@pytest.fixture(scope="module")
def mask() -> Mask:
    generated = np.zeros((320, 320), np.uint8)
    cv2.ellipse(generated, (160, 210), (80, 60), 0, 0, 360, 255, -1)
    return mask_of(np.asarray(cv2.GaussianBlur(generated, (31, 31), 0), np.uint8))


def transform(scale: float = 1.0, degrees: float = 0.0, left: float = 60.0, top: float = 40.0) -> Affine:
    """The crop's corner at (left, top), its side 320 / scale pixels, turned about that corner."""
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, -turn @ [left, top]]).astype(np.float32)


def test_a_whole_shift_cuts_the_very_pixels(image: Image) -> None:
    assert np.array_equal(cut(image, transform()), image[40:360, 60:380])


def test_half_a_pixel_is_the_mean_of_two(image: Image) -> None:
    halfway = cut(image, transform(left=60.5)).astype(int)
    mean = (image[40:360, 60:380].astype(int) + image[40:360, 61:381]) / 2
    assert np.abs(halfway - mean).max() <= 1


def test_the_border_is_repeated_where_the_crop_leaves_the_frame(image: Image) -> None:
    crop = cut(image, transform(left=-20.0))
    assert (crop[:, :20] == crop[:, 20:21]).all()


@pytest.mark.parametrize("place", [transform(), transform(1.07, 6.0, 60.3, 55.8), transform(0.8, -9.0, 20.0, 60.0)])
def test_pixels_outside_the_mask_stay_to_the_bit(image: Image, mask: Mask, place: Affine) -> None:
    finished = image.copy()
    paste(finished, np.zeros((320, 320, 3), np.uint8), mask, place)
    size = (WIDTH, HEIGHT)
    weight = cv2.warpAffine(mask.generated, place, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    assert np.array_equal(finished[weight == 0], image[weight == 0])
    assert finished[weight == 255].max() == 0
    assert (weight == 255).sum() > 5_000


@pytest.mark.parametrize("place", [transform(), transform(1.0, 0.0, 60.4, 40.7), transform(1.1, 5.0)])
def test_pasting_what_was_cut_changes_almost_nothing(image: Image, mask: Mask, place: Affine) -> None:
    finished = image.copy()
    paste(finished, cut(image, place), mask, place)
    assert np.abs(finished.astype(int) - image).mean() < 0.1
    assert np.abs(finished.astype(int) - image).max() <= 6


@given(scale=st.floats(0.3, 4.0), degrees=st.floats(-40, 40), left=st.floats(-700, 700), top=st.floats(-700, 700))
def test_a_face_may_be_anywhere(scale: float, degrees: float, left: float, top: float) -> None:
    image = np.full((64, 80, 3), 9, np.uint8)
    generated = np.full((320, 320), 255, np.uint8)
    place = transform(scale, degrees, left, top)
    paste(image, np.full((320, 320, 3), 200, np.uint8), mask_of(generated), place)
    box_left, box_top, box_right, box_bottom = bounds(place, WHOLE_CROP, 80, 64)
    rows, columns = np.nonzero((image != 9).any(axis=2))
    assert ((rows >= box_top) & (rows < box_bottom) & (columns >= box_left) & (columns < box_right)).all()


def test_bounds_hold_the_crop_and_little_more() -> None:
    assert bounds(transform(), WHOLE_CROP, WIDTH, HEIGHT) == (59, 39, 381, 361)
    assert bounds(transform(2.0), WHOLE_CROP, WIDTH, HEIGHT) == (59, 39, 221, 201)
    assert bounds(transform(left=300.0), WHOLE_CROP, WIDTH, HEIGHT) == (299, 39, 480, 361)


@pytest.mark.parametrize("box", [(100, 50, 280, 230), (0, 0, 480, 400), (3, 7, 323, 327), (470, 390, 480, 400)])
def test_a_patch_drawn_over_its_box_is_the_frame_again(image: Image, box: Box) -> None:
    left, top, right, bottom = box
    patch = patch_of(image, box)
    assert patch.shape == (320, 320, 3)
    drawn = cv2.resize(patch, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    assert np.abs(drawn.astype(int) - image[top:bottom, left:right]).mean() < 2


@pytest.mark.parametrize("box", [(10, 10, 10, 20), (480, 0, 470, 5), (0, 9, 5, 9)])
def test_the_patch_of_a_face_that_has_left_the_frame_is_black(image: Image, box: Box) -> None:
    np.testing.assert_array_equal(patch_of(image, box), np.zeros((320, 320, 3), np.uint8))
