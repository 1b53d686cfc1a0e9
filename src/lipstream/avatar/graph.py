"""The bytes of an ONNX file in, a refusal of what would reach outside it or run in few engines out.

The onnx package is no dependency of the core, so the few fields that matter are read by their numbers in onnx.proto.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lipstream.errors import AvatarError

STANDARD_DOMAINS: Final = (b"", b"ai.onnx")
_NESTED: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Message to its fields that hold messages of interest."""
_DOMAIN: Final = 7  # of a node
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor
_MAX_DEPTH: Final = 32


def check_graph(path: Path) -> None:
    """Check that an ONNX file holds all its data and only standard operators.

    Raises:
        AvatarError: it is no ONNX file, keeps data in another file, or has an operator of another domain.
    """
    try:
        data = memoryview(path.read_bytes())
        fault = next(_faults("model", data, 0), None)
        graphs = sum(field in _NESTED["model"] for field, _ in fields(data))
    except (IndexError, ValueError, OSError) as error:
        raise AvatarError(f"{path} is not an intact ONNX file; install the avatar again.") from error
    if fault or not graphs:
        raise AvatarError(f"{path} {fault or 'has no graph'}; expected a self-contained ONNX file: export it again.")


def _faults(message: str, data: memoryview, depth: int) -> Iterator[str]:
    """What a message and those in it have that they must not."""
    if depth > _MAX_DEPTH:
        yield "nests its graphs too deeply"
        return
    for field, value in fields(data):
        if isinstance(value, memoryview):
            if field in _NESTED[message]:
                yield from _faults(_NESTED[message][field], value, depth + 1)
            elif message == "node" and field == _DOMAIN and bytes(value) not in STANDARD_DOMAINS:
                yield f"has an operator of domain {bytes(value).decode(errors='replace')!r}"
        if message == "tensor" and (field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value)):
            yield "keeps weights in another file"


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Fields of a protobuf message: number, and a whole number or bytes; IndexError or ValueError if it is damaged."""
    position = 0
    while position < len(data):
        key, position = varint(data, position)
        kind = key & 7
        if kind == 0:
            value, position = varint(data, position)
            yield key >> 3, value
            continue
        if kind not in (1, 2, 5):
            raise ValueError("unknown wire type")
        length = {1: 8, 5: 4}.get(kind)
        if length is None:
            length, position = varint(data, position)
        if position + length > len(data):
            raise ValueError("truncated")
        yield key >> 3, data[position : position + length]
        position += length


def varint(data: memoryview, position: int) -> tuple[int, int]:
    """A whole number, and where it ends; IndexError or ValueError if it is damaged."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
    raise ValueError("endless number")
