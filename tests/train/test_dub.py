import os
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from fakes import write_wav
from tiny_film import FRAMES, SEEN, PlacedFinder, film_of, other_person, write_film

from lipstream.avatar.bundle import open_bundle
from lipstream.errors import InputError, LipstreamError, MediaError, OutputExistsError
from lipstream.pipeline.avatar import Avatar
from lipstream.render.synctalk import SyncTalkFace
from lipstream.train.dub import LOOKS, Dubbed, Wish, check_sound, dub, scale_of
from lipstream.types import Float32, Image, Pcm
from lipstream.video.pictures import pictures

DATA = os.environ.get("LIPSTREAM_DATA")


@pytest.fixture
def film(tiny: Avatar, tmp_path: Path) -> Path:
    return write_film(tmp_path / "film.mp4", film_of(tiny))


def quiet(group: str, done: int, total: int) -> None:
    """Tell nobody."""


def differences(one: Path, other: Path) -> Float32:
    """How much the mouths, and the rest, of two films differ, `[frames, 2]` levels on average."""
    mouth = np.s_[84:100, 52:76]
    pairs = zip(pictures(one), pictures(other), strict=False)
    away = [np.abs(a.astype(np.float32) - b) for a, b in pairs]
    return np.array([(image[mouth].mean(), image[:40].mean()) for image in away], np.float32)


def test_lips_are_new_where_she_is_seen_and_all_else_stays(
    tiny: Avatar, film: Path, hello_path: Path, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    out = tmp_path / "out.mp4"
    made = dub(Wish(film, hello_path, out), tiny, 1.0, PlacedFinder(), lambda *done: told.append(done))
    assert made == Dubbed(frames=52, painted=sum(SEEN) + 52 - FRAMES)
    mouth, rest = differences(film, out).T
    assert rest.max() < 3  # what encoding twice does
    assert mouth[~np.array(SEEN)].max() < 6
    assert mouth[SEEN].max() > 12
    assert told[0] == ("faces", 1, FRAMES)
    assert told[-1] == ("frames", 52, 52)
    with av.open(str(out)) as container:
        assert [container.streams.video[0].frames, container.streams.audio[0].channels] == [52, 2]


def test_the_last_picture_is_held_for_longer_sound_and_still_speaks(
    tiny: Avatar, film: Path, hello_path: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    dub(Wish(film, hello_path, out), tiny, 1.0, PlacedFinder(), quiet)
    held = list(pictures(out))[FRAMES - 1 :]
    assert max(np.abs(image[:40].astype(int) - held[0][:40]).mean() for image in held) < 2
    assert np.std([image[88:98, 58:70].mean() for image in held]) > 2


def test_longer_sound_is_refused_where_that_is_wished(
    tiny: Avatar, film: Path, hello_path: Path, tmp_path: Path
) -> None:
    wish = Wish(film, hello_path, tmp_path / "out.mp4", length="refuse")
    with pytest.raises(InputError, match=r"lasts 2.08 s, .*film.mp4 only 1.40 s; .* --length hold"):
        dub(wish, tiny, 1.0, PlacedFinder(), quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_longer_sound_is_refused_before_an_avatar_is_trained_for_it(film: Path, hello: Pcm, tmp_path: Path) -> None:
    write_wav(tmp_path / "long.wav", np.resize(hello, 5 * 16_000))
    wish = Wish(film, tmp_path / "long.wav", tmp_path / "out.mp4", length="refuse")
    with pytest.raises(InputError, match=r"lasts 5.00 s, .*film.mp4 only 1.40 s"):
        check_sound(wish)
    check_sound(replace(wish, length="hold"))


def test_after_shorter_sound_the_film_goes_on_with_closed_lips(
    tiny: Avatar, film: Path, hello: Pcm, tmp_path: Path
) -> None:
    write_wav(tmp_path / "short.wav", hello[:6_400])
    wish = Wish(film, tmp_path / "short.wav", tmp_path / "out.mp4", length="refuse")
    assert dub(wish, tiny, 1.0, PlacedFinder(), quiet) == Dubbed(frames=FRAMES, painted=sum(SEEN))
    light = [image[90:95, 60:68].mean() for image in pictures(tmp_path / "out.mp4")]
    assert len(light) == FRAMES
    assert np.ptp(light[-5:]) < 8
    assert min(light[-5:]) > min(light[:10]) + 20  # an open mouth is dark


def test_somebody_else_is_taken_with_a_warning(
    tiny: Avatar, hello_path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    film = write_film(tmp_path / "film.mp4", [other_person()] * 5)
    assert dub(Wish(film, hello_path, tmp_path / "out.mp4"), tiny, 1.0, PlacedFinder(), quiet).painted == 52
    assert ["looks like the avatar" in record.message for record in caplog.records] == [True]


class LosingFinder(PlacedFinder):
    """Loses the face after so many pictures."""

    def __init__(self, pictures: int) -> None:
        super().__init__()
        self._left = pictures

    def detect_all(self, image: Image, near: Float32 | None = None) -> list[Float32]:
        self._left -= 1
        return super().detect_all(image, near) if self._left >= 0 else []


def test_her_own_lips_come_back_little_by_little_where_she_is_lost_in_a_shot(tiny: Avatar, tmp_path: Path) -> None:
    image = tiny.clip.image(0)
    image[84:102, 54:74] = 0  # her own lips are dark
    film = write_film(tmp_path / "film.mp4", [image] * 16)
    write_wav(tmp_path / "short.wav", np.zeros(640, np.float32))
    dub(Wish(film, tmp_path / "short.wav", tmp_path / "out.mp4", gain=0), tiny, 1.0, LosingFinder(LOOKS + 10), quiet)
    new = np.array([image[88:98, 58:70].mean() for image in pictures(tmp_path / "out.mp4")])
    shares = (new - new[-1]) / (new[0] - new[-1])
    assert shares == pytest.approx([1] * 6 + [0.8, 0.6, 0.4, 0.2] + [0] * 6, abs=0.08)


def test_an_odd_picture_loses_a_line(tiny: Avatar, hello_path: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 127, 125, "bgr0"
        for image in film_of(tiny)[:5]:
            small: Image = np.ascontiguousarray(image[:125, :127])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(small, "bgr24").reformat(format="bgr0")))
        container.mux(stream.encode(None))
    dub(Wish(film, hello_path, tmp_path / "out.mp4"), tiny, 1.0, PlacedFinder(), quiet)
    assert next(pictures(tmp_path / "out.mp4")).shape == (124, 126, 3)


def imported(avatar: Avatar) -> Avatar:
    return replace(avatar, face=object.__new__(SyncTalkFace))


# What is changed in the wish; whether faces are found; the error and words of it.
REFUSED: dict[str, tuple[dict[str, str], type[LipstreamError], str]] = {
    "no video": ({"film": "hello.txt"}, MediaError, "hello.txt cannot be decoded"),
    "no such film": ({"film": "gone.mp4"}, MediaError, "gone.mp4 cannot be decoded"),
    "no sound": ({"audio": "hello.txt"}, MediaError, "hello.txt cannot be decoded"),
    "no such sound": ({"audio": "gone.wav"}, InputError, "gone.wav cannot be read"),
    "pictures": ({"out": "out.jpg"}, InputError, "expected a name ending in .mp4"),
    "the film itself": ({"out": "film.mp4"}, InputError, "is an input itself"),
    "there already": ({"out": "there.mp4"}, OutputExistsError, "exists already"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused(case: str, tiny: Avatar, film: Path, hello_path: Path, tmp_path: Path) -> None:
    changed, error, words = REFUSED[case]
    (tmp_path / "hello.txt").write_text("hello")
    (tmp_path / "there.mp4").write_text("mine")
    before = sorted(tmp_path.iterdir())
    paths = {name: tmp_path / path for name, path in changed.items()}
    with pytest.raises(error, match=words):
        dub(replace(Wish(film, hello_path, tmp_path / "out.mp4"), **paths), tiny, 1.0, PlacedFinder(), quiet)  # type: ignore[arg-type]
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "there.mp4").read_text() == "mine"


def test_a_film_without_a_face_is_refused(tiny: Avatar, film: Path, hello_path: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No face was found in .*film.mp4"):
        dub(Wish(film, hello_path, tmp_path / "out.mp4"), tiny, 1.0, PlacedFinder(none=True), quiet)
    assert not (tmp_path / "out.mp4").exists()


def test_an_imported_avatar_is_refused(tiny: Avatar, film: Path, hello_path: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="speaks in its own pictures only"):
        dub(Wish(film, hello_path, tmp_path / "out.mp4"), imported(tiny), 1.0, PlacedFinder(), quiet)


def test_an_avatar_that_does_not_say_is_framed_as_the_built_in_one(tiny_path: Path) -> None:
    assert scale_of(open_bundle(tiny_path)) == 1.0


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="LIPSTREAM_DATA does not name the real test data")
def test_a_real_film_keeps_its_length_and_all_but_the_mouth(tiny: Avatar, hello: Pcm, tmp_path: Path) -> None:
    from lipstream.video.landmarks import load_landmarker  # noqa: PLC0415  needs the face models

    film, out = Path(DATA or "", "talking_head", "grid_s1", "bbaf2n.mpg"), tmp_path / "out.mp4"
    write_wav(tmp_path / "short.wav", hello[:16_000])
    made = dub(Wish(film, tmp_path / "short.wav", out), tiny, 1.0, load_landmarker(), quiet)
    assert made == Dubbed(frames=75, painted=75)
    pairs = zip(pictures(film), pictures(out), strict=True)
    assert max(np.abs(a[:90].astype(np.float32) - b[:90]).mean() for a, b in pairs) < 3
