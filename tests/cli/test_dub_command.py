from pathlib import Path

import numpy as np
import pytest
from fakes import write_wav

from lipstream.cli import dub as command
from lipstream.cli.dub import name_of, summary
from lipstream.cli.main import execute
from lipstream.pipeline.avatar import Avatar
from lipstream.train.dub import Dubbed
from lipstream.types import Float32, Image
from lipstream.video import landmarks
from lipstream.video.mp4 import open_mp4

pytestmark = pytest.mark.usefixtures("tiny_speech")


class PlacedFinder:
    """Finds a face of 80 pixels in the middle of every picture."""

    def detect_all(self, image: Image, near: Float32 | None = None) -> list[Float32]:
        del image, near
        return [np.random.default_rng(7).uniform(30, 110, (468, 3)).astype(np.float32)]


@pytest.fixture
def film(tiny: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(landmarks, "load_landmarker", lambda _models: PlacedFinder())
    with open_mp4(tmp_path / "my film.mp4", width=128, height=128, sound=iter(())) as writer:
        for frame in range(5):
            writer.write(tiny.clip.image(frame))
    return tmp_path / "my film.mp4"


def test_a_film_is_dubbed(
    film: Path, hello_path: Path, tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    assert execute(["dub", str(film), "--audio", str(hello_path), "-o", str(out), "--avatar", str(tiny_path)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{out}: 52 frames, 52 of them with new lips, 2.1 s of film in ")
    assert "frames: 100 %" in said.err
    assert out.is_file()


def test_the_avatar_is_trained_on_the_film_once_where_none_is_named(
    film: Path, hello_path: Path, tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[object] = []

    def train(context: object, videos: list[Path], name: str, **options: object) -> None:
        del context
        trained.append((videos, name, options))

    monkeypatch.setattr(command, "train", train)
    monkeypatch.setattr(command, "trained_on", lambda *_: bool(trained))
    monkeypatch.setattr("lipstream.avatar.registry.find", lambda _name, _home: tiny_path)
    for out, said in (("a.mp4", ["--self"]), ("b.mp4", [])):
        arguments = ["--audio", str(hello_path), "-o", str(tmp_path / out), "--minutes", "3", *said]
        assert execute(["dub", str(film), *arguments]) == 0
    terms = {"subject": None, "consent": None, "licence": None, "made_by": None, "is_self": True}
    assert trained == [([film], "my-film", {"minutes": 3.0, "resume": True, "face_models": None, **terms})]


def test_terms_of_an_avatar_that_was_trained_on_the_film_already_are_refused(
    film: Path, hello_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "trained_on", lambda *_: True)
    out = tmp_path / "out.mp4"
    terms = ["--subject", "Anna", "--consent", "she agreed"]
    assert execute(["dub", str(film), "--audio", str(hello_path), "-o", str(out), *terms]) == 2
    words = "--subject, --consent: avatar my-film holds its own terms; leave these out, or train another on this film"
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_sound_that_cannot_be_used_is_found_before_training(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "train", lambda *_, **__: pytest.fail("trained"))
    write_wav(tmp_path / "empty.wav", np.zeros(0, np.float32))
    assert execute(["dub", str(film), "--audio", str(tmp_path / "empty.wav"), "-o", str(tmp_path / "out.mp4")]) == 1
    assert "without a single sample" in capsys.readouterr().err
    assert not (tmp_path / "out.mp4").exists()


def test_an_avatar_of_the_films_name_is_used_only_if_it_was_trained_on_it(
    film: Path, hello_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lipstream.train.run_folder import open_run, request_of  # noqa: PLC0415  as the command does

    home = tmp_path / "home"
    monkeypatch.setenv("LIPSTREAM_HOME", str(home))
    assert not command.trained_on(film, "my-film", home)
    (home / "avatars" / "my-film").mkdir(parents=True)
    assert execute(["dub", str(film), "--audio", str(hello_path), "-o", str(tmp_path / "out.mp4")]) == 1
    assert "speak by it with --avatar my-film" in capsys.readouterr().err
    open_run(home / "training" / "my-film", request_of([film], seed=0), resume=False)
    assert command.trained_on(film, "my-film", home)


# What is asked otherwise; the exit code; words of the line.
BAD: dict[str, tuple[list[str], int, str]] = {
    "another suffix": (["-o", "out.avi"], 2, "expected a name ending in .mp4"),
    "no folder": (["-o", "gone/out.mp4"], 1, "create it first"),
    "gain": (["--gain", "3"], 2, "expected 0 (mouth closed) to 2"),
    "length": (["--length", "cut"], 2, "'cut'"),
    "no such sound": (["--audio", "gone.wav"], 2, "'gone.wav' does not exist"),
    "no such avatar": (["--avatar", "nobody"], 1, "no avatar 'nobody'"),
    "terms of an avatar that has its own": (
        ["--subject", "Anna", "--made-by", "me"],
        2,
        "--subject, --made-by: avatar",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrongly_asked_is_told_in_a_line(  # noqa: PLR0917  fixtures
    case: str,
    film: Path,
    hello_path: Path,
    tiny_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    asked, code, words = BAD[case]
    usual = ["--audio", str(hello_path), "-o", "out.mp4", "--avatar", str(tiny_path)]
    assert execute(["dub", str(film), *usual, *asked]) == code
    said = capsys.readouterr().err
    assert words in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my film.mp4"]


def test_a_film_that_is_missing_is_told_before_anything_is_looked_for(
    hello_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["dub", "gone.mp4", "--audio", str(hello_path), "-o", "out.mp4"]) == 2
    assert "'gone.mp4' does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("film", "name"), [("Lena's talk (1).mov", "Lena-s-talk-1"), ("日本.mp4", "film"), ("a.b_c.mkv", "a.b_c")]
)
def test_an_avatar_is_called_as_its_film(film: str, name: str) -> None:
    assert name_of(Path(film)) == name


def test_the_summary_says_in_how_much_of_the_film_she_speaks() -> None:
    line = summary(Path("a.mp4"), Dubbed(frames=250, painted=200), 4000.0, "openvino bf16")
    assert line == "a.mp4: 250 frames, 200 of them with new lips, 10.0 s of film in 4.0 s, openvino bf16"
