import io
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from lipstream.avatar import arrays as arrays_module
from lipstream.avatar.arrays import read_npz, require_array
from lipstream.errors import AvatarError

PATH = Path("crops.npz")


def test_reads_what_numpy_wrote(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.arange(3), b=np.float16(1))
    assert {name: array.tolist() for name, array in read_npz(tmp_path / "a.npz").items()} == {"a": [0, 1, 2], "b": 1.0}


def test_never_unpickles(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.array([{}], dtype=object))
    with pytest.raises(AvatarError, match="allow_pickle"):
        read_npz(tmp_path / "a.npz")


def test_refuses_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays_module, "MAX_NPZ_BYTES", 1000)
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(1000))
    with pytest.raises(AvatarError, match="unpacks to 8128 bytes, expected at most 1000"):
        read_npz(tmp_path / "a.npz")


def test_refuses_a_header_that_promises_more_than_there_is(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 60,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", header.getvalue())
    with pytest.raises(AvatarError, match="cannot be read"):
        read_npz(tmp_path / "a.npz")


def test_damaged_files(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.arange(1000))
    content = (tmp_path / "a.npz").read_bytes()
    for damaged in (b"", b"no", content[:-10], content[: len(content) // 2], content[:100] + b"\0\0" + content[102:]):
        (tmp_path / "b.npz").write_bytes(damaged)
        with pytest.raises(AvatarError, match="cannot be read"):
            read_npz(tmp_path / "b.npz")
    with pytest.raises(AvatarError, match="cannot be read"):
        read_npz(tmp_path / "missing.npz")


@pytest.mark.parametrize(("field", "value"), [(6, 99), (8, 0x01), (8, 0x20), (8, 0x40), (10, 12), (10, 14), (10, 99)])
def test_refuses_what_is_encrypted_or_oddly_packed(tmp_path: Path, field: int, value: int) -> None:
    """Fields of a directory's entry: version needed, flags, compression."""
    np.savez_compressed(tmp_path / "a.npz", a=np.arange(1000))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[content.index(b"PK\1\2") + field] = value
    (tmp_path / "b.npz").write_bytes(content)
    with pytest.raises(AvatarError, match=r"oddly packed|cannot be read"):
        read_npz(tmp_path / "b.npz")


def test_damage_never_escapes_as_another_error(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.arange(9), b=np.ones(9, np.float16))
    source = np.frombuffer((tmp_path / "a.npz").read_bytes(), np.uint8)
    random = np.random.default_rng(5)
    for _ in range(400):
        content = source.copy()
        content[random.integers(0, content.size, 3)] = random.integers(0, 256, 3)
        (tmp_path / "b.npz").write_bytes(content.tobytes())
        with suppress(AvatarError):
            read_npz(tmp_path / "b.npz")


def test_takes_real_numbers_as_float32() -> None:
    taken = require_array({"a": np.arange(6).reshape(2, 3)}, "a", (2, 3), PATH)
    assert taken.dtype == np.float32


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((3, 2)), r"is float64 \[3, 2\], expected real numbers \[2, 3\]"),
        (np.zeros((2, 3), complex), "is complex128"),
        (np.full((2, 3), "a"), "is <U1"),
        (np.full((2, 3), np.nan), "not finite"),
    ],
)
def test_refuses_other_arrays(array: arrays_module.Array, reason: str) -> None:
    with pytest.raises(AvatarError, match=reason):
        require_array({"a": array}, "a", (2, 3), PATH)


def test_refuses_a_missing_array() -> None:
    with pytest.raises(AvatarError, match="'a' is nothing"):
        require_array({}, "a", (2, 3), PATH)
