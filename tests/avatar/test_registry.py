import shutil
from pathlib import Path

import pytest

from lipstream.avatar import registry
from lipstream.avatar.registry import find, list_avatars, speech_folder
from lipstream.errors import AvatarError, AvatarNotFoundError

ASSETS = Path(__file__).parents[1] / "assets"
TINY = ASSETS / "avatars" / "tiny"


@pytest.fixture(autouse=True)
def built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Assets in which `iris` is built in."""
    shutil.copytree(TINY, tmp_path / "assets" / "iris")
    shutil.copytree(ASSETS / "speech", tmp_path / "assets" / "speech")
    monkeypatch.setattr(registry, "ASSETS", tmp_path / "assets")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "assets" / "iris"


def test_built_in_and_installed(built_in: Path, tmp_path: Path) -> None:
    assert find("iris", tmp_path) == built_in
    assert find("tiny", ASSETS) == TINY
    assert [(avatar.name, avatar.source) for avatar in list_avatars(ASSETS)] == [
        ("iris", "built in"),
        ("tiny", "installed"),
    ]


def test_an_installed_avatar_hides_a_built_in_one(tmp_path: Path) -> None:
    installed = shutil.copytree(TINY, tmp_path / "home" / "avatars" / "iris")
    assert find("iris", tmp_path / "home") == installed
    assert [avatar.source for avatar in list_avatars(tmp_path / "home")] == ["installed"]


def test_an_installed_archive_goes_by_its_stem(tmp_path: Path) -> None:
    (tmp_path / "home" / "avatars").mkdir(parents=True)
    (tmp_path / "home" / "avatars" / "me.avatar").touch()
    assert find("me", tmp_path / "home").name == "me.avatar"


def test_paths_come_first(built_in: Path, tmp_path: Path) -> None:
    here = shutil.copytree(TINY, "iris")
    assert find("iris", tmp_path) == Path(here)
    assert find(built_in, tmp_path) == built_in
    Path("me.avatar").touch()
    assert find("me.avatar", tmp_path) == Path("me.avatar")


def test_a_folder_that_only_shares_a_name_is_passed_over(built_in: Path, tmp_path: Path) -> None:
    Path("iris").mkdir()
    assert find("iris", tmp_path) == built_in
    Path("other").mkdir()
    assert find("other", tmp_path) == Path("other")  # opening it says what it lacks


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(AvatarNotFoundError, match=r"known: iris, .* Did you mean 'iris'\?"):
        find("irsi", tmp_path)


def test_a_home_of_nobody(tmp_path: Path) -> None:
    with pytest.raises(AvatarNotFoundError, match="no avatar '~nobody-here/x': Could not determine home"):
        find("~nobody-here/x", tmp_path)


def test_an_unknown_name_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ASSETS", tmp_path / "nothing")
    with pytest.raises(AvatarNotFoundError, match="none is installed or built in"):
        find("iris", tmp_path)


def test_speech_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert speech_folder() == tmp_path / "assets" / "speech"
    monkeypatch.setattr(registry, "ASSETS", tmp_path / "nothing")
    with pytest.raises(AvatarError, match="no speech networks"):
        speech_folder()
