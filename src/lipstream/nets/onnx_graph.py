"""An ONNX graph in, a torch module that computes the same out, so that torch runs whatever a bundle holds.

By name, weights could not be loaded into our own modules: the exporter folds batch normalisation into convolutions,
and an imported avatar has a network of somebody else's.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from lipstream.nets.operators import OPERATORS

HALVED_INPUTS = {"Conv": (1, 2), "Gemm": (1, 2), "MatMul": (0, 1)}
"""Operator to its inputs that are weights to compute with in the engine's precision. Everything else that the graph
stores stays float32: a grid of places, in float16, would shift a crop's pixels by 0.08, in bfloat16 by 0.6."""
HOST_INPUTS = {"Resize": (1, 2, 3), "Pad": (2,)}
"""Operator to its inputs that are read as Python numbers, and so stay where reading waits for no device."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operator of the graph."""

    operator: str
    """Its ONNX name."""
    inputs: tuple[str, ...]
    """Names of its inputs; empty for an optional one left out."""
    outputs: tuple[str, ...]
    """Names of its outputs."""
    attributes: Mapping[str, Any]
    """Its attributes by ONNX name."""
    done: tuple[str, ...] = ()
    """Names that no later step reads."""

    def run(self, values: Mapping[str, Tensor | None]) -> dict[str, Tensor]:
        """Compute the outputs, given at least the inputs."""
        result = OPERATORS[self.operator](*(values[name] for name in self.inputs), **self.attributes)
        results = (result,) if isinstance(result, Tensor) else result
        return dict(zip(self.outputs, results, strict=True))


class Graph(nn.Module):
    """The network of an ONNX file, without gradients."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """Read the weights and fold what depends on them alone, in float32.

        Raises:
            NotImplementedError: an operator is none of `operators.OPERATORS`.
        """
        super().__init__()
        constants: dict[str, Tensor] = {item.name: _tensor(item) for item in model.graph.initializer}
        steps = []
        for node in model.graph.node:
            step = _step(node)
            if node.op_type == "Constant":
                constants[node.output[0]] = _tensor(step.attributes["value"])
            elif all(name in constants or not name for name in step.inputs):
                constants |= step.run({"": None, **constants})
            else:
                steps.append(step)
        self.input_names = [item.name for item in model.graph.input if item.name not in constants]
        self.output_names = [item.name for item in model.graph.output]
        self._steps = _with_last_uses(steps, self.output_names)
        self._constants: dict[str, Tensor | None] = {"": None, **constants}

    def to_device(self, device: torch.device, dtype: torch.dtype) -> "Graph":
        """Move what the graph stores, in place; whole numbers stay on the host, where shapes are computed."""
        host = {name for step in self._steps for name in _inputs(step, HOST_INPUTS)}
        halved = {name for step in self._steps for name in _inputs(step, HALVED_INPUTS)}
        for name, value in self._constants.items():
            if value is not None and value.is_floating_point() and name not in host:
                layout = torch.channels_last if value.ndim == 4 else torch.contiguous_format
                precision = dtype if name in halved else torch.float32
                self._constants[name] = value.to(device, precision, memory_format=layout)
        return self

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run the graph: tensors by name in, tensors by name out."""
        values: dict[str, Tensor | None] = {**self._constants, **inputs}
        for step in self._steps:
            values.update(step.run(values))
            for name in step.done:
                del values[name]
        return {name: _present(values[name]) for name in self.output_names}


def read_graph(path: Path) -> Graph:
    """Read an ONNX file that holds all its data.

    Raises:
        NotImplementedError: it has an operator without a counterpart.
        Exception: it is no ONNX file (protobuf's DecodeError) or keeps data elsewhere.
    """
    return Graph(onnx.load_from_string(path.read_bytes()))


def _step(node: onnx.NodeProto) -> Step:
    if node.op_type not in OPERATORS and node.op_type != "Constant":
        raise NotImplementedError(f"operator {node.op_type} has no counterpart in torch here")
    values = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    attributes = {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}
    return Step(node.op_type, tuple(node.input), tuple(node.output), attributes)


def _with_last_uses(steps: Sequence[Step], outputs: Sequence[str]) -> list[Step]:
    """Mark what each step reads last, so that a batch takes no more memory than it must."""
    needed, made = set(outputs), {name for step in steps for name in step.outputs}
    marked = []
    for step in reversed(steps):
        named = dict.fromkeys(itertools.chain(step.inputs, step.outputs))
        done = tuple(name for name in named if name in made and name not in needed)
        needed.update(done)
        marked.append(Step(step.operator, step.inputs, step.outputs, step.attributes, done))
    return marked[::-1]


def _inputs(step: Step, places: Mapping[str, Sequence[int]]) -> list[str]:
    return [step.inputs[place] for place in places.get(step.operator, ()) if place < len(step.inputs)]


def _tensor(item: onnx.TensorProto) -> Tensor:
    value = torch.from_numpy(numpy_helper.to_array(item).copy())
    return value.float() if value.is_floating_point() else value


def _present(value: Tensor | None) -> Tensor:
    assert value is not None  # noqa: S101  only an input left out is None
    return value
