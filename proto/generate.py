"""The .proto files of this folder in, their Python modules in src/lipstream/wire/pb out: `python proto/generate.py`."""

from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).parent
SOURCE = PROTO.parent / "src"


def generate(target: Path) -> None:
    """Write `*_pb2.py`, `*_pb2.pyi` and `*_pb2_grpc.py` of every .proto file, in the folders of their imports.

    Args:
        target: an existing folder; the modules go to `lipstream/wire/pb` in it.

    Raises:
        RuntimeError: a .proto file cannot be compiled; the compiler has said why on stderr.
    """
    sources = sorted(str(path) for path in PROTO.rglob("*.proto"))
    outputs = [f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python")]
    if protoc.main(["protoc", f"-I{PROTO}", *outputs, *sources]):
        raise RuntimeError(f"protoc failed on {PROTO}; expected valid .proto files: see what it wrote above.")


if __name__ == "__main__":
    generate(SOURCE)
