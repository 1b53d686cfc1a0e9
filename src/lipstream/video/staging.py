"""A path wanted by the user in, a temporary path beside it out, which takes the wanted name once it is complete."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lipstream.errors import OutputError, OutputExistsError


def refuse_existing(path: Path) -> None:
    """Check, before any work, that `path` is free.

    Raises:
        OutputExistsError: something of that name exists.
    """
    if os.path.lexists(path):
        raise OutputExistsError(f"{path} exists already; choose another name or allow it with overwrite=True.")


def check_file(path: Path, *, overwrite: bool) -> None:
    """Check, before any work, that a file can be written.

    Raises:
        OutputExistsError: something of that name exists and `overwrite` is false.
        OutputError: it is a folder, or the one that it shall lie in is missing or may not be written.
    """
    if not overwrite:
        refuse_existing(path)
    with writing_to(path):
        _check_entry(path)
        if path.is_dir():
            raise OutputError(f"{path} is a folder; give the name of a file to write.")


def check_folder(path: Path) -> None:
    """Check, before any work, that files can be written into a folder, which may still have to be made.

    Raises:
        OutputError: it is a file, may not be written, or cannot be made.
    """
    with writing_to(path):
        _check_entry(path / "any" if path.exists() else path)


def _check_entry(path: Path) -> None:
    """Raise the OSError that making `path` would."""
    if not stat.S_ISDIR(path.parent.stat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "not a folder")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "permission denied")
    with suppress(FileNotFoundError):
        path.lstat()  # refuses too long a name


@contextmanager
def staged(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Lend a temporary file beside `path`, published under that name on a clean exit and removed on any other.

    Args:
        path: where the finished file shall be.
        overwrite: whether a file of that name may be replaced.

    Yields:
        The path of an empty file in the same folder.

    Raises:
        OutputExistsError: `path` exists, at the start or by the time the work is done.
        OutputError: the folder is missing or cannot be written.
    """
    if not overwrite:
        refuse_existing(path)
    temporary = path.with_name(f".{path.stem[:40]}.{secrets.token_hex(4)}.part")
    with writing_to(path):
        if path.is_dir():
            raise OutputError(f"{path} is a folder; give the name of a file to write.")
        _create(temporary)
    try:
        yield temporary
        with writing_to(path):
            publish(temporary, path, overwrite=overwrite)
    finally:
        temporary.unlink(missing_ok=True)


def publish(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Rename `temporary` to `path` in one step, without ever replacing a file that nobody allowed to replace.

    Raises:
        OutputExistsError: `path` exists and `overwrite` is false.
        OSError: the file system refused.
    """
    if overwrite:
        temporary.replace(path)
        return
    # Reserving the name is atomic on every file system; a hard link would be too, but not all have them.
    try:
        _create(path)
    except FileExistsError as error:
        raise OutputExistsError(f"{path} appeared meanwhile; it was left as it is.") from error
    try:
        temporary.replace(path)
    except BaseException:  # an interruption too
        path.unlink(missing_ok=True)
        raise


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn what the system says about a failed write into an OutputError that names `path`."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {_reason(error)}.") from error


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def _reason(error: OSError) -> str:
    reasons = {
        errno.ENOENT: "its folder does not exist; create it first",
        errno.ENOTDIR: "a file lies where its folder should be; choose another folder",
        errno.EACCES: "permission denied; choose a folder that you may write to",
        errno.EPERM: "permission denied; choose a folder that you may write to",
        errno.EROFS: "the file system is read-only; choose another folder",
        errno.ENOSPC: "no space left on the disk; free some or choose another folder",
        errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
        errno.EFBIG: "the file would exceed the size limit; raise it or choose another folder",
        errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    }
    return reasons.get(error.errno or 0, error.strerror or str(error))
