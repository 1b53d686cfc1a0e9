"""Bundles in, avatars installed under their names out: made whole beside their place, then renamed in one step."""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lipstream.avatar.bundle import MANIFEST_NAME, open_bundle
from lipstream.avatar.registry import ARCHIVE_SUFFIX, built_in_bundles, list_avatars
from lipstream.avatar.verify import verify
from lipstream.errors import AvatarError, AvatarNotFoundError, InputError, OutputError, OutputExistsError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def install(path: Path, home: Path, *, name: str | None = None, overwrite: bool = False) -> Path:
    """Install a bundle under its name, or another.

    Args:
        path: its folder or `.avatar` file.
        home: folder whose `avatars` folder holds the installed ones.
        name: what it shall be called; its own name if None.
        overwrite: whether an installed avatar of that name may be replaced.

    Returns:
        The folder that it lies in.

    Raises:
        AvatarNotFoundError: nothing lies at `path`.
        AvatarError: the bundle is damaged, malformed or breaks a limit.
        InputError: `name` cannot be a name, or is that of an avatar which comes with lipstream.
        OutputExistsError: an avatar of that name is installed and `overwrite` is false.
        OutputError: the folder cannot be written. In all these cases nothing is left, and what was there stays.
    """
    bundle = open_bundle(path)
    name = bundle.manifest.name if name is None else name
    with new_avatar(name, home, overwrite=overwrite) as folder:
        for file in (MANIFEST_NAME, *bundle.manifest.files):
            shutil.copyfile(bundle.folder / file, folder / file)
        if name != bundle.manifest.name:
            fields = json.loads((folder / MANIFEST_NAME).read_bytes())
            text = json.dumps({**fields, "name": name}, indent=2, ensure_ascii=False)
            (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")
        verify(open_bundle(folder))
    return home / "avatars" / name


@contextmanager
def new_avatar(name: str, home: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Lend an empty folder, which becomes the installed avatar `name` on a clean exit and is removed on any other.

    Args:
        name: of the avatar.
        home: folder whose `avatars` folder holds the installed ones.
        overwrite: whether an installed avatar of that name may be replaced.

    Raises:
        InputError: it cannot be a name, or is that of an avatar which comes with lipstream.
        OutputExistsError: an avatar of that name is installed, now or at the end, and `overwrite` is false.
        OutputError: the folder cannot be made or written.
    """
    if not _NAME.fullmatch(name) or name.endswith(ARCHIVE_SUFFIX):
        raise InputError(f"{name!r} cannot be an avatar's name; expected letters, digits, '.', '_' and '-'.")
    if name in {path.name for path in built_in_bundles()}:
        raise InputError(f"An avatar {name} comes with lipstream, and this would hide it; give another name (--name).")
    avatars = home / "avatars"
    if not overwrite:
        _refuse_installed(name, avatars)
    folder = avatars / f".{name[:60]}.{secrets.token_hex(4)}.part"
    try:
        with _writing(avatars / name):
            folder.mkdir(parents=True)
            yield folder
            _publish(folder, name, avatars, overwrite=overwrite)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove(name: str, home: Path) -> None:
    """Remove an installed avatar.

    Raises:
        AvatarNotFoundError: none of that name is installed.
        AvatarError: it is built in.
        OutputError: it cannot be removed.
    """
    with _writing(home / "avatars" / name):
        _remove(installed(name, home))


def rename(name: str, new: str, home: Path, *, overwrite: bool = False) -> Path:
    """Give an installed avatar another name; it lies under one of the two at every moment.

    Returns:
        The folder that it lies in.

    Raises:
        InputError: the names are the same, or `new` cannot be one.
        AvatarError, OutputError: as `remove` and `install`.
    """
    if name == new:
        raise InputError(f"Avatar {name} is called so already; give another name.")
    path = installed(name, home)
    folder = install(path, home, name=new, overwrite=overwrite)
    remove(name, home)
    return folder


def installed(name: str, home: Path) -> Path:
    """Where an installed avatar lies.

    Raises:
        AvatarNotFoundError: there is none of that name.
        AvatarError: it is built in.
    """
    for known in list_avatars(home):
        if known.name == name and known.source == "installed":
            return known.path
        if known.name == name:
            raise AvatarError(f"Avatar {name} comes with lipstream and stays as it is; only installed ones change.")
    if Path(name).exists():
        raise AvatarNotFoundError(f"{name} is a path; expected the name of an installed avatar.")
    there = ", ".join(known.name for known in list_avatars(home) if known.source == "installed")
    raise AvatarNotFoundError(f"No avatar {name!r} is installed; installed: {there or 'none'}.")


def _refuse_installed(name: str, avatars: Path) -> None:
    for path in _places(name, avatars):
        if os.path.lexists(path):
            raise OutputExistsError(f"{path} exists already; choose another name or allow it with overwrite=True.")


def _places(name: str, avatars: Path) -> tuple[Path, Path]:
    """Where an avatar of that name may lie: a folder, or a file that somebody put there."""
    return avatars / name, avatars / f"{name}{ARCHIVE_SUFFIX}"


def _publish(folder: Path, name: str, avatars: Path, *, overwrite: bool) -> None:
    if not overwrite:
        _refuse_installed(name, avatars)
    aside = {path: path.with_name(f".{path.name}.{secrets.token_hex(4)}.old") for path in _places(name, avatars)}
    moved = {path: old for path, old in aside.items() if os.path.lexists(path)}
    try:
        for path, old in moved.items():
            path.rename(old)
        folder.rename(avatars / name)
    except BaseException:
        for path, old in moved.items():
            with suppress(OSError):  # it was not moved
                old.rename(path)
        raise
    for old in moved.values():
        _remove(old)


def _remove(path: Path) -> None:
    """Take a folder or file away at once; its parts, which take longer, go where nobody looks."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    hidden = path.with_name(f".{path.name.strip('.')}.{secrets.token_hex(4)}.part")
    path.rename(hidden)
    shutil.rmtree(hidden)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"Cannot write {path}: {reason}; check permissions and free disk space.") from error
