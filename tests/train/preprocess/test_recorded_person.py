from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.errors import MediaError
from lipstream.train.preprocess.recording import at_constant_rate, fitted, sound_beside, steady_pictures


def at(times_s: Sequence[float]) -> list[int | None]:
    return list(at_constant_rate(enumerate_times(times_s)))


def enumerate_times(times_s: Sequence[float]) -> list[tuple[float | None, int]]:
    return [(time_s, number) for number, time_s in enumerate(times_s)]


def test_pictures_at_25_a_second_stay_as_they_are() -> None:
    assert at([0.5 + 0.04 * k for k in range(75)]) == list(range(75))


def test_of_twice_as_many_every_second_is_shown() -> None:
    assert at([0.02 * k for k in range(100)]) == list(range(0, 100, 2))


def test_of_29_97_a_second_the_nearest_are_shown() -> None:
    shown = at([k / 29.97 for k in range(90)])
    assert len(shown) == 75
    assert all(one is not None and abs(one / 29.97 - k / 25) <= 0.5 / 29.97 for k, one in enumerate(shown))


def test_a_hole_shows_nothing_and_keeps_the_time() -> None:
    shown = at([0.0, 0.04, 1.04, 1.08])
    assert len(shown) == 28
    assert shown[:2] == [0, 1]
    assert shown[10] is None
    assert shown[26:] == [2, 3]


def test_times_that_are_missing_or_go_back_do_no_harm() -> None:
    assert list(at_constant_rate([(None, "a"), (None, "b"), (0.0, "c"), (None, "d")])) == ["a", "b", "d"]
    assert list(at_constant_rate([])) == []


@given(st.lists(st.floats(0.001, 0.2), min_size=1, max_size=40))
def test_any_rate_gives_25_a_second(gaps_s: list[float]) -> None:
    times_s = np.concatenate([[0.0], np.cumsum(gaps_s)]).tolist()
    shown = at(times_s)
    assert abs(len(shown) / 25 - (times_s[-1] + 0.02)) <= 0.04
    assert shown == sorted(one for one in shown if one is not None)


def write_film(path: Path, *, frames: int, rate: Fraction, sound_late: int = 0) -> None:
    """Grey pictures that brighten, and a click in the middle of the sound, at 16 kHz."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"crf": "10"})
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for k in range(frames):
            image = np.full((32, 32, 3), 20 + k, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(video.encode(None))
        samples = np.zeros((1, 16_000), np.int16)
        samples[0, 8_000] = 30_000
        sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        sound.sample_rate, sound.pts = 16_000, sound_late
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))


def test_a_film_is_decoded_at_25_a_second(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    write_film(path, frames=60, rate=Fraction(30000, 1001))
    levels = [int(image.mean()) for image in steady_pictures(path) if image is not None]
    assert len(levels) == 50
    assert abs(levels[25] - (20 + 30)) <= 2


@pytest.mark.parametrize("late", [0, 3_200])
def test_sound_is_counted_from_the_first_picture(tmp_path: Path, late: int) -> None:
    path = tmp_path / "film.mkv"
    write_film(path, frames=30, rate=Fraction(25), sound_late=late)
    pcm = sound_beside(path)
    assert abs(int(np.abs(pcm).argmax()) - 8_000 - late) <= 16  # Matroska counts milliseconds
    assert len(fitted(pcm, 50)) == 32_000


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"no film")
    for read in (lambda: list(steady_pictures(path)), lambda: sound_beside(path)):
        with pytest.raises(MediaError, match=r"cannot be decoded .*; expected a video file; export it again"):
            read()
