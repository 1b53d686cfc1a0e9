import numpy as np
from moving_face import face, talk

from lipstream.train.preprocess.alignment import (
    ANCHORS,
    CHIN,
    HOME,
    LOWEST_CHIN_PIXELS,
    apply,
    crop_transforms,
    framing_scale,
    in_crop,
    poses,
    similarities,
    smoothed,
)


def test_a_similarity_is_found_again() -> None:
    turn = np.array([[1.5, -0.5], [0.5, 1.5]], np.float32)
    target = HOME @ turn.T + np.array([3, -7], np.float32)
    found = similarities(HOME[None], target[None])
    np.testing.assert_allclose(found[0], np.column_stack([turn, (3, -7)]), atol=1e-3)


def test_anchors_come_to_lie_at_home_whatever_the_size() -> None:
    points = np.stack([face(0.0, scale=0.4, shift=(200, 100)) for _ in range(5)])
    runs = np.zeros(5, np.int64)
    placed = apply(crop_transforms(points, runs, 1.0), points[:, ANCHORS, :2])
    np.testing.assert_allclose(placed, np.broadcast_to(HOME, placed.shape), atol=0.05)


def test_the_widest_opening_is_inside_the_crop() -> None:
    points = np.stack([face(gap) for gap in talk(50, most=80.0)])
    runs = np.zeros(50, np.int64)
    scale = framing_scale(points, runs)
    placed = in_crop(points, crop_transforms(points, runs, scale))
    assert scale < 1
    assert np.percentile(placed[:, CHIN, 1], 99) <= LOWEST_CHIN_PIXELS + 0.5


def test_smoothing_delays_nothing_and_does_not_cross_a_cut() -> None:
    values = np.zeros((40, 1), np.float32)
    values[20:] = 1
    whole, cut = smoothed(values, np.zeros(40, np.int64)), smoothed(values, np.repeat([0, 1], 20))
    assert abs(float(whole[19, 0] + whole[20, 0]) - 1) < 1e-5  # the middle of the step stays where it was
    np.testing.assert_allclose(cut, values, atol=1e-6)


def test_a_turned_head_has_another_pose() -> None:
    straight, turned = face(), face()
    turned[263, 2] += 60  # the left eye's corner farther away
    found = poses(np.stack([straight, turned]), np.array([0, 1]))
    assert abs(found[1, 0] - found[0, 0]) > 10
    np.testing.assert_allclose(found[0, 1:], found[1, 1:], atol=1e-3)
