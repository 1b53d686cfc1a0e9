from dataclasses import replace

import pytest

from lipstream.errors import InputError
from lipstream.train.preprocess.findings import Findings, check_sound, check_usable

GOOD = Findings(90.0, 0.95, 60.0, 400.0, 2, 0.0, 0.6)


def test_a_good_recording_is_told_in_two_lines() -> None:
    assert len(GOOD.lines()) == 2
    assert "95 %" in GOOD.lines()[0]
    assert Findings(**GOOD.as_json()) == GOOD  # type: ignore[arg-type]  # a count of cuts, as JSON gives it back


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"duration_s": 20.0}, "one to three minutes"),
        ({"usable_share": 0.7}, "hands"),
        ({"face_height_px": 150.0}, "closer"),
        ({"following_r": 0.1}, "own voice"),
    ],
)
def test_what_is_wrong_is_said(changed: dict[str, float], word: str) -> None:
    assert word in " ".join(replace(GOOD, **changed).remarks())  # type: ignore[arg-type]


def test_a_corrected_sound_is_said() -> None:
    assert "200 ms late" in replace(GOOD, sound_late_ms=200.0).lines()[1]
    assert "80 ms early" in replace(GOOD, sound_late_ms=-80.0).lines()[1]


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"usable_share": 0.0}, "No face"),
        ({"face_height_px": 50.0}, "too small"),
        ({"duration_s": 3.0}, "too short"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(changed: dict[str, float], word: str) -> None:
    with pytest.raises(InputError, match=word) as refused:
        check_usable(replace(GOOD, **changed), "me.mp4")  # type: ignore[arg-type]
    assert "me.mp4" in str(refused.value)


def test_sound_without_speech_is_refused() -> None:
    check_sound(60.0, 30.0, "me.mp4")
    with pytest.raises(InputError, match="no speech"):
        check_sound(60.0, 0.2, "me.mp4")
    with pytest.raises(InputError, match="too short"):
        check_sound(2.0, 1.5, "me.mp4")
