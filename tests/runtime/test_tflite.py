from pathlib import Path

import pytest

from lipstream.errors import EngineError
from lipstream.runtime import tflite


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"TFL3 and nothing else")
    with pytest.raises(EngineError, match=r"cannot load .*broken\.tflite"):
        tflite.load(path)
    with pytest.raises(EngineError, match="cannot load"):
        tflite.load(tmp_path / "missing.tflite")
