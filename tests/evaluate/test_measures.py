import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.evaluate import measures
from lipstream.types import Float32

RNG = np.random.default_rng(5)


def smooth_noise(length: int) -> Float32:
    noise = RNG.standard_normal(length + 4)
    return np.convolve(noise, np.ones(5) / 5, mode="valid").astype(np.float32)


def delayed(curve: Float32, frames: int) -> Float32:
    """The curve `frames` later (earlier where negative), its first or last value repeated."""
    index = np.clip(np.arange(len(curve)) - frames, 0, len(curve) - 1)
    return curve[index]


def test_correlation_of_known_curves() -> None:
    line = np.arange(10, dtype=np.float32)
    assert measures.correlation(line, 3 * line + 2) == pytest.approx(1.0)
    assert measures.correlation(line, -line) == pytest.approx(-1.0)
    assert measures.correlation(np.array([0, 1, 0, -1], np.float32), np.array([1, 0, -1, 0], np.float32)) == 0.0


def test_correlation_without_anything_to_correlate() -> None:
    line = np.arange(4, dtype=np.float32)
    assert measures.correlation(line, np.ones(4, np.float32)) == 0.0
    assert measures.correlation(line, np.full(4, np.nan, np.float32)) == 0.0


def test_frames_without_a_face_are_left_out() -> None:
    line = np.arange(6, dtype=np.float32)
    gaps = line.copy()
    gaps[2] = np.nan
    assert measures.correlation(line, gaps) == pytest.approx(1.0)


@given(lag=st.integers(-15, 15))
def test_lag_is_positive_where_the_found_curve_is_late(lag: int) -> None:
    pairs = [(delayed(truth, lag), truth) for truth in (smooth_noise(75), smooth_noise(60), smooth_noise(90))]
    assert measures.lag_frames(measures.lag_curve(pairs)) == lag


def test_a_clip_shorter_than_a_lag_has_no_correlation_there() -> None:
    found = measures.lagged_correlations(delayed(truth := smooth_noise(9), 2), truth)
    assert measures.lag_frames(found) == 2
    assert not found[:7].any()
    assert not found[-7:].any()


def test_loudness_is_the_level_of_each_frame() -> None:
    pcm = np.concatenate([np.full(640, 0.5), np.zeros(640), np.full(320, 1.0)]).astype(np.float32)
    np.testing.assert_allclose(measures.loudness(pcm, 4), [0.5, 0, np.sqrt(0.5), 0], rtol=1e-6)
    np.testing.assert_allclose(measures.loudness(pcm, 1), [0.5])


def test_psnr_counts_only_the_mask() -> None:
    truth = RNG.integers(20, 200, (16, 16, 3), dtype=np.uint8)
    weight = np.zeros((16, 16), np.float32)
    weight[4:12, 4:12] = 1.0
    found = truth.copy()
    found[0, 0] = 255
    assert measures.psnr_db(found, truth, weight) == 99.0
    found[4:12, 4:12] += 5
    assert measures.psnr_db(found, truth, weight) == pytest.approx(20 * np.log10(255 / 5), abs=1e-4)


def test_a_blurred_picture_is_less_sharp() -> None:
    image = RNG.integers(0, 255, (40, 40, 3), dtype=np.uint8)
    everywhere = np.ones((40, 40), np.float32)
    soft = ((image.astype(np.uint16) + np.roll(image, 1, 0) + np.roll(image, 1, 1)) // 3).astype(np.uint8)
    assert measures.sharpness(soft, everywhere) < 0.6 * measures.sharpness(image, everywhere)
    assert measures.sharpness(np.full((40, 40, 3), 9, np.uint8), everywhere) == 0.0


def test_a_line_does_not_tremble() -> None:
    assert measures.tremble(np.arange(20, dtype=np.float32)) == 0.0
    assert measures.tremble(np.array([0, 1, 0, 1, 0, 1], np.float32)) == pytest.approx(4.0)  # 2 over 0.5
    assert measures.tremble(np.zeros(9, np.float32)) == 0.0
    assert measures.tremble(np.full(9, np.nan, np.float32)) == 0.0
    gap = np.tile(np.array([0, 1], np.float32), 50)
    assert measures.tremble(np.where(np.arange(100) == 7, np.float32(np.nan), gap)) == pytest.approx(4.0, rel=1e-3)


def test_jitter_is_the_second_difference_of_points() -> None:
    steady = np.cumsum(np.ones((9, 4, 2), np.float32), axis=0)
    assert measures.jitter([steady]) == 0.0
    shaking = steady + np.where(np.arange(9) % 2, np.float32(1), np.float32(0))[:, None, None] * [1, 0]
    assert measures.jitter([shaking]) == pytest.approx(2.0)
    assert measures.jitter([steady, shaking]) == pytest.approx(np.sqrt(2.0))
    assert measures.jitter([shaking[:2]]) == 0.0
    lost = shaking.copy()
    lost[4] = np.nan
    assert measures.jitter([lost]) == pytest.approx(2.0)


def test_the_residual_is_what_a_straight_line_leaves() -> None:
    truth = np.arange(10, dtype=np.float32)
    assert measures.residual(3 * truth + 2, truth) == pytest.approx(0.0, abs=1e-6)
    wavy = 3 * truth + np.array([1, -1, -1, 1, 0, 0, 1, -1, -1, 1], np.float32)
    assert measures.residual(wavy, truth) == pytest.approx(np.sqrt(0.8), rel=0.01)
    assert np.isnan(measures.residual(truth[:2], truth[:2]))
