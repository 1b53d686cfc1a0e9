import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.avatar.graph import check_graph
from lipstream.errors import AvatarError

ASSETS = Path(__file__).parents[1] / "assets"
MODELS = sorted(ASSETS.rglob("*.onnx"))


def field(number: int, content: bytes) -> bytes:
    """A protobuf field of bytes, of less than 128."""
    assert len(content) < 128
    key = number << 3 | 2
    return bytes([key] if key < 128 else [key & 0x7F | 0x80, key >> 7]) + bytes([len(content)]) + content


def model(node: bytes = b"", tensor: bytes = b"") -> bytes:
    return field(7, field(1, node) + field(5, tensor))


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(AvatarError) as caught:
        check_graph(path)
    return str(caught.value)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_accepts_the_tiny_networks(path: Path) -> None:
    check_graph(path)


@pytest.mark.parametrize("domain", [b"", b"ai.onnx"])
def test_accepts_standard_operators(tmp_path: Path, domain: bytes) -> None:
    (tmp_path / "a.onnx").write_bytes(model(field(4, b"Relu") + field(7, domain)))
    check_graph(tmp_path / "a.onnx")


def test_refuses_operators_of_another_domain(tmp_path: Path) -> None:
    node = field(4, b"Gelu") + field(7, b"com.example")
    assert "operator of domain 'com.example'" in refusal(tmp_path / "a.onnx", model(node))
    inner = field(5, field(6, field(1, node)))  # in the graph of an attribute, as of If or Loop
    assert "operator of domain 'com.example'" in refusal(tmp_path / "a.onnx", model(inner))
    assert "operator of domain 'com.example'" in refusal(tmp_path / "a.onnx", field(25, field(7, node)))


def test_refuses_data_in_other_files(tmp_path: Path) -> None:
    location = field(13, field(1, b"location") + field(2, b"../../secret"))
    assert "weights in another file" in refusal(tmp_path / "a.onnx", model(tensor=location))
    assert "weights in another file" in refusal(tmp_path / "a.onnx", model(tensor=bytes([14 << 3, 1])))
    constant = field(5, field(5, location))
    assert "weights in another file" in refusal(tmp_path / "a.onnx", model(constant))
    sparse = field(7, field(15, field(1, location)))
    assert "weights in another file" in refusal(tmp_path / "a.onnx", sparse)


def test_refuses_graphs_nested_without_end(tmp_path: Path) -> None:
    content = b""
    for _ in range(14):
        content = field(1, field(5, field(6, content)))
    assert "too deeply" in refusal(tmp_path / "a.onnx", field(7, content))


def test_refuses_what_is_no_onnx_file(tmp_path: Path) -> None:
    assert "has no graph" in refusal(tmp_path / "a.onnx", b"")
    for garbage in (b"garbage", b"\xff" * 20, b"\x3a\x7f", b"\x0b", MODELS[0].read_bytes()[:-1]):
        assert "not an intact ONNX file" in refusal(tmp_path / "a.onnx", garbage)
    with pytest.raises(AvatarError, match="not an intact"):
        check_graph(tmp_path / "missing.onnx")


@given(st.binary(max_size=300))
def test_any_bytes_are_accepted_or_refused_cleanly(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("graph") / "a.onnx"
    path.write_bytes(content)
    with contextlib.suppress(AvatarError):
        check_graph(path)
