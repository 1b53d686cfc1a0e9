"""A dataset's folder, or the zip of a package, in; the folder that holds its files out."""

import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from lipstream.avatar.archive import ZIP_FAULTS, check_plain
from lipstream.errors import AvatarError, InputError

MAX_MEMBERS = 200_000
MAX_UNPACKED_BYTES = 32 << 30  # 15 minutes of 1280 x 720 as PNG


@contextmanager
def opened(source: Path) -> Iterator[Path]:
    """Lend the folder of a dataset; what a zip holds is unpacked for as long.

    Args:
        source: a folder, or a zip of one.

    Raises:
        InputError: nothing lies there, or no folder and no zip that can be unpacked: one that is damaged or
            encrypted, has links, names that leave it, or more than 32 GiB or 200,000 members.
    """
    if source.is_dir():
        yield _root(source)
        return
    if not source.is_file():
        raise InputError(
            f"There is no dataset at {source}; expected a folder of SyncTalk_2D, or a package of it as zip."
        )
    with tempfile.TemporaryDirectory(prefix="lipstream-synctalk-") as folder:
        try:
            _unpack(source, Path(folder))
        except AvatarError as error:
            raise InputError(str(error)) from error
        except ZIP_FAULTS as error:
            raise InputError(f"{source} is no intact zip ({error}); expected a folder or a zip of one.") from error
        except OSError as error:
            raise InputError(f"{source} cannot be unpacked ({error}); free disk space or give a folder.") from error
        yield _root(Path(folder))


def _unpack(source: Path, folder: Path) -> None:
    with zipfile.ZipFile(source) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        unpacked_bytes = sum(member.file_size for member in members)
        if len(members) > MAX_MEMBERS or unpacked_bytes > MAX_UNPACKED_BYTES:
            raise InputError(
                f"{source} has {len(members)} members of {unpacked_bytes} bytes; expected at most {MAX_MEMBERS} of "
                f"{MAX_UNPACKED_BYTES}."
            )
        for member in members:
            path = PurePosixPath(member.filename)
            if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
                raise InputError(f"{source} has a member named {member.filename!r}; expected names inside the package.")
            if stat.S_IFMT(member.external_attr >> 16) == stat.S_IFLNK:
                raise InputError(f"{source} holds a link, {member.filename}; expected files.")
            check_plain(source, member)
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as packed, target.open("xb") as file:
                shutil.copyfileobj(packed, file, 1 << 20)


def _root(folder: Path) -> Path:
    """The folder itself, or the only one in it, as most zips have it."""
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__MACOSX"))]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() and not _is_pictures(entries[0]) else folder


def _is_pictures(folder: Path) -> bool:
    return folder.name in {"full_body_img", "frames"}
