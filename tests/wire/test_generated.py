import re
from importlib.metadata import version
from pathlib import Path

import pytest

from lipstream.wire import pb

COMMITTED = Path(pb.__path__[0])


def test_committed_code_is_what_the_protos_give(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed: pip install 'lipstream[dev]'")
    made_by = re.search(r"GRPC_GENERATED_VERSION = '(.+)'", (COMMITTED / "monolithic_pb2_grpc.py").read_text())
    assert made_by is not None
    if made_by[1] != version("grpcio-tools"):
        pytest.skip(f"grpcio-tools is {version('grpcio-tools')}, the committed code is of {made_by[1]}")
    from proto.generate import generate  # noqa: PLC0415  needs grpcio-tools

    generate(tmp_path)
    made = {path.name: path.read_bytes() for path in (tmp_path / "lipstream/wire/pb").iterdir()}
    kept = {path.name: path.read_bytes() for path in COMMITTED.glob("*_pb2*.py*")}
    assert made.keys() == kept.keys()
    assert [name for name in made if made[name] != kept[name]] == []


def test_every_proto_is_compiled() -> None:
    protos = {path.stem for path in Path(__file__).parents[2].glob("proto/**/*.proto")}
    assert protos == {path.name.removesuffix("_pb2.py") for path in COMMITTED.glob("*_pb2.py")}
