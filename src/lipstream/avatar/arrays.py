"""An `.npz` of a bundle in, checked arrays out; never a pickle, never more memory than the limit."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipstream.avatar.archive import ZIP_FAULTS, check_plain
from lipstream.errors import AvatarError
from lipstream.types import FEATURE_SIZE, Features, Float32

MAX_NPZ_BYTES = 256 << 20

Array = NDArray[np.generic]


def read_npz(path: Path) -> dict[str, Array]:
    """Read every array of an `.npz` file.

    Raises:
        AvatarError: it is missing, damaged, encrypted or oddly packed, holds pickled objects or unpacks to more than
            256 MiB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check(path, archive)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except AvatarError:
        raise
    except (OSError, KeyError, MemoryError, *ZIP_FAULTS) as error:
        raise AvatarError(f"{path} cannot be read as .npz arrays ({error}); install the avatar again.") from error


def _check(path: Path, archive: zipfile.ZipFile) -> None:
    for member in archive.infolist():
        check_plain(path, member)
    unpacked_bytes = sum(member.file_size for member in archive.infolist())
    if unpacked_bytes > MAX_NPZ_BYTES:
        raise AvatarError(f"{path} unpacks to {unpacked_bytes} bytes, expected at most {MAX_NPZ_BYTES}.")


def read_features(path: Path) -> Features:
    """Read speech features from a `.npy` file.

    Returns:
        `[rows, 512]` float32, at least one row.

    Raises:
        AvatarError: it is damaged, of another shape, holds pickled objects, or has more than 256 MiB.
    """
    if path.stat().st_size > MAX_NPZ_BYTES:
        raise AvatarError(f"{path} has {path.stat().st_size} bytes, expected at most {MAX_NPZ_BYTES}.")
    try:
        array = np.lib.format.open_memmap(path, mode="r")  # mapped, a header cannot claim more than is there
    except (OSError, ValueError, EOFError, OverflowError) as error:
        raise AvatarError(f"{path} cannot be read as a .npy array ({error}); install the avatar again.") from error
    rows = array.shape[0] if array.ndim else 0
    return require_array({"features": array}, "features", (max(1, rows), FEATURE_SIZE), path)


def require_array(arrays: Mapping[str, Array], name: str, shape: tuple[int, ...], path: Path) -> Float32:
    """Take a finite array of that shape as float32.

    Raises:
        AvatarError: it is missing, has another shape, is not of real numbers or holds non-finite ones.
    """
    array = arrays.get(name)
    found = "nothing" if array is None else f"{array.dtype} {list(array.shape)}"
    if array is None or array.shape != shape or array.dtype.kind not in "fiu":
        raise AvatarError(f"{path}: '{name}' is {found}, expected real numbers {list(shape)}.")
    values = array.astype(np.float32)
    if not np.isfinite(values).all():
        raise AvatarError(f"{path}: '{name}' holds values that are not finite.")
    return values
