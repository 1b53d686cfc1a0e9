import numpy as np
from moving_face import face, talk

from lipstream.train.preprocess.articulation import seen_codes, without_pose
from lipstream.types import ARTICULATION

GAP, JAW, PRESS, TONGUE = (ARTICULATION.index(name) for name in ("lip_gap", "jaw", "lip_press", "tongue_front"))


def test_rest_is_zero_and_wide_open_is_one() -> None:
    gap = np.concatenate([np.zeros(60), talk(240)])
    quiet = np.arange(300) < 60
    points = np.stack([face(one) for one in gap])
    codes = seen_codes(points, np.zeros((300, 3), np.float32), np.zeros((300, 12), np.float32), quiet)
    np.testing.assert_allclose(codes[quiet], 0, atol=1e-4)
    for dimension in (GAP, JAW):
        assert abs(np.percentile(codes[~quiet, dimension], 98) - 1) < 0.01
        assert np.corrcoef(codes[:, dimension], gap)[0, 1] > 0.999


def test_what_cannot_be_seen_is_heard_and_open_lips_are_not_pressed() -> None:
    points = np.stack([face(one) for one in talk(100)])
    heard = np.full((100, 12), 0.5, np.float32)
    codes = seen_codes(points, np.zeros((100, 3), np.float32), heard, np.zeros(100, np.bool_))
    np.testing.assert_allclose(codes[:, TONGUE], 0.5)
    assert codes[codes[:, GAP] > 0.5, PRESS].max() == 0
    assert codes[codes[:, GAP] < 0.01, PRESS].min() > 0.45


def test_lips_that_hardly_move_are_not_scaled_up() -> None:
    points = np.stack([face(one) for one in talk(100, most=0.2)])
    codes = seen_codes(points, np.zeros((100, 3), np.float32), np.zeros((100, 12), np.float32), np.arange(100) < 12)
    assert np.abs(codes).max() < 0.2


def test_what_follows_the_heads_pose_is_taken_out() -> None:
    random = np.random.default_rng(0)
    pose, lip = random.standard_normal((200, 3)).astype(np.float32), random.standard_normal(200).astype(np.float32)
    lengths = (lip + 3 * pose[:, 0])[:, None].astype(np.float32)
    assert np.corrcoef(without_pose(lengths, pose)[:, 0], lip)[0, 1] > 0.98
