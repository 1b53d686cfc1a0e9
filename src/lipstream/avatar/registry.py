"""An avatar's name or path in, where its bundle lies out: a path given, installed, or built in."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lipstream.avatar.bundle import MANIFEST_NAME, SPEECH_MANIFEST_NAME
from lipstream.errors import AvatarNotFoundError

ARCHIVE_SUFFIX = ".avatar"
ASSETS = Path(__file__).parents[1] / "assets"


@dataclass(frozen=True, slots=True, order=True)
class KnownAvatar:
    """An avatar that can be named."""

    name: str
    """What it is called."""
    path: Path
    """Its folder or `.avatar` file."""
    source: Literal["installed", "built in"]
    """Whether the user installed it or it came with lipstream."""


def find(name_or_path: str | Path, home: Path) -> Path:
    """Find a bundle: an existing path, else an installed avatar, else a built-in one of that name.

    Args:
        name_or_path: `iris`, `./me`, `me.avatar`, ...
        home: folder whose `avatars` folder holds the installed ones.

    Raises:
        AvatarNotFoundError: neither is there; the message names those that are.
    """
    try:
        path = Path(name_or_path).expanduser()
    except RuntimeError as error:  # ~nobody
        raise AvatarNotFoundError(f"There is no avatar {str(name_or_path)!r}: {error}") from error
    if path.is_file() or (path / MANIFEST_NAME).is_file():
        return path
    known = {avatar.name: avatar.path for avatar in list_avatars(home)}
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    if path.exists():
        return path  # opening it says what it lacks
    raise AvatarNotFoundError(_not_found(str(name_or_path), list(known)))


def list_avatars(home: Path) -> list[KnownAvatar]:
    """Avatars that can be named, by name; an installed one hides a built-in one."""
    built_in = {path.name: KnownAvatar(path.name, path, "built in") for path in built_in_bundles()}
    installed = {_name(path): KnownAvatar(_name(path), path, "installed") for path in _bundles(home / "avatars")}
    return sorted((built_in | installed).values())


def built_in_bundles() -> list[Path]:
    """Folders of the avatars that come with lipstream, each called as its avatar."""
    return _bundles(ASSETS)


def speech_folder() -> Path:
    """Folder of the speech networks that come with lipstream.

    Raises:
        AvatarNotFoundError: this installation lacks them.
    """
    folder = ASSETS / "speech"
    if not (folder / SPEECH_MANIFEST_NAME).is_file():
        raise AvatarNotFoundError(f"{folder} has no speech networks; install lipstream again.")
    return folder


def _bundles(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        path
        for path in folder.iterdir()
        if not path.name.startswith(".")  # half made, or half removed
        and (path.suffix == ARCHIVE_SUFFIX or (path / MANIFEST_NAME).is_file())
    ]


def _name(path: Path) -> str:
    return path.stem if path.suffix == ARCHIVE_SUFFIX else path.name


def _not_found(wanted: str, names: list[str]) -> str:
    if not names:
        return f"There is no avatar {wanted!r}, and none is installed or built in; give a folder or .avatar file."
    near = difflib.get_close_matches(wanted, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no avatar {wanted!r}; known: {', '.join(names)}, or give a folder or .avatar file.{hint}"
