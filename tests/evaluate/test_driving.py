import numpy as np
from talking import Showing, talk_of

from lipstream.evaluate.driving import Mouths, talking_pictures
from lipstream.evaluate.faces import Subject, openings
from lipstream.evaluate.speaking import heard_codes, idle_pictures, speak_over
from lipstream.render.crop import cut
from lipstream.types import Pcm


def test_a_true_crop_is_set_whole_into_its_picture(subject: Subject) -> None:
    talk = talk_of(subject, 30)
    transforms = subject.bundle.transforms
    pictures = list(talking_pictures(subject.avatar, transforms, talk))
    back = cut(pictures[7], transforms[7])
    inner = np.abs(back.astype(int) - talk.crops[7])[20:-20, 20:-20]  # cut out again, soft at hard edges
    assert inner.mean() < 2.0
    assert np.nanmax(openings(pictures, subject.finder)) > 0.05
    assert np.nanmax(openings(idle_pictures(subject.avatar, talk.indices), subject.finder)) < 0.02


def test_what_is_said_instead_is_another_part_of_the_speech(subject: Subject) -> None:
    talk = talk_of(subject, 30)
    np.testing.assert_array_equal(talk.other_codes[:15], talk.heard[15:])
    np.testing.assert_array_equal(talk.other_codes[15:], talk.heard[:15])


def test_a_mouth_is_measured_once_and_the_same_as_every_time(subject: Subject, hello: Pcm) -> None:
    codes = heard_codes(subject.avatar, hello)[:20]
    places = list(range(20))
    pictures = speak_over(subject.avatar, codes, places, idle_pictures(subject.avatar, places))
    expected = openings(pictures, subject.finder)
    counting = Showing(subject.finder)
    mouths = Mouths(Subject(subject.avatar, subject.bundle, subject.weight, counting))
    np.testing.assert_array_equal(mouths.openings(codes), expected)
    seen = counting.seen
    assert seen <= 20
    np.testing.assert_array_equal(mouths.openings(codes), expected)
    assert counting.seen == seen
    mouths.openings(np.full((1, 12), -0.0, np.float32))
    mouths.openings(np.zeros((1, 12), np.float32))
    assert counting.seen <= seen + 1
    assert float(expected.max()) > 0.01
