import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.avatar import registry
from lipstream.errors import AccessError, AvatarNotFoundError, InputError
from lipstream.serve.names import bundle_of, check_name, package_dir

HOSTILE = [
    "..",
    "../x",
    "../avatars/me",
    "me/../me",
    "me/../../outside",
    "/etc",
    "/etc/passwd",
    "~",
    "~root/x",
    "me\0",
    ".",
    "",
    "./",
    ".hidden",
    "link",
    "linked/me",
    "linked",
    "me/avatar.json",
    "a" * 5000,
    "a/" * 3000,
    "\\\\server\\share",
    "C:\\x",
    "me\n",
    "\ud800",
]


@pytest.fixture
def home(tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with avatar `me`, beside it a bundle outside, with links to it from inside."""
    monkeypatch.setattr(registry, "ASSETS", tmp_path / "none")
    avatars = tmp_path / "home" / "avatars"
    shutil.copytree(tiny_path, avatars / "me")
    shutil.copytree(tiny_path, tmp_path / "outside" / "me")
    (avatars / "link").symlink_to(tmp_path / "outside" / "me")
    (avatars / "linked").symlink_to(tmp_path / "outside")
    (avatars / "empty").mkdir()
    return tmp_path / "home"


def test_a_name_leads_to_its_bundle(home: Path) -> None:
    assert bundle_of("me", home) == home / "avatars" / "me"


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in ("link", "linked")])
def test_a_name_is_no_path(name: str, home: Path) -> None:
    with pytest.raises(InputError, match="An avatar cannot be called"):
        bundle_of(name, home)


def test_a_folder_of_the_current_directory_is_no_name(
    home: Path, tiny_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_path.parent)
    with pytest.raises(AvatarNotFoundError, match=r"There is no avatar 'tiny'; known: link, me\.") as caught:
        bundle_of(tiny_path.name, home)
    assert str(home) not in str(caught.value)


@given(st.text())
def test_names_hold_no_separators(text: str) -> None:
    try:
        name = check_name(text)
    except InputError:
        return
    assert Path(name).name == name
    assert not name.startswith(".")


def test_a_folder_inside_is_found(home: Path) -> None:
    inside = home / "avatars" / "me"
    assert package_dir("me", home, ["admin"]) == inside
    assert package_dir("./me/", home, ["admin"]) == inside
    assert package_dir(str(inside), home, ["admin", "infer"]) == inside


@pytest.mark.parametrize("sent", HOSTILE)
def test_a_folder_elsewhere_is_refused(sent: str, home: Path) -> None:
    with pytest.raises(AccessError, match="does not lie in the avatars folder"):
        package_dir(sent, home, ["admin"])


@pytest.mark.parametrize("sent", ["me", "/etc"])
def test_a_folder_needs_scope_admin(sent: str, home: Path) -> None:
    with pytest.raises(AccessError, match="scope admin"):
        package_dir(sent, home, ["infer"])


@pytest.mark.parametrize("sent", ["none", "empty", "none.avatar"])
def test_what_is_no_avatar_is_not_found(sent: str, home: Path) -> None:
    with pytest.raises(AvatarNotFoundError, match="no avatar in package_dir"):
        package_dir(sent, home, ["admin"])
