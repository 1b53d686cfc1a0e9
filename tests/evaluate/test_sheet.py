import cv2
import numpy as np
import pytest
from truth_clips import clip

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.reconstruction import Said
from lipstream.evaluate.report.sheet import ENLARGED, STILL_WIDTH, Album, choices, mask_box, mouth_box
from lipstream.evaluate.report.side_by_side import Shot
from lipstream.types import Float32, Image
from lipstream.video.lips import INNER_LIPS, MOUTH_CORNERS


def said(frames: int, quiet: range) -> Said:
    one = clip(frames, quiet, rendered=False)
    return Said(one, one.codes)


def shot(sentence: int, index: int, *, truth: bool = True) -> Shot:
    crop = np.full((320, 320, 3), index, np.uint8)
    return Shot(sentence, index, crop, crop, crop + 100 if truth else None, "AH")


def test_a_sentence_is_shown_evenly_from_its_first_to_its_last_sound() -> None:
    sentence, *_ = choices([said(100, range(90, 100))])
    assert list(sentence.captions) == [(0, index) for index in range(0, 90, 3)]


def test_the_longest_pause_of_all_sentences_is_shown() -> None:
    _, pause, _ = choices([said(50, range(40, 48)), said(50, range(10, 30))])
    assert pause.title == "A pause"
    assert next(iter(pause.captions)) == (1, 10)
    assert list(pause.captions)[-1] == (1, 29)
    assert "800 ms of sentence 2" in pause.note


def test_no_pause_is_no_sheet() -> None:
    assert [choice.title for choice in choices([said(20, range(0))])] == ["A sentence", "The mouth close by"]
    assert choices([]) == []


def test_the_widest_mouth_is_shown_close_by() -> None:
    *_, close = choices([said(20, range(0))])
    assert close.close
    assert close.captions[0, 5] == "widest open, sentence 1, "


@pytest.mark.parametrize("truth", [False, True])
def test_stills_are_kept_in_order_with_the_truth_above(subject: Subject, truth: bool) -> None:
    album = Album(subject, [said(9, range(0))])
    for index in range(9):
        album.note(shot(0, index, truth=truth))
    sentence, close = album.sheets()
    assert [still.caption for still in sentence.stills[:2]] == ["0.00 s AH", "0.04 s AH"]
    picture = cv2.imdecode(np.frombuffer(sentence.stills[2].jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape[1] == STILL_WIDTH
    assert abs(int(picture[3, 3, 0]) - (102 if truth else 2)) <= 2
    assert abs(int(picture[-3, 3, 0]) - 2) <= 2
    enlarged = cv2.imdecode(np.frombuffer(close.stills[0].jpeg, np.uint8), cv2.IMREAD_COLOR)
    left, _, right, _ = mouth_box(subject)
    assert enlarged is not None
    assert enlarged.shape[1] == ENLARGED * (right - left)


class Mouth:
    """Finds a mouth 40 pixels wide in the middle of the picture."""

    def detect(self, image: Image) -> Float32 | None:
        points = np.full((468, 3), image.shape[0] / 2, np.float32)
        points[MOUTH_CORNERS[0], 0] -= 20
        points[MOUTH_CORNERS[1], 0] += 20
        points[INNER_LIPS[1][0], 0] = image.shape[0] / 2
        return points


class Nothing:
    """Finds no face."""

    def detect(self, image: Image) -> Float32 | None:
        assert image.ndim == 3
        return None


def test_the_mouth_is_found_in_the_crop(subject: Subject) -> None:
    found = Subject(subject.avatar, subject.bundle, subject.weight, Mouth())
    left, top, right, bottom = mouth_box(found)
    scale = float(np.linalg.norm(subject.bundle.transforms[0, :, 0]))
    assert right - left == pytest.approx(60 * scale, abs=2)
    assert 0.6 < (bottom - top) / (right - left) < 0.9
    nothing = Subject(subject.avatar, subject.bundle, subject.weight, Nothing())
    assert mouth_box(nothing) == mask_box(subject.weight)


def test_the_masks_box_has_a_margin_within_the_crop() -> None:
    weight = np.zeros((320, 320), np.float32)
    weight[4:200, 50:100] = 1
    assert mask_box(weight) == (38, 0, 112, 212)
    assert mask_box(np.zeros((320, 320), np.float32)) == (0, 0, 320, 320)
