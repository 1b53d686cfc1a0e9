import numpy as np
import pytest
from moving_face import KnowingFinder, face

from lipstream.errors import MediaError
from lipstream.train.preprocess.following import LOOK_SIZE, Sighting, follow, look_of, runs_of, sightings
from lipstream.types import Float32, Image


def room(*people: tuple[int, Float32]) -> Image:
    """A picture in which each person's eyes and nose have a pattern of their own, drawn by its seed."""
    image = np.full((400, 900, 3), 128, np.uint8)
    for seed, points in people:
        left, top = points[:, :2].min(axis=0).astype(int)
        right, bottom = points[:, :2].max(axis=0).astype(int)
        rough = np.random.default_rng(seed).integers(0, 255, (6, 6), np.uint8)
        patch = np.kron(rough, np.ones((80, 80), np.uint8))[: bottom - top, : right - left]
        image[top:bottom, left:right] = patch[..., None]
    return image


def one(x: float) -> Float32:
    return face(scale=0.6, shift=(x, 100))


def follow_all(pictures: list[list[tuple[int, Float32]]]) -> Float32:
    finder = KnowingFinder([[points for _, points in people] for people in pictures])
    tracks, frames, size = sightings((room(*people) for people in pictures), finder)
    assert (frames, size) == (len(pictures), (400, 900))
    person = follow(tracks)
    return np.stack([person.frames, person.points[:, 168, 0], person.runs], axis=1)


def test_a_passer_by_is_not_the_person() -> None:
    passing = [[(1, one(50))] if k < 5 or k > 9 else [(2, one(600)), (1, one(50))] for k in range(20)]
    found = follow_all(passing)
    assert len(found) == 20
    assert np.ptp(found[:, 1]) < 1


def test_the_same_person_is_known_again_after_a_cut() -> None:
    film = [[(1, one(50))]] * 10 + [[(2, one(300))]] * 6 + [[(1, one(600))]] * 5
    found = follow_all(film)
    assert found[:, 0].tolist() == [*range(10), *range(16, 21)]
    assert found[:, 2].tolist() == [0] * 10 + [1] * 5


def test_pictures_without_a_face_are_left_out() -> None:
    finder = KnowingFinder([[one(50)], [], [one(50)]])
    tracks, frames, _ = sightings([room((1, one(50))), room(), None, room((1, one(50)))], finder)
    person = follow(tracks)
    assert frames == 4
    assert person.frames.tolist() == [0, 3]
    assert person.runs.tolist() == [0, 1]
    assert len(follow([]).frames) == 0


def test_a_jump_within_a_shot_ends_a_run() -> None:
    points = np.stack([one(50 + 0.1 * k + (20 if k >= 5 else 0)) for k in range(10)])
    assert runs_of(np.arange(10), points).tolist() == [0] * 5 + [1] * 5


def test_a_look_is_of_one_size_and_light() -> None:
    image = room((1, one(50)))
    look, darker = look_of(image, one(50)), look_of((image // 2).astype(np.uint8), one(50))
    assert look.shape == (LOOK_SIZE[0] * LOOK_SIZE[1],)
    assert float(look @ darker) > 0.99
    assert Sighting(0, one(50), look).frame == 0


def test_pictures_that_change_their_size_are_refused() -> None:
    images = [np.zeros((40, 40, 3), np.uint8), np.zeros((40, 60, 3), np.uint8)]
    with pytest.raises(MediaError, match="change their size"):
        sightings(images, KnowingFinder([[], []]))
