import subprocess
import sys

import pytest

import lipstream
from lipstream.pipeline.offline import render
from lipstream.types import Frame

HEAVY = "{'av', 'cv2', 'numpy', 'openvino', 'onnxruntime', 'torch', 'rich', 'pydantic'}"


def test_names_are_there() -> None:
    assert lipstream.render is render  # not the layer of that name, although its modules are imported
    assert lipstream.Frame is Frame
    assert all(getattr(lipstream, name) is not None for name in lipstream.__all__)


def test_others_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        _ = lipstream.frobnicate


def test_names_are_listed() -> None:
    assert set(lipstream.__all__) <= set(dir(lipstream))


def test_nobody_is_not_found() -> None:
    with pytest.raises(lipstream.LipstreamError, match="nobody"):
        lipstream.load_avatar("nobody")


@pytest.mark.parametrize(
    ("code", "allowed"),
    [("import lipstream", "set()"), ("import lipstream.api", "{'av', 'cv2', 'numpy', 'openvino', 'pydantic'}")],
)
def test_an_import_loads_only_what_it_needs(code: str, allowed: str) -> None:
    check = f"{code}; import sys; found = {HEAVY} & set(sys.modules) - {allowed}; sys.exit(str(found) if found else 0)"
    subprocess.run([sys.executable, "-c", check], check=True)  # noqa: S603  our own interpreter
