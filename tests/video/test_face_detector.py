from collections.abc import Mapping

import numpy as np
import pytest

from lipstream.types import Float32
from lipstream.video.face_detector import (
    ANCHOR_COUNT,
    anchors,
    decode,
    detect_faces,
    detect_small_faces,
    letterbox,
    merge,
)


def rows(**faces: Float32) -> tuple[Float32, Float32]:
    """Network rows with a face at the given anchors only."""
    regressors = np.zeros((ANCHOR_COUNT, 16), np.float32)
    logits = np.full(ANCHOR_COUNT, -20.0, np.float32)
    for name, row in faces.items():
        anchor = int(name.removeprefix("a"))
        regressors[anchor], logits[anchor] = row[:16], row[16]
    return regressors, logits


def face_row(logit: float, *, shift: float = 0.0, side: float = 40.0) -> Float32:
    return np.array([shift, 0, side, side, -10, -10, 10, -10, 0, 0, 0, 10, -20, 0, 20, 0, logit], np.float32)


def test_anchors_cover_both_maps() -> None:
    found = anchors()
    assert found.shape == (ANCHOR_COUNT, 2) == (896, 2)
    np.testing.assert_allclose(found[0], [0.5 / 16, 0.5 / 16])
    np.testing.assert_allclose(found[2], [1.5 / 16, 0.5 / 16])
    np.testing.assert_allclose(found[512], [0.5 / 8, 0.5 / 8])
    np.testing.assert_allclose(found[-1], [7.5 / 8, 7.5 / 8])
    np.testing.assert_allclose(found.mean(axis=0), 0.5, atol=1e-6)


def test_letterbox_keeps_the_picture_in_the_middle() -> None:
    tensor, scale, offset = letterbox(np.full((50, 100, 3), (255, 0, 0), np.uint8))
    assert tensor.shape == (1, 128, 128, 3)
    assert scale == pytest.approx(1.28)
    np.testing.assert_array_equal(offset, [0, 32])
    np.testing.assert_allclose(tensor[0, 64, 64], [-1, -1, 1])  # blue comes last in RGB
    np.testing.assert_allclose(tensor[0, 31, 64], -1)


def test_decode_places_points_at_the_anchor() -> None:
    scores, points = decode(*rows(a300=face_row(2.0)))
    centre = anchors()[300] * 128
    assert scores == pytest.approx([0.8808], abs=1e-4)
    np.testing.assert_allclose(points[0, 0], centre)
    np.testing.assert_allclose(points[0, 1], [40, 40])
    np.testing.assert_allclose(points[0, 2], centre - 10)


def test_nothing_below_the_score_is_found() -> None:
    scores, points = decode(*rows(a300=face_row(-0.1)))
    assert scores.shape == (0,)
    assert merge(scores, points) == []


def test_overlapping_rows_are_one_face_and_distant_rows_two() -> None:
    same = merge(*decode(*rows(a300=face_row(2.0), a301=face_row(2.0, shift=4.0))))
    assert len(same) == 1
    np.testing.assert_allclose(same[0][1][0], anchors()[300] * 128 + [2, 0], atol=1e-4)
    apart = merge(*decode(*rows(a0=face_row(1.0), a511=face_row(3.0))))
    assert [round(score, 3) for score, _ in apart] == [0.953, 0.731]


class BrightNetwork:
    """Takes what is bright for a face, from 10 pixels of its input on; below 20 its box is twice as large."""

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        y, x = np.nonzero(inputs["input"][0, :, :, 0] > 0)
        regressors = np.zeros((1, ANCHOR_COUNT, 16), np.float32)
        logits = np.full((1, ANCHOR_COUNT, 1), -20.0, np.float32)
        if len(x) and np.ptp(x) + 1 >= 10:
            side = (np.ptp(x) + 1) * (1 if np.ptp(x) + 1 >= 20 else 2)
            middle = np.array([x.mean(), y.mean()]) + 0.5 - 128 * anchors()[300]
            regressors[0, 300, :8] = [*middle, side, side, *middle, *middle]
            logits[0, 300] = 5
        return {"regressors": regressors, "classificators": logits}


@pytest.mark.parametrize("shape", [(1000, 500), (500, 1000)], ids=["high", "wide"])
def test_a_small_face_is_found_in_a_part_and_looked_at_closer(shape: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    picture[300:360, 200:260] = 255
    assert detect_faces(picture, BrightNetwork()) == []
    (face,) = detect_small_faces(picture, BrightNetwork())
    assert face.box == pytest.approx([200, 300, 260, 360], abs=3)
    assert face.eyes[0] == pytest.approx([230, 330], abs=2)


def test_a_large_face_is_looked_at_once_and_nothing_stays_nothing() -> None:
    picture = np.zeros((400, 600, 3), np.uint8)
    assert detect_small_faces(picture, BrightNetwork()) == []
    picture[100:300, 100:300] = 255
    (face,), (same,) = detect_faces(picture, BrightNetwork()), detect_small_faces(picture, BrightNetwork())
    assert (face.box == same.box).all()


class SeriesNetwork:
    """Finds one series of rows after the other, whatever it looks at."""

    def __init__(self, *found: tuple[Float32, Float32]) -> None:
        self._found = iter(found)

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        del inputs
        regressors, logits = next(self._found)
        return {"regressors": regressors[None], "classificators": logits[None, :, None]}


def test_a_small_face_that_a_closer_look_misses_does_not_become_its_neighbour() -> None:
    both = rows(a300=face_row(2.0, side=20.0), a310=face_row(1.0, side=20.0))  # at 520, 760 and at 920, 760
    one, other = rows(a674=face_row(2.0)), rows(a656=face_row(2.0))  # left of the middle, and at the left edge
    left, right = detect_small_faces(np.zeros((1280, 1280, 3), np.uint8), SeriesNetwork(both, one, other))
    assert left.box == pytest.approx([388.75, 628.75, 576.25, 816.25])
    assert right.box == pytest.approx([820, 660, 1020, 860])


def test_a_face_of_no_size_stays_as_it_is() -> None:
    dot, nothing = rows(a300=face_row(2.0, side=0.0)), rows()
    (face,) = detect_small_faces(np.zeros((128, 128, 3), np.uint8), SeriesNetwork(dot, nothing))
    assert face.box == pytest.approx([52, 76, 52, 76])
