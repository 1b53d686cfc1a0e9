import numpy as np
import pytest

from lipstream.train.preprocess.choosing import driving_window, references, unrolled
from lipstream.types import ARTICULATION, Codes, Float32

GAP = ARTICULATION.index("lip_gap")


def talking(gap: Float32) -> Codes:
    codes = np.zeros((len(gap), 12), np.float32)
    codes[:, GAP] = gap
    return codes


def test_references_are_closed_sharp_and_of_several_poses() -> None:
    frames = 200
    gap = np.where(np.arange(frames) % 4 == 0, 0.0, 0.8).astype(np.float32)
    poses = np.zeros((frames, 3), np.float32)
    poses[:, 0] = np.linspace(-10, 10, frames)
    sharp = np.where(np.arange(frames) % 8 == 0, 9.0, 1.0).astype(np.float32)
    chosen = references(talking(gap), poses, sharp, np.arange(frames) < 150)
    assert 3 <= len(chosen) <= 5
    assert all(one % 8 == 0 and one < 150 for one in chosen)
    assert np.diff(np.sort(poses[chosen, 0])).min() >= 3


def test_a_head_that_keeps_still_needs_one_reference() -> None:
    still = np.zeros((50, 3), np.float32)
    assert len(references(talking(np.zeros(50, "f")), still, np.ones(50, "f"), np.ones(50, np.bool_))) == 1


def test_the_calmest_stretch_drives() -> None:
    gap = np.abs(np.sin(np.arange(900.0))).astype(np.float32)
    gap[500:720] = 0
    first, end = driving_window(talking(gap), np.zeros((900, 3), np.float32), np.zeros(900, np.int64))
    assert 500 <= first < end <= 720
    assert end - first == 200


def test_a_driving_stretch_crosses_no_cut() -> None:
    runs = np.repeat([0, 1, 2], (60, 80, 40))
    first, end = driving_window(talking(np.zeros(180, "f")), np.zeros((180, 3), "f"), runs)
    assert (first, end) == (60, 140)


@pytest.mark.parametrize("length", [2, 75, 200])
def test_a_loop_joins_and_lasts_eight_seconds(length: int) -> None:
    loop = unrolled(length)
    assert len(loop) >= 200
    steps = np.abs(np.diff([*loop, loop[0]]))
    assert steps.max() == 1
    assert set(loop) == set(range(length))
