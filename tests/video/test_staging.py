import errno
from pathlib import Path

import pytest

from lipstream.errors import OutputError, OutputExistsError
from lipstream.video.staging import check_file, staged, writing_to


def test_the_name_is_taken_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with staged(path) as temporary:
        temporary.write_text("done")
        assert temporary.parent == tmp_path
        assert not path.exists()
    assert path.read_text() == "done"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    with staged(tmp_path / "out.txt"):
        pass
    (tmp_path / "other").touch()
    assert (tmp_path / "out.txt").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"

    def race() -> None:
        with staged(path) as temporary:
            temporary.write_text("mine")
            path.write_text("theirs")

    with pytest.raises(OutputExistsError, match="meanwhile"):
        race()
    assert path.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("renamed", [False, True])
def test_an_interruption_while_the_name_is_given_leaves_nothing(
    renamed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> None:
        if renamed:
            replace(self, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), staged(tmp_path / "out.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_dangling_link_counts_as_existing(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.symlink_to(tmp_path / "gone")
    with pytest.raises(OutputExistsError), staged(path):
        pass


def test_a_folder_cannot_be_overwritten(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"), staged(tmp_path, overwrite=True):
        pass


def test_a_very_long_name_fails_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="shorter"), staged(tmp_path / ("x" * 300 + ".mp4"), overwrite=True):
        pass


def test_a_place_is_checked_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_file(tmp_path / "new.mp4", overwrite=False)
    check_file(tmp_path / "file", overwrite=True)
    with pytest.raises(OutputExistsError, match="overwrite=True"):
        check_file(tmp_path / "file", overwrite=False)
    faults = {
        "gone/new.mp4": "folder does not exist",
        "file/new.mp4": "a file lies",
        "x" * 300: "shorter",
        ".": "folder",
    }
    for name, says in faults.items():
        with pytest.raises(OutputError, match=says):
            check_file(tmp_path / name, overwrite=True)


@pytest.mark.parametrize("name", ["a:b.mp4", "ä" * 120 + ".mp4", "100%d.mp4", "-o.mp4"])
def test_odd_names_are_names(tmp_path: Path, name: str) -> None:
    with staged(tmp_path / name) as temporary:
        temporary.write_text("done")
    assert (tmp_path / name).read_text() == "done"


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_the_systems_reason_is_told(number: int, says: str) -> None:
    with pytest.raises(OutputError, match=says), writing_to(Path("out.mp4")):
        raise OSError(number, "Input/output error")
