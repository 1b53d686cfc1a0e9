"""An `.avatar` zip in, a folder with its files out, and back; hostile archives are refused before any writing."""

import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from lipstream.errors import AvatarError

MAX_MEMBERS = 64
MAX_UNPACKED_BYTES = 1 << 30
ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError)
"""What `zipfile` raises for damage; RuntimeError is for encryption and, as NotImplementedError, for other packing."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def unpack(archive: Path, folder: Path) -> None:
    """Unpack `archive` into the existing `folder`.

    Raises:
        AvatarError: it is not a zip, is damaged, or breaks a limit: at most 64 members and 1 GiB unpacked, plain
            file names without folders, no links, no encryption, no compression but deflate.
        OSError: the archive cannot be read or the folder not written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            _check(archive, members)
            for member in members:
                with opened.open(member) as source, (folder / member.filename).open("xb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
    except AvatarError:
        raise
    except (FileExistsError, *ZIP_FAULTS) as error:
        raise AvatarError(f"{archive} is not an intact .avatar zip ({error}); copy or download it again.") from error


def pack(folder: Path, names: Iterable[str], archive: Path) -> None:
    """Pack files of `folder` into `archive`, which is replaced: the same bytes for the same files.

    Args:
        folder: where they lie.
        names: the files, in the order in which they are wanted.
        archive: of the zip.

    Raises:
        OSError: a file cannot be read or the archive not written.
    """
    with zipfile.ZipFile(archive, "w") as packed:
        for name in names:
            member = zipfile.ZipInfo(name)  # of 1980, as no date of today belongs to it
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            with (folder / name).open("rb") as source, packed.open(member, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)


def _check(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise AvatarError(f"{archive} has {len(members)} members; an avatar has at most {MAX_MEMBERS}.")
    unpacked_bytes = sum(member.file_size for member in members)
    if unpacked_bytes > MAX_UNPACKED_BYTES:
        raise AvatarError(f"{archive} unpacks to {unpacked_bytes} bytes; an avatar has at most {MAX_UNPACKED_BYTES}.")
    for member in members:
        if not _NAME.fullmatch(member.filename):
            raise AvatarError(
                f"{archive} has a member named {member.filename!r}; expected plain file names, no folders."
            )
        check_plain(archive, member)


def check_plain(archive: Path, member: zipfile.ZipInfo) -> None:
    """Raise AvatarError unless a member is a file, not encrypted, stored or deflated."""
    plain = stat.S_IFMT(member.external_attr >> 16) in (0, stat.S_IFREG) and not member.flag_bits & 0x1
    if not plain or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise AvatarError(f"{archive}: {member.filename} is a link, encrypted or oddly packed; expected a file.")
