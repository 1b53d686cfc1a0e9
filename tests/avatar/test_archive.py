import stat
import zipfile
from pathlib import Path

import pytest

from lipstream.avatar import archive as archive_module
from lipstream.avatar.archive import unpack
from lipstream.errors import AvatarError


def write(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def test_unpacks_plain_files(tmp_path: Path, folder: Path) -> None:
    unpack(write(tmp_path / "a.avatar", {"a.json": b"1", "b.npz": b"22"}), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a.json": b"1", "b.npz": b"22"}


@pytest.mark.parametrize("name", ["../a", "/a", "a/b", "a/", "..", ".hidden", "a\\b", "C:a", "a\nb", "a" * 101])
def test_refuses_names_that_could_leave_the_folder(tmp_path: Path, folder: Path, name: str) -> None:
    with pytest.raises(AvatarError, match="expected plain file names"):
        unpack(write(tmp_path / "a.avatar", {"avatar.json": b"", name: b""}), folder)
    assert list(folder.iterdir()) == []


def test_refuses_links(tmp_path: Path, folder: Path) -> None:
    link = zipfile.ZipInfo("mask.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.avatar", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(AvatarError, match="is a link, "):
        unpack(tmp_path / "a.avatar", folder)


def test_refuses_many_members(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(AvatarError, match="65 members"):
        unpack(write(tmp_path / "a.avatar", {str(i): b"" for i in range(65)}), folder)


def test_refuses_a_bomb_before_unpacking(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(AvatarError, match="unpacks to 1000001 bytes"):
        unpack(write(tmp_path / "a.avatar", {"a": bytes(1_000_001)}), folder)
    assert list(folder.iterdir()) == []


def test_refuses_a_name_that_comes_twice(tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.avatar", "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    with pytest.raises(AvatarError, match="not an intact"):
        unpack(tmp_path / "a.avatar", folder)


def test_damaged_archives(tmp_path: Path, folder: Path) -> None:
    content = write(tmp_path / "a.avatar", {"a": bytes(range(256)) * 50}).read_bytes()
    position = content.index(b"a") + 20
    for damaged in (b"", b"not a zip", content[:-10], content[:position] + b"\xff\xff\xff" + content[position + 3 :]):
        (tmp_path / "b.avatar").write_bytes(damaged)
        with pytest.raises(AvatarError, match="not an intact"):
            unpack(tmp_path / "b.avatar", folder)
        for path in folder.iterdir():
            path.unlink()


@pytest.mark.parametrize("flag", [0x20, 0x40])
def test_refuses_packing_that_zipfile_lacks(tmp_path: Path, folder: Path, flag: int) -> None:
    content = bytearray(write(tmp_path / "a.avatar", {"a": b"1"}).read_bytes())
    content[content.index(b"PK\1\2") + 8] |= flag
    (tmp_path / "b.avatar").write_bytes(content)
    with pytest.raises(AvatarError, match="not an intact"):
        unpack(tmp_path / "b.avatar", folder)


def test_refuses_other_compressions(tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.avatar", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("avatar.json", b"{}")
    with pytest.raises(AvatarError, match="oddly packed"):
        unpack(tmp_path / "a.avatar", folder)
