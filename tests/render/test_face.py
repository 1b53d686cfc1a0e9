from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import FlatGenerator

from lipstream.avatar.bundle import OUTLINE_POINTS, Bundle, open_bundle
from lipstream.render.crop import cut
from lipstream.render.face import FaceRenderer
from lipstream.render.mask import mask_of
from lipstream.types import CODE_SIZE, Image
from lipstream.video.clip import Clip


@pytest.fixture(scope="module")
def bundle(tiny_path: Path) -> Bundle:
    return open_bundle(tiny_path)


@pytest.fixture(scope="module")
def images(bundle: Bundle) -> list[Image]:
    clip = Clip(bundle.frames_path.read_bytes())
    return [clip.image(index) for index in range(len(clip))]


@pytest.fixture(scope="module")
def generator() -> FlatGenerator:
    return FlatGenerator(0.0, 0.4, 1.0)


@pytest.fixture(scope="module")
def face(bundle: Bundle, generator: FlatGenerator) -> FaceRenderer:
    return FaceRenderer(bundle, generator)


def read_picture(path: Path) -> Image:
    picture = cv2.imread(str(path))
    assert picture is not None
    return np.asarray(picture, np.uint8)


def test_the_generator_sees_the_nearest_reference_and_the_masked_crop(
    face: FaceRenderer, bundle: Bundle, images: list[Image]
) -> None:
    indices = [3, 9]
    visual = face.visual([images[index] for index in indices], indices)
    references = read_picture(bundle.references_path).reshape(2, 320, 320, 3)
    generated = read_picture(bundle.mask_path)[..., 0]
    for row, index, reference in zip(visual, indices, references, strict=True):
        assert np.allclose(row[:3].transpose(1, 2, 0), reference / 255, atol=1e-6)
        crop = cut(images[index], bundle.transforms[index])
        visible = mask_of(generated.astype(np.uint8)).visible
        assert np.allclose(row[3:].transpose(1, 2, 0), np.where(visible > 0, crop, 0) / 255, atol=1e-6)
        assert row[3:, generated > 0].max() == 0 < row[3:].max()


def test_the_generator_gets_visual_and_code(face: FaceRenderer, generator: FlatGenerator, images: list[Image]) -> None:
    visual, codes = face.visual(images[:2], range(2)), np.zeros((2, CODE_SIZE), np.float32)
    assert face.generate(visual, codes).shape == (2, 3, 320, 320)
    assert generator.seen[-1]["visual"] is visual
    assert generator.seen[-1]["code"] is codes


def test_the_crop_is_blended_where_the_mask_says(face: FaceRenderer, bundle: Bundle, images: list[Image]) -> None:
    index = 5
    finished = images[index].copy()
    patch = np.broadcast_to(np.array([-0.3, 0.4, 1.2], np.float32)[:, None, None], (3, 320, 320))
    face.compose(finished, index, patch)
    generated = read_picture(bundle.mask_path)[..., 0]
    size = finished.shape[1::-1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    weight = cv2.warpAffine(generated, bundle.transforms[index], size, flags=flags)
    assert (finished[weight == 255] == [0, 102, 255]).all()
    assert np.array_equal(finished[weight == 0], images[index][weight == 0])


def test_only_inside_an_outline_and_only_as_much_as_it_shall(bundle: Bundle, images: list[Image]) -> None:
    generated = read_picture(bundle.mask_path)[..., 0].astype(np.uint8)
    left, top, right, bottom = mask_of(generated).box
    middle = (left + right) / 2
    half = [(left, top), (middle, top), (middle, bottom), *[(left, bottom)] * (OUTLINE_POINTS - 3)]
    face = FaceRenderer(
        replace(bundle, outlines=np.array([half] * len(images), np.float32)), FlatGenerator(1.0, 1.0, 1.0)
    )
    patch = np.ones((3, 320, 320), np.float32)
    index, share = 5, 0.5
    whole, some = images[index].copy(), images[index].copy()
    face.compose(whole, index, patch)
    face.compose(some, index, patch, share)
    crop, partly, before = (cut(image, bundle.transforms[index]).astype(int) for image in (whole, some, images[index]))
    row, inner, outer = (top + bottom) // 2, int(middle) - 30, int(middle) + 30
    assert (crop[row, inner] > 245).all()
    assert np.abs(partly[row, inner] - (255 + before[row, inner]) / 2).max() < 8
    assert np.abs(crop[row, outer:] - before[row, outer:]).max() <= 2


def test_the_clip_repeats(face: FaceRenderer, images: list[Image]) -> None:
    again = len(images) + 4
    assert np.array_equal(face.visual([images[4]], [4]), face.visual([images[4]], [again]))
