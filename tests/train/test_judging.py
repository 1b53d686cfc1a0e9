from dataclasses import replace

import cv2
import numpy as np
import pytest

from lipstream.avatar.bundle import OUTLINE_POINTS
from lipstream.train.judging import Judgement, Repainted, correlation, judge
from lipstream.train.preprocess.findings import Findings
from lipstream.train.preprocess.prepared import Prepared
from lipstream.types import Float32, Image
from lipstream.video.lips import INNER_LIPS

FRAMES = 60
MASK = np.zeros((320, 320), np.uint8)
MASK[180:280, 80:240] = 255


class GapFinder:
    """A face 100 pixels high whose lips are as far apart as the picture's brightest corner says."""

    def detect_all(self, image: Image, near: Float32 | None = None) -> list[Float32]:
        del near
        points = np.zeros((468, 3), np.float32)
        points[10, 1], points[152, 1] = -50, 50
        for _, lower in INNER_LIPS:
            points[lower, 1] = image[0, 0, 0] / 10
        return [points]


def openings() -> Float32:
    """Of the person, shares of the face's height; closed at first."""
    moving = 10 * np.sin(np.pi * np.arange(FRAMES) / 9) ** 2
    return np.asarray(np.where(np.arange(FRAMES) < 20, 0, moving) / 100, np.float32)


@pytest.fixture
def prepared() -> Prepared:
    nothing, codes = np.zeros(FRAMES, np.int64), np.zeros((FRAMES, 12), np.float32)
    return Prepared(
        findings=Findings(3.0, 1.0, 2.0, 300.0, 0, 0.0, 0.5),
        heights=np.array([320]),
        widths=np.array([320]),
        sources=nothing,
        frames=np.arange(FRAMES),
        runs=nothing,
        transforms=np.broadcast_to(np.eye(2, 3, dtype=np.float32), (FRAMES, 2, 3)),
        poses=np.zeros((FRAMES, 3), np.float32),
        heard=codes,
        seen=codes,
        opening=openings(),
        mouth=np.zeros((FRAMES, 2), np.float32),
        outlines=np.zeros((FRAMES, OUTLINE_POINTS, 2), np.float32),
        quiet=np.arange(FRAMES) < 20,
        training=np.zeros(FRAMES, np.bool_),
        held_out=np.ones(FRAMES, np.bool_),
        mask=MASK,
        scale=1.0,
    )


def painted(late: int = 0, error: int = 0) -> list[Repainted]:
    """Pictures that show the person's opening `late` frames after it, `error` levels too bright in the crop."""
    truth = np.random.default_rng(0).integers(60, 180, (320, 320, 3), np.uint8)
    truth = np.asarray(cv2.GaussianBlur(truth, (0, 0), 2), np.uint8)
    shown = np.roll(openings(), late)
    images = [np.full((320, 320, 3), round(1000 * float(gap)), np.uint8) for gap in shown]
    return [Repainted(k, truth, truth + np.uint8(error), image) for k, image in enumerate(images)]


def test_the_person_themselves_are_right_everywhere(prepared: Prepared) -> None:
    found = judge(iter(painted()), prepared, MASK, GapFinder())
    assert found.opening_r > 0.999
    assert found.lag_frames == 0
    assert found.mouth_ssim == pytest.approx(1.0)
    assert found.sharpness_percent == pytest.approx(100.0)
    assert found.closed_percent == 100.0
    assert found.quiet_deviation_percent < 0.01


def test_a_late_mouth_has_a_lag(prepared: Prepared) -> None:
    found = judge(iter(painted(late=2)), prepared, MASK, GapFinder())
    assert found.lag_frames == 2
    assert found.opening_r < 0.9


def test_an_error_has_its_decibels(prepared: Prepared) -> None:
    found = judge(iter(painted(error=10)), prepared, MASK, GapFinder())
    assert found.mouth_psnr_db == pytest.approx(20 * np.log10(25.5), abs=0.01)
    assert found.sharpness_percent == pytest.approx(100, abs=1)


def test_figures_are_plain_numbers(prepared: Prepared) -> None:
    found = judge(iter(painted()), replace(prepared, quiet=np.zeros(FRAMES, np.bool_)), MASK, GapFinder())
    plain = found.as_json()
    assert plain["quiet_deviation_percent"] is None
    assert plain.keys() == set(Judgement.__dataclass_fields__)


def test_a_curve_that_does_not_move_follows_nothing() -> None:
    assert correlation(np.zeros(9, np.float32), np.arange(9, dtype=np.float32)) == 0
