"""Iris's idle loop has no seam, blinks as people do, and her crop follows her head."""

import numpy as np

from studio.idle import BLINK, LOOP_FRAMES, crop_transform, loop, similarity


def test_loop_has_no_seam() -> None:
    poses = np.array([[p.yaw, p.pitch, p.roll, p.breath] for p in loop()])
    steps = abs(np.diff(np.concatenate([poses, poses[:1]]), axis=0))
    assert steps[-1].max() <= steps[:-1].max()
    assert abs(poses[:, :3]).max() < 5


def test_blinks_as_people_do() -> None:
    closed = np.array([p.blink for p in loop()])
    blinks = int((np.diff((closed > 0).astype(int)) == 1).sum())
    a_minute = blinks * 60 / (LOOP_FRAMES / 25)
    assert 10 <= a_minute <= 20
    assert 100 <= len(BLINK) * 40 <= 250
    assert closed.max() == 1
    assert closed[0] == closed[-1] == 0


def test_similarity_recovers_a_motion() -> None:
    rng = np.random.default_rng(0)
    points, turn = rng.normal(size=(6, 2)) * 50, 0.1
    linear = 1.2 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    found = similarity(points, points @ linear.T + [3, -7])
    np.testing.assert_allclose(found, np.column_stack([linear, [3, -7]]), atol=1e-9)


def test_crop_is_centred_at_rest() -> None:
    anchors = np.array([[300.0, 400], [420, 405], [360, 480]])
    transform = crop_transform(anchors, anchors, np.array([[360.0, 470.0]]))
    np.testing.assert_allclose(transform @ [360, 470, 1], [159.5, 159.5], atol=1e-9)
