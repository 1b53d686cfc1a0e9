"""Avatars on their way in and out: import, export, install, rename, remove."""

from pathlib import Path

import pytest

from lipstream.avatar.bundle import open_bundle
from lipstream.cli.main import execute

pytestmark = pytest.mark.usefixtures("tiny_speech")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPSTREAM_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "avatars"


def names(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir())


def run(*arguments: object) -> int:
    return execute(["avatar", *map(str, arguments)])


def test_an_avatar_goes_out_and_comes_in_again(
    tiny_path: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "me.avatar"
    assert run("export", tiny_path, "-o", packed) == 0
    assert run("install", packed, "--name", "me") == 0
    assert run("rename", "me", "you") == 0
    assert names(home) == ["you"]
    assert run("verify", "you") == 0
    assert run("remove", "you") == 0
    assert names(home) == []
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()][:3] == [str(packed), "me", "you"]


def test_nothing_is_overwritten_by_mistake(
    tiny_path: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "me.avatar"
    packed.write_text("mine")
    assert run("export", tiny_path, "-o", packed) == 1
    assert packed.read_text() == "mine"
    assert run("install", tiny_path) == 0
    assert run("install", tiny_path) == 1
    assert capsys.readouterr().err.count("allow it with --overwrite") == 2
    assert run("export", tiny_path, "-o", packed, "--overwrite") == 0
    assert run("install", packed, "--overwrite") == 0
    assert open_bundle(packed).manifest == open_bundle(home / "tiny").manifest


def test_an_export_has_the_name_of_an_avatar(
    tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", tiny_path, "-o", tmp_path / "me.zip") == 2
    assert "expected a name ending in .avatar" in capsys.readouterr().err


def test_a_damaged_file_is_refused_and_leaves_nothing(
    tiny_path: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", tiny_path, "-o", tmp_path / "me.avatar") == 0
    data = bytearray((tmp_path / "me.avatar").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "me.avatar").write_bytes(data)
    assert run("install", tmp_path / "me.avatar") == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert not home.exists() or names(home) == []


def test_an_avatar_says_who_is_shown_and_who_made_it(tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", tiny_path) == 0
    words = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert words["subject"].strip() == "a drawn face, nobody's"
    assert words["consent"].strip() == "not needed: no person is shown"
    assert words["made by"].strip() == "tests/assets/make_tiny_avatar.py"
