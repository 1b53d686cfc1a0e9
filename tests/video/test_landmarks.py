import os
from collections.abc import Mapping
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from lipstream.errors import InputError
from lipstream.types import Float32, Image
from lipstream.video import landmarks, lips
from lipstream.video.face_detector import ANCHOR_COUNT
from lipstream.video.face_models import cache_folder, face_models


class Network:
    """Answers every call with the same arrays and keeps the inputs."""

    def __init__(self, **answers: Float32) -> None:
        self.answers = answers
        self.inputs: list[Mapping[str, Float32]] = []

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        self.inputs.append(inputs)
        return self.answers


def detector(logit: float) -> Network:
    regressors = np.zeros((1, ANCHOR_COUNT, 16), np.float32)
    regressors[0, 300, 2:8] = [40, 40, -10, 0, 10, 0]
    logits = np.full((1, ANCHOR_COUNT, 1), -20.0, np.float32)
    logits[0, 300] = logit
    return Network(regressors=regressors, classificators=logits)


def mesh(logit: float) -> Network:
    points = np.zeros((468, 3), np.float32)
    points[:, :2] = 96 + 48 * np.stack([np.cos(np.arange(468)), np.sin(np.arange(468))], axis=1)
    points[[33, 263], :2] = [[60, 80], [130, 80]]
    return Network(conv2d_21=points.reshape(1, 1, 1, -1), conv2d_31=np.full((1, 1, 1, 1), logit, np.float32))


def test_a_face_is_looked_at_twice_and_nothing_else_is_a_face() -> None:
    picture = np.full((128, 128, 3), 90, np.uint8)
    found_mesh = mesh(5.0)
    points = landmarks.FaceLandmarker(detector(5.0), found_mesh).detect(picture)
    assert points is not None
    assert points.shape == (468, 3)
    assert len(found_mesh.inputs) == 2
    assert found_mesh.inputs[0]["input_1"].shape == (1, 192, 192, 3)
    assert landmarks.FaceLandmarker(detector(-5.0), mesh(5.0)).detect(picture) is None
    assert landmarks.FaceLandmarker(detector(5.0), mesh(-5.0)).detect(picture) is None


def test_points_come_back_to_where_they_were_cut() -> None:
    points = np.zeros((468, 3), np.float32)
    points[:, 0] = 200 + 80 * np.cos(np.arange(468))
    points[:, 1] = 150 + 80 * np.sin(np.arange(468))
    points[[33, 263], :2] = [[150, 140], [250, 160]]
    to_region = landmarks.region_of_points(points)
    inside = points.copy()
    inside[:, :2] = points[:, :2] @ to_region[:, :2].T + to_region[:, 2]
    assert inside[:, :2].min() > 20  # a margin of a quarter of the face on every side
    assert inside[:, :2].max() < 172
    assert inside[33, 1] == pytest.approx(inside[263, 1], abs=1e-3)  # upright
    np.testing.assert_allclose(landmarks.points_in_picture(inside, to_region)[:, :2], points[:, :2], atol=1e-3)


@pytest.mark.parametrize("side_px", [90, 400, 900])
def test_a_cut_region_keeps_its_place_at_every_size(side_px: int) -> None:
    picture = np.zeros((1000, 1000, 3), np.uint8)
    cv2.circle(picture, (500, 500), side_px // 4, (255, 255, 255), -1)
    corner = (500 - side_px / 2, 500 + side_px / 2)
    points = np.array([[x, y, 0] for x in corner for y in corner] * 117, np.float32)
    points[33], points[263] = (corner[0], 500, 0), (corner[1], 500, 0)
    cut = landmarks.cut_region(picture, landmarks.region_of_points(points))
    white = np.argwhere(cut[0, :, :, 0] > 0.5)
    np.testing.assert_allclose(white.mean(axis=0), 95.5, atol=0.6)
    np.testing.assert_allclose(np.sqrt(len(white) / np.pi), 192 / 1.5 / 4, rtol=0.05)


def grid_frame(index: int) -> Image:
    root = os.environ.get("LIPSTREAM_DATA")
    if not root:
        pytest.skip("LIPSTREAM_DATA is unset: no picture of a real face")
    with av.open(Path(root) / "talking_head" / "grid_s1" / "bbaf2n.mpg") as clip:
        for number, frame in enumerate(clip.decode(video=0)):
            if number == index:
                return frame.to_ndarray(format="bgr24").astype(np.uint8)
    raise AssertionError("the clip is shorter than expected")


@pytest.fixture(scope="module")
def landmarker() -> landmarks.FaceLandmarker:
    try:
        face_models(cache_folder())
    except InputError:
        pytest.skip("the face models are not in the user's cache: `lipstream evaluate` fetches them")
    return landmarks.load_landmarker(cache_folder())


def test_a_real_face_is_found_where_it_is(landmarker: landmarks.FaceLandmarker) -> None:
    picture = grid_frame(2)
    points = landmarker.detect(picture)
    assert points is not None
    assert lips.face_height_px(points) == pytest.approx(136, abs=4)
    assert lips.opening(points) < 0.015  # lips closed before the first word
    moved = landmarker.detect(np.roll(picture, (3, -5), axis=(0, 1)))
    assert moved is not None
    np.testing.assert_allclose(np.median(moved - points, axis=0)[:2], [-5, 3], atol=0.6)


def test_a_turned_face_is_measured_alike(landmarker: landmarks.FaceLandmarker) -> None:
    picture = grid_frame(2)
    turn = cv2.getRotationMatrix2D((180, 144), 20, 1.0)
    straight = landmarker.detect(picture)
    turned = landmarker.detect(cv2.warpAffine(picture, turn, (360, 288)).astype(np.uint8))
    assert straight is not None
    assert turned is not None
    expected = straight[:, :2] @ turn[:, :2].T + turn[:, 2]
    assert float(np.median(np.linalg.norm(turned[:, :2] - expected, axis=1))) < 2.0
    assert lips.opening(turned) == pytest.approx(float(lips.opening(straight)), abs=0.006)


def test_no_face_in_noise(landmarker: landmarks.FaceLandmarker) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    assert landmarker.detect(noise) is None
