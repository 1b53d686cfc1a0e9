import numpy as np

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.speaking import batches, heard_codes, idle_pictures, speak_over
from lipstream.pipeline.offline import render
from lipstream.types import Pcm


def test_batches_keep_every_item() -> None:
    assert list(batches(range(19))) == [list(range(8)), list(range(8, 16)), [16, 17, 18]]
    assert list(batches([])) == []


def test_speaking_over_the_clip_itself_is_what_a_user_gets(subject: Subject, hello: Pcm) -> None:
    codes = heard_codes(subject.avatar, hello)
    places = list(range(len(codes)))
    over = speak_over(subject.avatar, codes, places, idle_pictures(subject.avatar, places))
    for image, frame in zip(over, render(hello, subject.avatar), strict=True):
        np.testing.assert_array_equal(image, frame.image)


def test_codes_are_heard_for_every_frame(subject: Subject) -> None:
    assert heard_codes(subject.avatar, np.zeros(30 * 640 + 1, np.float32)).shape == (31, 12)
