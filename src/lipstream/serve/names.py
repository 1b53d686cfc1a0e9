"""What a client calls an avatar in, where its bundle lies out; nothing a client sends is used as a path unchecked."""

import re
from collections.abc import Collection
from pathlib import Path

from lipstream.avatar.bundle import MANIFEST_NAME
from lipstream.avatar.registry import ARCHIVE_SUFFIX, list_avatars
from lipstream.errors import AccessError, AvatarNotFoundError, InputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_name(name: str) -> str:
    """The name itself, if it can be one of an avatar: it holds no separator and starts with no dot.

    Raises:
        InputError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"An avatar cannot be called {name[:80]!r}; expected 1 to 100 of A-Z a-z 0-9 . _ -")
    return name


def bundle_of(name: str, home: Path) -> Path:
    """Where an avatar of that name lies: it is looked up among those there are, never joined to a folder.

    Args:
        name: as the client sent it.
        home: folder whose `avatars` folder holds the installed ones.

    Raises:
        InputError: it cannot be a name.
        AvatarNotFoundError: there is none; the message names those there are, without their paths.
    """
    known = {avatar.name: avatar.path for avatar in list_avatars(home)}
    if check_name(name) not in known:
        there = ", ".join(known) or "none is installed or built in"
        raise AvatarNotFoundError(f"There is no avatar {name!r}; known: {there}.")
    return known[name]


def package_dir(sent: str, home: Path, scopes: Collection[str]) -> Path:
    """The bundle that a client names by a folder, as calls of old may.

    Args:
        sent: a folder or `.avatar` file, absolute or from the avatars folder, directly in which it must lie.
        home: folder whose `avatars` folder that is.
        scopes: of the caller's key.

    Raises:
        AccessError: the caller has no scope admin, or it lies elsewhere or is a link.
        AvatarNotFoundError: there is no bundle.
    """
    if "admin" not in scopes:
        raise AccessError("Only a key of scope admin may name a package_dir; leave it empty and name the avatar.")
    folder = (home / "avatars").resolve()
    path = folder / sent
    if path.parent != folder or not _NAME.fullmatch(path.name) or path.is_symlink():
        raise AccessError(f"package_dir {sent[:100]!r} does not lie in the avatars folder; install the avatar there.")
    if not (path / MANIFEST_NAME).is_file() and not (path.suffix == ARCHIVE_SUFFIX and path.is_file()):
        raise AvatarNotFoundError(f"There is no avatar in package_dir {sent[:100]!r}.")
    return path
