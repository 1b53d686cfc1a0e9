import numpy as np

from lipstream.evaluate.phones import VOWELS, SpokenPhone, frame_at, frames_inside, voiced_frames
from lipstream.evaluate.visemes import VISEME_OF, VISEMES
from studio import phones as common


def test_frames_are_those_whose_middle_lies_inside() -> None:
    assert frames_inside(SpokenPhone("AA", 20.0, 100.0), 10).tolist() == [0, 1]  # middles at 20, 60, 100
    assert frames_inside(SpokenPhone("T", 61.0, 99.0), 10).tolist() == [2]  # between two middles
    assert frames_inside(SpokenPhone("T", 900.0, 990.0), 10).tolist() == [9]  # after the end


def test_a_time_belongs_to_the_frame_that_shows_it() -> None:
    assert [frame_at(time_ms, 5) for time_ms in (-3.0, 0.0, 39.9, 40.0, 1000.0)] == [0, 0, 0, 1, 4]


def test_silence_is_not_voiced() -> None:
    phones = [SpokenPhone("SIL", 0.0, 80.0), SpokenPhone("AA", 80.0, 200.0)]
    np.testing.assert_array_equal(voiced_frames(phones, 6), [False, False, True, True, True, False])


def test_twelve_visemes_of_phones_that_the_studio_speaks() -> None:
    known = common.VOWELS | common.CONSONANTS
    assert len(VISEMES) == 12
    assert set(VISEME_OF) <= known
    assert known - set(VISEME_OF) == {"AX", "IX", "HH"}  # they take their neighbours' lips
    assert VOWELS == common.VOWELS
    assert sum(len(phones.split()) for phones in VISEMES.values()) == len(VISEME_OF)
