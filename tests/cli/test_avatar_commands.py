import json
import shutil
from pathlib import Path

import pytest

from lipstream.cli.main import execute

pytestmark = pytest.mark.usefixtures("tiny_speech")


@pytest.fixture
def copy(tiny_path: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_path, tmp_path / "tiny"))


def test_installed_avatars_are_listed(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("LIPSTREAM_HOME", str(tmp_path))
    (tmp_path / "avatars").mkdir()
    copy.rename(tmp_path / "avatars" / "me")
    assert execute(["avatar", "list"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["me", "installed"]


def test_avatars_that_cannot_be_used_are_listed_with_the_reason(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("LIPSTREAM_HOME", str(tmp_path))
    home = tmp_path / "avatars"
    for name in ("bad", "good", "newer"):
        shutil.copytree(copy, home / name)
    (home / "bad" / "mask.png").write_bytes(b"x")
    change(home / "newer", format="lipstream.avatar/2")
    (home / "zip.avatar").write_bytes(b"x")
    assert execute(["avatar", "list"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert f"cannot be used: {home / 'bad' / 'mask.png'} is damaged" in lines["bad"]
    assert lines["good"].endswith(str(home / "good"))
    assert f"cannot be used: {home / 'newer' / 'avatar.json'} has format lipstream.avatar/2" in lines["newer"]
    assert f"cannot be used: {home / 'zip.avatar'} is not an intact .avatar zip" in lines["zip"]


def test_no_avatar_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["avatar", "list"]) == 0
    assert capsys.readouterr().out.startswith("No avatar is built in, and none is installed in ")


def test_an_avatar_is_shown(tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["avatar", "show", str(tiny_path)]) == 0
    words = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert words["name"].strip() == "tiny"
    assert words["pictures"].strip() == "128 x 128, 12 in 0.5 s"


def test_an_intact_avatar_is_verified(tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["avatar", "verify", str(tiny_path)]) == 0
    assert "intact" in capsys.readouterr().out


def change(folder: Path, **fields: object) -> None:
    manifest = json.loads((folder / "avatar.json").read_text())
    (folder / "avatar.json").write_text(json.dumps(manifest | fields))


@pytest.mark.parametrize("command", ["show", "verify"])
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda folder: (folder / "frames.mp4").write_bytes(b"x"), "frames.mp4 is damaged"),
        (lambda folder: (folder / "mask.png").unlink(), "mask.png is missing"),
        (lambda folder: change(folder, format="lipstream.avatar/2"), "lipstream.avatar/2"),
        (shutil.rmtree, "no avatar"),
    ],
)
def test_a_faulty_avatar_is_refused_in_one_line(
    command: str, fault: object, says: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(fault)
    fault(copy)
    assert execute(["avatar", command, str(copy)]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1
    assert says in output.err


def test_a_clip_of_another_length_is_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = json.loads((copy / "avatar.json").read_text())
    manifest["frame_width"] = 130
    (copy / "avatar.json").write_text(json.dumps(manifest))
    assert execute(["avatar", "verify", str(copy)]) == 1
    assert "pictures of 128 x 128, the manifest says 12 of 130 x 128" in capsys.readouterr().err
