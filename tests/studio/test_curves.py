import numpy as np
import pytest

from lipstream.types import ARTICULATION, Codes, Float32
from studio.articulation import curves
from studio.phones import Phone, from_ipa, on_grid


def _phones(spoken: str, start_ms: float = 400.0) -> list[Phone]:
    """Phones from `AA:200 M:60 ...`, after silence."""
    phones = [Phone("SIL", 0.0, start_ms)]
    for name, length_ms in (pair.split(":") for pair in spoken.split()):
        phones.append(Phone(name, phones[-1].end_ms, phones[-1].end_ms + float(length_ms)))
    return phones


def _dimension(codes: Codes, name: str) -> Float32:
    column: Float32 = codes[:, ARTICULATION.index(name)]
    return column


def test_silence_is_rest() -> None:
    codes = curves(_phones("AA:200 SIL:900 AA:200"), 60)
    np.testing.assert_array_equal(codes[:6], 0)  # up to 120 ms before the first sound
    np.testing.assert_array_equal(codes[20:34], 0)  # from 160 ms after a sound to 120 ms before the next
    np.testing.assert_array_equal(codes[48:], 0)
    assert _dimension(codes, "lip_gap")[12] > 0.5


def test_no_phones_is_rest() -> None:
    np.testing.assert_array_equal(curves([], 5), np.zeros((5, 12)))


@pytest.mark.parametrize("closing", ["P", "B", "M"])
@pytest.mark.parametrize("start_ms", np.arange(400, 440, 5))
def test_short_closure_is_never_lost_between_frames(closing: str, start_ms: float) -> None:
    codes = curves(_phones(f"AA:150 {closing}:40 AA:150", start_ms), 40)
    at = slice(int((start_ms + 130) / 40), int((start_ms + 210) / 40) + 1)
    assert _dimension(codes, "lip_gap")[at].min() <= 0
    assert _dimension(codes, "lip_press")[at].max() > 0.95


def test_lip_meets_teeth_on_f() -> None:
    codes = curves(_phones("AA:160 F:100 AA:160"), 30)
    frame = (400 + 160 + 50) // 40
    assert _dimension(codes, "lip_tuck")[frame] > 0.95
    assert 0 < _dimension(codes, "lip_gap")[frame] < 0.3


@pytest.mark.parametrize("rounded", ["UW", "O", "W", "OW"])
def test_rounding_leads_by_60_ms(rounded: str) -> None:
    codes = curves(_phones(f"T:160 {rounded}:160 T:100"), 40)
    before = int((400 + 160 - 60) / 40)
    protrusion, width = _dimension(codes, "protrusion"), _dimension(codes, "lip_width")
    assert protrusion[before] > 0.4 * protrusion.max()
    assert width.min() < -0.5


def test_open_vowels_open_more_than_close_ones() -> None:
    gaps = [_dimension(curves(_phones(f"T:80 {vowel}:200 T:80"), 30), "lip_gap").max() for vowel in ("AA", "EH", "IY")]
    assert gaps[0] > gaps[1] > gaps[2] > 0


def test_ipa_maps_to_common_phones() -> None:
    assert from_ipa("tʃ") == ["CH"]
    assert from_ipa("əʊ") == ["OW"]
    assert from_ipa("") == ["SIL"]
    assert from_ipa("(en)") == []


def test_labels_are_fitted_to_the_sound() -> None:
    phones = [Phone("AA", 0, 100), Phone("SIL", 100, 150), Phone("SIL", 150, 300), Phone("B", 300, 500)]
    fitted = on_grid(phones, 400)
    assert [(p.symbol, p.start_ms, p.end_ms) for p in fitted] == [("AA", 0, 100), ("SIL", 100, 300), ("B", 300, 400)]
    assert on_grid(phones, 600)[-1] == Phone("SIL", 500, 600)
