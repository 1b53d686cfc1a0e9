from pathlib import Path

import numpy as np
import pytest
from tiny_film import FRAMES, HERS, OTHERS, SEEN, PlacedFinder, film_of, write_film

from lipstream.errors import InputError
from lipstream.pipeline.avatar import Avatar
from lipstream.train import scene
from lipstream.train.preprocess.following import Person
from lipstream.train.scene import bridged, expected_frames, fading, film_pictures, lasting, watch_film
from lipstream.types import Float32

NOBODY = np.zeros((0, 1), np.float32)


def quiet(done: int, total: int) -> None:
    """Tell nobody."""


@pytest.fixture
def film(tiny: Avatar, tmp_path: Path) -> Path:
    return write_film(tmp_path / "film.mp4", film_of(tiny))


def person(frames: list[int], x: list[float]) -> Person:
    points = PlacedFinder().detect_all(np.zeros((8, 8, 3), np.uint8))[0]
    shifts = np.array([[(shift, 0, 0)] for shift in x], np.float32)
    return Person(np.array(frames), points + shifts, np.zeros(len(frames), np.int64))


def middles(found: Person) -> Float32:
    return np.asarray(found.points[:, 168, 0] - found.points[0, 168, 0], np.float32)


def test_a_face_that_was_overlooked_is_put_between_its_neighbours() -> None:
    found = bridged(person([0, 1, 4, 5], [0.0, 0.0, 0.6, 0.6]))
    assert found.frames.tolist() == [0, 1, 2, 3, 4, 5]
    assert middles(found) == pytest.approx([0, 0, 0.2, 0.4, 0.6, 0.6], abs=1e-4)
    assert found.runs.tolist() == [0] * 6


@pytest.mark.parametrize(
    ("frames", "x"), [([0, 1, 4], [0.0, 0.0, 40.0]), ([0, 1, 9], [0.0, 0.0, 0.0])], ids=["moved away", "away for long"]
)
def test_a_gap_stays_where_the_film_was_cut(frames: list[int], x: list[float]) -> None:
    found = bridged(person(frames, x))
    assert found.frames.tolist() == frames
    assert found.runs.tolist() == [0, 0, 1]


def test_a_film_is_followed_past_somebody_else(film: Path) -> None:
    found = watch_film(film, PlacedFinder(), NOBODY, 1.0, quiet)
    assert (found.frames, found.height, found.width) == (FRAMES, 128, 128)
    assert (found.rows >= 0).tolist() == SEEN
    assert found.rows[SEEN].tolist() == list(range(sum(SEEN)))
    assert found.transforms.shape == (sum(SEEN), 2, 3)
    assert np.flatnonzero(found.cuts).tolist() == [HERS, HERS + OTHERS]
    assert not found.familiar


@pytest.mark.parametrize(
    ("seen", "cut", "shares"),
    [
        ("..##########..", "", "0 0 .2 .4 .6 .8 1 1 .8 .6 .4 .2 0 0"),
        ("..##########..", "2", "0 0 1 1 1 1 1 1 .8 .6 .4 .2 0 0"),
        ("..##########..", "2 12", "0 0 1 1 1 1 1 1 1 1 1 1 0 0"),
        ("..##########..", "4", "0 0 .2 .4 1 1 1 1 .8 .6 .4 .2 0 0"),
        ("..##########..", "10", "0 0 .2 .4 .6 .8 1 1 1 1 .4 .2 0 0"),
        ("######", "", "1 1 1 1 1 1"),
        (".###.#", "", "0 .2 .4 .2 0 .2"),
        ("......", "3", "0 0 0 0 0 0"),
    ],
    ids=[
        "found and lost",
        "found by a cut",
        "both by a cut",
        "found before a cut",
        "lost after a cut",
        "there throughout",
        "for a moment",
        "never there",
    ],
)
def test_lips_fade_where_she_is_found_or_lost_in_a_shot(seen: str, cut: str, shares: str) -> None:
    cuts = np.zeros(len(seen), bool)
    cuts[[int(frame) for frame in cut.split()]] = True
    found = fading(np.array([one == "#" for one in seen]), cuts)
    assert found == pytest.approx([float(share) for share in shares.split()])


def test_the_last_picture_is_held_and_every_picture_is_a_copy() -> None:
    images = [np.full((2, 2, 3), value, np.uint8) for value in (1, 2)]
    shown = []
    for image in lasting(iter(images), 4):
        shown.append(int(image[0, 0, 0]))
        image[...] = 9
    assert shown == [1, 2, 2, 2]
    assert [int(image[0, 0, 0]) for image in lasting(images, 1)] == [9]


def test_the_header_says_how_long_a_film_is(film: Path, tmp_path: Path) -> None:
    assert expected_frames(film) == FRAMES
    assert expected_frames(tmp_path / "gone.mp4") == 0
    assert sum(1 for _ in film_pictures(film)) == FRAMES


def test_a_list_of_files_is_not_opened_for_its_length(film: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.ffconcat"
    path.write_text(f"ffconcat version 1.0\nfile {film.name}\n")
    assert expected_frames(path) == 0


def test_too_long_a_film_is_refused(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "MOST_FRAMES", 20)
    with pytest.raises(InputError, match="cut it into shorter pieces"):
        watch_film(film, PlacedFinder(), NOBODY, 1.0, quiet)


def test_a_film_that_breaks_off_is_told(
    film: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scene, "expected_frames", lambda _: 200)
    assert watch_film(film, PlacedFinder(), NOBODY, 1.0, quiet).frames == FRAMES
    assert [record.message.split(":")[0] for record in caplog.records] == ["damaged film"]
