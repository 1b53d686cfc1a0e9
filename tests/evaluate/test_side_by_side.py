from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from drawn_face import no_progress
from truth_clips import clip

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.reconstruction import Said
from lipstream.evaluate.report import side_by_side
from lipstream.evaluate.report.side_by_side import (
    STRIP,
    TILE,
    Shot,
    film_picture,
    phones_at,
    sentences_of,
    shots,
    write_film,
)
from lipstream.evaluate.truth import ARRAYS, TruthClip
from lipstream.types import Image

CROP = np.full((320, 320, 3), 100, np.uint8)
PICTURE = np.full((128, 128, 3), 50, np.uint8)


def shot(truth: Image | None) -> Shot:
    return Shot(sentence=0, index=31, crop=CROP, image=PICTURE, truth=truth, phones="AH")


def grey_crops(_: Path, clips: Sequence[TruthClip]) -> Iterator[list[Image]]:
    for one in clips:
        yield [CROP] * len(one.codes)


@pytest.fixture
def truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two rendered sentences and one without pictures."""
    clips = [clip(12, range(0), rendered=True), clip(9, range(0), rendered=True), clip(7, range(0), rendered=False)]
    monkeypatch.setattr(side_by_side, "read_truth", lambda _: clips)
    monkeypatch.setattr(side_by_side, "truth_crops", grey_crops)
    return tmp_path


def test_truth_result_and_difference_stand_side_by_side() -> None:
    picture = film_picture(shot(CROP + 10))
    assert picture.shape == (TILE + 2 * STRIP, 3 * TILE, 3)
    middles = [int(picture[STRIP + TILE // 2, TILE // 2 + place * TILE, 0]) for place in range(3)]
    assert middles == [110, 100, 40]
    assert picture[:STRIP, :TILE].max() > 150  # words
    assert picture[-STRIP:, :TILE].max() > 150


def test_without_truth_the_result_is_alone() -> None:
    picture = film_picture(shot(None))
    assert picture.shape == (128 + 2 * STRIP, 128, 3)
    assert np.array_equal(picture[STRIP : STRIP + 128], PICTURE)


def test_pictures_of_odd_size_become_even() -> None:
    odd = Shot(0, 0, CROP, np.zeros((127, 129, 3), np.uint8), None, "")
    assert film_picture(odd).shape == (128 + 2 * STRIP, 130, 3)


def test_a_frame_knows_when_it_is_and_what_is_spoken() -> None:
    assert shot(None).words == "1.24 s AH"
    phones = clip(4, range(0), rendered=False).phones
    assert [phones_at(phones, index) for index in range(3)] == ["HH", "HH AH", "AH SIL"]
    assert phones_at((), 0) == ""


def test_rendered_sentences_are_shown_with_their_truth(truth: Path, subject: Subject) -> None:
    sentences = sentences_of(subject, truth)
    assert [len(one.codes) for one in sentences] == [12, 9]
    shown = list(shots(subject, sentences, truth, no_progress))
    assert [(one.sentence, one.index) for one in shown] == [(0, i) for i in range(12)] + [(1, i) for i in range(9)]
    assert all(one.truth is CROP for one in shown)


def test_a_film_is_no_longer_than_need_be(truth: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "MOST_FRAMES", 12)
    assert len(sentences_of(subject, truth)) == 1


def test_without_truth_a_sentence_that_came_with_lipstream_is_spoken(
    truth: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "ASSETS", truth)
    assert sentences_of(subject, None) == []
    (truth / "iris").mkdir()
    (truth / "iris" / ARRAYS).touch()
    sentences = sentences_of(subject, None)
    assert [len(one.codes) for one in sentences] == [12]
    assert [one.truth for one in shots(subject, sentences, None, no_progress)] == [None] * 12


def test_truth_without_pictures_is_spoken_in_its_own_words(
    truth: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "ASSETS", truth)
    monkeypatch.setattr(side_by_side, "read_truth", lambda _: [clip(7, range(0), rendered=False)] * 2)
    sentences = sentences_of(subject, truth)
    assert [len(one.codes) for one in sentences] == [7]
    assert [one.truth for one in shots(subject, sentences, truth, no_progress)] == [None] * 7


def test_a_film_has_the_sound_of_its_sentences(tmp_path: Path) -> None:
    clips = [clip(6, range(0), rendered=False), clip(4, range(4), rendered=False)]
    write_film(tmp_path / "film.mp4", [Said(one, one.codes) for one in clips], iter([shot(CROP)] * 10))
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert container.streams.video[0].frames == 10
        assert (container.streams.video[0].width, container.streams.video[0].height) == (1440, 560)
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    loud, quiet = sound[:, 2_000:11_000], sound[:, 13_500:19_000]  # 6 frames of tone, then 4 of nothing
    assert np.abs(loud).max() > 0.2
    assert np.abs(quiet).max() < 0.02
