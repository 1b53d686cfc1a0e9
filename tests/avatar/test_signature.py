from pathlib import Path

import pytest

from lipstream.avatar.signature import read_signature
from lipstream.errors import AvatarError

ASSETS = Path(__file__).parents[1] / "assets"


def test_a_network_says_how_it_is_called() -> None:
    signature = read_signature(ASSETS / "synctalk" / "generator.onnx")
    assert signature.inputs == {"input": (None, 6, 320, 320), "audio": (None, 32, 16, 16)}
    assert signature.outputs == {"output": (None, 3, 320, 320)}
    assert signature.parameters == 162 + 3 + 16 + 1536 + 4


@pytest.mark.parametrize("length", [0, 1, 10, 100, 3_000])
def test_a_network_that_breaks_off_is_refused(length: int, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes((ASSETS / "synctalk" / "generator.onnx").read_bytes()[:length])
    with pytest.raises(AvatarError, match="is not an intact ONNX file"):
        read_signature(tmp_path / "a.onnx")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match="is not an intact ONNX file"):
        read_signature(tmp_path)
