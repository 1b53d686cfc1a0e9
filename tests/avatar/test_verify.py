import shutil
from pathlib import Path

import numpy as np
import pytest

from lipstream.avatar.bundle import Bundle, open_bundle
from lipstream.avatar.verify import verify
from lipstream.errors import AvatarError

TINY = Path(__file__).parents[1] / "assets" / "avatars" / "tiny"


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A copy whose files can be exchanged after their hashes were checked."""
    return open_bundle(Path(shutil.copytree(TINY, tmp_path / "tiny")))


def test_the_tiny_avatar_is_sound(bundle: Bundle) -> None:
    verify(bundle)


def test_an_unlisted_file(bundle: Bundle) -> None:
    (bundle.folder / "virus.exe").touch()
    with pytest.raises(AvatarError, match=r"holds 'virus\.exe', which its manifest does not list"):
        verify(bundle)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("mask.png", b"", r"mask\.png is not a PNG"),
        ("mask.png", (TINY / "poster.jpg").read_bytes(), r"mask\.png is not a PNG"),
        ("mask.png", (TINY / "references.png").read_bytes(), r"expected \(320, 320, 8, 0\)"),
        ("references.png", (TINY / "mask.png").read_bytes(), r"expected \(320, 640, 8, 2\)"),
        ("generator.fast.onnx", b"garbage", "not an intact ONNX file"),
        ("generator.fast.int8.onnx", b"", "no graph"),
        ("golden.npz", b"", "cannot be read"),
    ],
)
def test_a_file_of_another_kind(bundle: Bundle, name: str, content: bytes, reason: str) -> None:
    (bundle.folder / name).write_bytes(content)
    with pytest.raises(AvatarError, match=reason):
        verify(bundle)


def test_golden_values_of_another_network(bundle: Bundle) -> None:
    np.savez(bundle.golden_path, **{"generator.standard/image": np.zeros(1)})  # type: ignore[arg-type]
    with pytest.raises(AvatarError, match=r"no values of generator\.fast"):
        verify(bundle)
