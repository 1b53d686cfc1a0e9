import json
import shutil
from pathlib import Path

import pytest

from lipstream.avatar.archive import pack
from lipstream.avatar.bundle import open_bundle
from lipstream.avatar.installed import install, new_avatar, remove, rename
from lipstream.avatar.registry import list_avatars
from lipstream.errors import AvatarError, AvatarNotFoundError, InputError, OutputError, OutputExistsError

TINY = Path(__file__).parents[1] / "assets" / "avatars" / "tiny"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    pack(TINY, ["avatar.json", *open_bundle(TINY).manifest.files], tmp_path / "me.avatar")
    return tmp_path / "me.avatar"


def test_a_packed_avatar_is_installed_as_it_was(packed: Path, tmp_path: Path) -> None:
    folder = install(packed, tmp_path / "home")
    assert folder == tmp_path / "home" / "avatars" / "tiny"
    assert files(folder) == files(TINY)
    assert all((folder / name).read_bytes() == (TINY / name).read_bytes() for name in files(TINY))
    assert files(folder.parent) == ["tiny"]


def test_packing_gives_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    pack(TINY, ["avatar.json", *open_bundle(TINY).manifest.files], tmp_path / "again.avatar")
    assert packed.read_bytes() == (tmp_path / "again.avatar").read_bytes()


def test_a_folder_is_installed_under_another_name(tmp_path: Path) -> None:
    copy = shutil.copytree(TINY, tmp_path / "copy")
    fields = json.loads((copy / "avatar.json").read_text())
    (copy / "avatar.json").write_text(json.dumps({**fields, "of_a_later_version": 1}))
    (copy / "notes.txt").write_text("not listed")
    folder = install(copy, tmp_path, name="me")
    assert open_bundle(folder).manifest.name == "me"
    assert json.loads((folder / "avatar.json").read_text())["of_a_later_version"] == 1
    assert files(folder) == files(TINY)


def test_an_installed_avatar_is_kept_unless_overwritten(tmp_path: Path) -> None:
    folder = install(TINY, tmp_path)
    (folder / "mine").touch()
    with pytest.raises(OutputExistsError, match="tiny exists already"):
        install(TINY, tmp_path)
    assert (folder / "mine").exists()
    install(TINY, tmp_path, overwrite=True)
    assert files(folder) == files(TINY)
    assert files(folder.parent) == ["tiny"]


def test_a_file_of_that_name_is_the_avatar_too(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "avatars").mkdir()
    shutil.copy(packed, tmp_path / "avatars" / "tiny.avatar")
    with pytest.raises(OutputExistsError, match=r"tiny\.avatar exists already"):
        install(TINY, tmp_path)
    install(TINY, tmp_path, overwrite=True)
    assert files(tmp_path / "avatars") == ["tiny"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_nothing_is_left_of_a_damaged_one(overwrite: bool, tmp_path: Path) -> None:
    before = install(TINY, tmp_path) if overwrite else None
    copy = shutil.copytree(TINY, tmp_path / "copy")
    (copy / "mask.png").write_bytes(b"x")
    with pytest.raises(AvatarError, match=r"mask.png is damaged"):
        install(copy, tmp_path, overwrite=overwrite)
    assert files(tmp_path / "avatars") == (["tiny"] if before else [])


def test_a_file_damaged_on_the_way_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.copyfile", lambda _, target: Path(target).write_bytes(b"{}"))
    with pytest.raises(AvatarError):
        install(TINY, tmp_path)
    assert files(tmp_path / "avatars") == []


def test_a_full_disk_leaves_nothing_and_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = install(TINY, tmp_path)

    def fail(source: Path, target: Path) -> None:  # noqa: ARG001
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", fail)
    with pytest.raises(OutputError, match="No space left on device; check permissions and free disk space"):
        install(TINY, tmp_path, overwrite=True)
    assert files(folder) == files(TINY)
    assert files(folder.parent) == ["tiny"]


def test_a_failed_exchange_puts_back_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = install(TINY, tmp_path)
    (folder / "mine").touch()
    renamed = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name.endswith(".part"):
            raise KeyboardInterrupt
        return renamed(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", fail)
        with pytest.raises(KeyboardInterrupt):
            install(TINY, tmp_path, overwrite=True)
    assert (folder / "mine").exists()
    assert files(folder.parent) == ["tiny"]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "a b", "a" * 101, "me.avatar", "a\n"])
def test_names_that_are_none_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be an avatar's name"):
        install(TINY, tmp_path, name=name)
    assert not (tmp_path / "avatars").exists()


def test_what_is_half_made_is_no_avatar_yet(tmp_path: Path) -> None:
    with new_avatar("me", tmp_path) as folder:
        shutil.copytree(TINY, folder, dirs_exist_ok=True)
        assert [avatar for avatar in list_avatars(tmp_path) if avatar.source == "installed"] == []
    assert [avatar.name for avatar in list_avatars(tmp_path) if avatar.source == "installed"] == ["me"]


def test_an_avatar_is_removed(packed: Path, tmp_path: Path) -> None:
    install(TINY, tmp_path, name="a")
    shutil.copy(packed, tmp_path / "avatars" / "b.avatar")
    (tmp_path / "avatars" / "c").symlink_to(TINY)
    for name in ("a", "b", "c"):
        remove(name, tmp_path)
    assert files(tmp_path / "avatars") == []
    assert files(TINY)


def test_an_avatar_is_renamed(packed: Path, tmp_path: Path) -> None:
    install(TINY, tmp_path)
    assert rename("tiny", "me", tmp_path) == tmp_path / "avatars" / "me"
    shutil.copy(packed, tmp_path / "avatars" / "you.avatar")
    with pytest.raises(OutputExistsError):
        rename("you", "me", tmp_path)
    assert files(tmp_path / "avatars") == ["me", "you.avatar"]
    rename("you", "me", tmp_path, overwrite=True)
    assert files(tmp_path / "avatars") == ["me"]
    assert open_bundle(tmp_path / "avatars" / "me").manifest.name == "me"
    with pytest.raises(InputError, match="is called so already"):
        rename("me", "me", tmp_path)


def test_built_in_avatars_stay(tmp_path: Path) -> None:
    for change in (lambda: remove("iris", tmp_path), lambda: rename("iris", "me", tmp_path)):
        with pytest.raises(AvatarError, match="iris comes with lipstream and stays as it is"):
            change()
    with pytest.raises(InputError, match="An avatar iris comes with lipstream, and this would hide it"):
        install(TINY, tmp_path, name="iris")
    install(TINY, tmp_path, name="me")
    with pytest.raises(InputError, match="give another name"):
        rename("me", "iris", tmp_path)
    (tmp_path / "avatars" / "me").rename(tmp_path / "avatars" / "iris")  # by hand, it hides it
    remove("iris", tmp_path)
    assert [avatar.source for avatar in list_avatars(tmp_path) if avatar.name == "iris"] == ["built in"]


def test_only_installed_avatars_change(tmp_path: Path) -> None:
    with pytest.raises(AvatarNotFoundError, match=r"No avatar 'nobody' is installed; installed: none\."):
        remove("nobody", tmp_path)
    with pytest.raises(AvatarNotFoundError, match="is a path; expected the name of an installed avatar"):
        remove(str(TINY), tmp_path)
