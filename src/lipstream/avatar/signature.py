"""The bytes of an ONNX file in, the names and shapes of what goes in and comes out, and its number of weights, out."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lipstream.avatar.graph import fields, varint
from lipstream.errors import AvatarError

_GRAPH = 7  # of a model
_INITIALIZER, _INPUT, _OUTPUT = 5, 11, 12  # of a graph
_TENSOR_DIMS, _TENSOR_NAME = 1, 8
_NAME, _TYPE = 1, 2  # of a value; within the type lie the tensor's type (1), its shape (2) and the axes (1)

Shape = tuple[int | None, ...]
"""Length of every axis, None where it is free."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How a network is called."""

    inputs: dict[str, Shape]
    """Name of each input to its shape."""
    outputs: dict[str, Shape]
    """Name of each output to its shape."""
    parameters: int
    """Number of weights."""


def read_signature(path: Path) -> Signature:
    """Read how the network of an ONNX file is called.

    Raises:
        AvatarError: it is no ONNX file.
    """
    try:
        (graph,) = _parts(memoryview(path.read_bytes()), _GRAPH)
        weights = dict(_weight(tensor) for tensor in _parts(graph, _INITIALIZER))
        inputs = dict(_value(part) for part in _parts(graph, _INPUT))
        outputs = dict(_value(part) for part in _parts(graph, _OUTPUT))
    except (IndexError, ValueError, OSError) as error:
        raise AvatarError(f"{path} is not an intact ONNX file; export it again.") from error
    free = {name: shape for name, shape in inputs.items() if name not in weights}  # old files list weights too
    return Signature(free, outputs, sum(weights.values()))


def _parts(message: memoryview, number: int) -> Iterator[memoryview]:
    return (value for field, value in fields(message) if field == number and isinstance(value, memoryview))


def _weight(tensor: memoryview) -> tuple[str, int]:
    """Name and number of values of a stored tensor."""
    name, dims = "", list[int]()
    for field, value in fields(tensor):
        if field == _TENSOR_NAME and isinstance(value, memoryview):
            name = bytes(value).decode()
        elif field == _TENSOR_DIMS:
            dims += [value] if isinstance(value, int) else _packed(value)
    return name, math.prod(dims)


def _value(value: memoryview) -> tuple[str, Shape]:
    """Name and shape of an input or output."""
    name = b"".join(_parts(value, _NAME)).decode()
    shapes = [shape for kind in _parts(value, _TYPE) for tensor in _parts(kind, 1) for shape in _parts(tensor, 2)]
    axes = [axis for shape in shapes for axis in _parts(shape, 1)]
    return name, tuple(next((length for field, length in fields(axis) if field == 1), None) for axis in axes)  # type: ignore[misc]


def _packed(data: memoryview) -> list[int]:
    found, place = list[int](), 0
    while place < len(data):
        value, place = varint(data, place)
        found.append(value)
    return found
