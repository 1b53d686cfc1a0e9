import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.speech.articulation import SEALED_AT, SEALED_FROM, amplify, clamp, fade, fade_weights, seal
from lipstream.types import ARTICULATION, Float32

FALLING = [5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]


def dimension(name: str) -> int:
    return ARTICULATION.index(name)


def speaking(frames: int, *spans: tuple[int, int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    flags = np.zeros(frames, np.bool_)
    for start, end in spans:
        flags[start:end] = True
    return flags


def test_gain_scales_the_opening_alone() -> None:
    codes = np.ones((2, 12), np.float32)
    codes[:, dimension("lip_press")] = 0.0
    loud = amplify(codes, 1.5)
    assert loud[0, dimension("jaw")] == loud[1, dimension("lip_gap")] == 1.5
    assert loud[0, dimension("lip_width")] == loud[0, dimension("protrusion")] == 1.0
    assert loud.dtype == np.float32


def test_pressed_lips_are_not_drawn_apart() -> None:
    codes = np.full((2, 12), 0.1, np.float32)
    codes[:, dimension("lip_press")] = 1.0, 0.0
    gap = dimension("lip_gap")
    assert amplify(codes, 1.6)[:, gap].tolist() == pytest.approx([0.1, 0.16])
    assert amplify(codes, 0.5)[:, gap].tolist() == pytest.approx([0.05, 0.05])


def test_lips_that_press_meet() -> None:
    codes = np.full((4, 12), 0.3, np.float32)
    codes[:, dimension("lip_press")] = 0.0, SEALED_FROM, (SEALED_FROM + SEALED_AT) / 2, SEALED_AT
    sealed = seal(codes)
    assert sealed[:, dimension("lip_gap")].tolist() == pytest.approx([0.3, 0.3, 0.15, 0.0])
    others = [index for index in range(12) if index != dimension("lip_gap")]
    np.testing.assert_array_equal(sealed[:, others], codes[:, others])


def test_gain_leaves_rest_at_rest() -> None:
    assert not amplify(np.zeros((3, 12), np.float32), 2.0).any()


def test_gain_of_one_changes_nothing() -> None:
    codes = np.random.default_rng(0).normal(size=(5, 12)).astype(np.float32)
    np.testing.assert_array_equal(amplify(codes, 1.0), codes)


def test_clamp_keeps_what_speech_reaches() -> None:
    codes = np.linspace(-0.1, 1.4, 12, dtype=np.float32)[None]
    np.testing.assert_array_equal(clamp(codes), codes)
    narrow = np.zeros((1, 12), np.float32)
    narrow[0, dimension("lip_width")] = -1.5
    np.testing.assert_array_equal(clamp(narrow), narrow)


def test_clamp_limits_the_rest() -> None:
    assert clamp(np.full((1, 12), 9.0, np.float32)).max() == pytest.approx(1.5)
    assert clamp(np.full((1, 12), -9.0, np.float32)).min() == pytest.approx(-1.7)


def test_fade_draws_to_rest() -> None:
    faded = fade(np.ones((3, 12), np.float32), np.array([1.0, 0.5, 0.0], np.float32))
    assert faded[:, 0].tolist() == [1.0, 0.5, 0.0]
    assert faded.dtype == np.float32


def test_mouth_closes_160_ms_after_speech_and_is_back_120_ms_before() -> None:
    weights = fade_weights(speaking(40, (0, 5), (30, 40)))
    np.testing.assert_allclose(weights[:9], 1.0)
    np.testing.assert_allclose(weights[9:14], FALLING, atol=1e-6)
    assert not weights[14:22].any()
    np.testing.assert_allclose(weights[22:27], FALLING[::-1], atol=1e-6)
    np.testing.assert_allclose(weights[27:], 1.0)


def test_short_pause_is_no_pause() -> None:
    np.testing.assert_array_equal(fade_weights(speaking(20, (0, 6), (13, 20))), np.ones(20, np.float32))


def test_silence_is_closed() -> None:
    assert not fade_weights(speaking(30)).any()


def test_unknown_future_is_not_used() -> None:
    weights = fade_weights(speaking(30, (20, 30)), ahead_frames=3)
    assert not weights[:17].any()
    np.testing.assert_allclose(weights[17:], 1.0)
    assert not fade_weights(speaking(30, (20, 30)), ahead_frames=0)[:20].any()


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.integers(0, 8), st.data())
def test_weights_look_no_further_than_told(flags: list[bool], ahead: int, data: st.DataObject) -> None:
    whole = fade_weights(np.array(flags), ahead_frames=ahead)
    cut = data.draw(st.integers(1, len(flags)))
    known: Float32 = fade_weights(np.array(flags[:cut]), ahead_frames=ahead)
    np.testing.assert_array_equal(known[: max(0, cut - ahead)], whole[: max(0, cut - ahead)])
    later = fade_weights(np.array(flags[max(0, cut - 9) :]), ahead_frames=ahead)
    np.testing.assert_array_equal(later[min(9, cut) :], whole[cut:])
