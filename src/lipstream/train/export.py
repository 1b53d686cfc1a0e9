"""A torch module in, an ONNX file out with fp16 or int8 weights, which every engine runs."""

import io
import logging
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lipstream.errors import EngineError
from lipstream.runtime import silent_openvino  # noqa: F401  nncf would report to others through OpenVINO
from lipstream.types import Float32

OPSET = 18
SMALLEST_HALVED = 64
"""Initialisers with fewer values stay float32: shapes, scalars and short biases gain nothing."""


def export_onnx(
    module: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str], path: Path, *, halved: bool = True
) -> None:
    """Write a module as ONNX: dynamic first axis, weights stored as float16, every computation in float32.

    Args:
        module: takes the inputs as keyword arguments of these names.
        inputs: an example of each, `[b, ...]` float32 with b >= 2, so that the exporter keeps the axis free.
        outputs: a name for each output, in order.
        path: of the file, overwritten.
        halved: False stores the weights as they are, for a network that shall compute what it did elsewhere.

    Raises:
        EngineError: torch cannot express the module.
    """
    module = module.eval().cpu().float()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns of packages that nobody asked for
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's own use of its deprecated names
        program = torch.onnx.export(
            module,
            kwargs={name: value.contiguous() for name, value in inputs.items()},
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes={name: {0: torch.export.Dim.DYNAMIC} for name in inputs},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise EngineError(f"torch made no ONNX program of {type(module).__name__}: use torch's dynamo exporter")
    model = program.model_proto
    _name_batch(model)
    forget_sources(model)
    if halved:
        halve(model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def gflop(module: nn.Module, inputs: Mapping[str, Tensor]) -> float:
    """Work of one run of a module at batch 1 in GFLOP, a multiplication and an addition counted as two.

    Args:
        module: takes the inputs as keyword arguments of these names.
        inputs: an example of each, `[b, ...]`, of which the first is run.
    """
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(**{name: value[:1] for name, value in inputs.items()})
    return round(float(counter.get_total_flops()) / 1e9, 5)


def forget_sources(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes, stack traces with paths of the machine that exported; no engine reads them."""
    del model.metadata_props[:]
    graph = model.graph
    parts: list[Any] = [graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info]
    for part in parts:
        del part.metadata_props[:]
        part.ClearField("doc_string")


def _name_batch(model: onnx.ModelProto) -> None:
    """Call the free axis `batch`, which the exporter numbers; intermediate shapes that carry its number go."""
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"


def halve(model: onnx.ModelProto) -> None:
    """Store float32 weights as float16 behind a cast, which engines fold when they load: half the file, same speed."""
    casts = []
    for initializer in model.graph.initializer:
        values = numpy_helper.to_array(initializer)
        if initializer.data_type != TensorProto.FLOAT or values.size < SMALLEST_HALVED:
            continue
        name = initializer.name
        clipped = np.clip(values, -65504, 65504).astype(np.float16)
        initializer.CopyFrom(numpy_helper.from_array(clipped, f"{name}.fp16"))
        casts.append(helper.make_node("Cast", [f"{name}.fp16"], [name], f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def golden(module: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> dict[str, Float32]:
    """Run a module on given inputs and return all tensors by name, for engines to reproduce; weights as exported."""
    with torch.no_grad():
        module = module.eval().cpu().float()
        results = module(**inputs)
    tensors = [results] if isinstance(results, Tensor) else list(results)
    pairs = {**inputs, **dict(zip(outputs, tensors, strict=True))}
    return {name: value.detach().numpy().astype(np.float32) for name, value in pairs.items()}


def round_weights(module: nn.Module) -> None:
    """Round a module's weights to float16 in place, so that golden values match the exported file."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.numel() >= SMALLEST_HALVED:
                parameter.copy_(parameter.half().float())


def quantize_int8(
    source: Path, target: Path, calibration: Iterable[Mapping[str, Float32]], *, keep_float: Sequence[str] = ()
) -> None:
    """Write an int8 copy of an ONNX file: standard QDQ nodes, weights per channel, activations calibrated.

    Args:
        source: an ONNX file of `export_onnx`.
        target: of the copy, overwritten.
        calibration: real inputs by name, batches of one; a few hundred of them.
        keep_float: regular expressions of node names that stay in float32.
    """
    import nncf  # noqa: PLC0415  takes seconds, and only this function needs it

    model = onnx.load(source)
    _restore(model)
    # One scale an activation tensor: ONNX Runtime cannot load what nncf makes for depthwise convolutions otherwise.
    activations = nncf.quantization.advanced_parameters.QuantizationParameters(per_channel=False)
    samples = list(calibration)
    nncf.set_log_level(logging.ERROR)
    with redirect_stdout(io.StringIO()):  # it shows bars of its own
        quantized = nncf.quantize(
            model,
            nncf.Dataset(samples),
            subset_size=len(samples),
            preset=nncf.QuantizationPreset.MIXED,
            target_device=nncf.TargetDevice.CPU,
            ignored_scope=nncf.IgnoredScope(patterns=list(keep_float), validate=False),
            advanced_parameters=nncf.AdvancedQuantizationParameters(activations_quantization_params=activations),
        )
    _fold_quantized_weights(quantized)
    halve(quantized)
    onnx.checker.check_model(quantized)
    target.write_bytes(quantized.SerializeToString())


def _restore(model: onnx.ModelProto) -> None:
    """Undo `halve`: a quantiser looks for weights, not for casts of weights."""
    stored = {initializer.name: initializer for initializer in model.graph.initializer}
    casts = [node for node in model.graph.node if node.op_type == "Cast" and node.input[0] in stored]
    for cast in casts:
        values = numpy_helper.to_array(stored[cast.input[0]]).astype(np.float32)
        stored[cast.input[0]].CopyFrom(numpy_helper.from_array(values, cast.output[0]))
        model.graph.node.remove(cast)


def _fold_quantized_weights(model: onnx.ModelProto) -> None:
    """Store as int8 the weights that a QuantizeLinear node would round at every load."""
    stored = {initializer.name: initializer for initializer in model.graph.initializer}
    for node in [node for node in model.graph.node if node.op_type == "QuantizeLinear" and node.input[0] in stored]:
        values, scale, zero = (numpy_helper.to_array(stored[name]) for name in node.input)
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
        shape = [-1 if i == axis else 1 for i in range(values.ndim)] if scale.ndim else []
        limits = np.iinfo(zero.dtype)
        rounded = np.rint(values / scale.reshape(shape)) + zero.reshape(shape)
        folded = np.clip(rounded, limits.min, limits.max).astype(zero.dtype)
        stored[node.input[0]].CopyFrom(numpy_helper.from_array(folded, node.output[0]))
        model.graph.node.remove(node)
