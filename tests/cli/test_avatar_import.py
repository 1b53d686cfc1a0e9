"""`lipstream avatar import synctalk`, and what is done with what it made."""

from pathlib import Path

import av
import pytest
import tiny_dataset as tiny

from lipstream.cli.main import execute

pytestmark = pytest.mark.usefixtures("tiny_speech")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPSTREAM_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "avatars"


def run(*arguments: object) -> int:
    return execute([*map(str, arguments)])


def test_an_imported_avatar_is_shown_and_speaks(
    home: Path, tmp_path: Path, hello_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = tiny.write_dataset(tmp_path / "dataset")
    networks = ("--checkpoint", tiny.GENERATOR, "--encoder", tiny.ENCODER)
    assert run("avatar", "import", "synctalk", dataset, *networks, "--name", "drawn", "--self") == 0
    assert capsys.readouterr().out == f"drawn: installed in {home / 'drawn'}, with an encoder of its own\n"
    assert run("avatar", "show", "drawn") == 0
    words = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert words["driven by"].strip() == "speech features, an encoder of its own"
    assert words["consent"].strip() == "their own face"
    out = tmp_path / "out.mp4"
    assert run("generate", hello_path, "-o", out, "--avatar", "drawn", "--reference") == 0
    with av.open(str(out), "r") as container:
        assert container.streams.video[0].frames == int((166 - 16) / 80 * 25) + 4
    assert b"trainedAlgorithmicMedia" in out.read_bytes()


def test_who_is_shown_is_asked_for(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = tiny.write_dataset(tmp_path / "dataset")
    made = ("--checkpoint", tiny.GENERATOR, "--name", "drawn", "--subject", "a drawing")
    assert run("avatar", "import", "synctalk", dataset, *made) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith("without an encoder of its own")
    assert told[1].startswith("not recorded: consent, licence, made_by (say ")
    assert run("avatar", "import", "synctalk", dataset, *made) == 1
    assert "drawn exists already" in capsys.readouterr().err
    assert [path.name for path in home.iterdir()] == ["drawn"]


def test_a_refused_import_leaves_nothing(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = tiny.write_dataset(tmp_path / "dataset")
    (dataset / "full_body_img" / "4.jpg").write_bytes(b"x")
    made = ("--checkpoint", tiny.GENERATOR, "--name", "drawn")
    assert run("avatar", "import", "synctalk", dataset, *made) == 1
    assert "4.jpg is not a picture that can be read" in capsys.readouterr().err
    assert list(home.iterdir()) == []


def test_the_reference_s_frames_are_for_imports(
    tiny_path: Path, tmp_path: Path, hello_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    assert run("generate", hello_path, "-o", out, "--avatar", tiny_path, "--reference") == 1
    assert "Avatar tiny is no import from SyncTalk_2D" in capsys.readouterr().err
    assert not out.exists()
