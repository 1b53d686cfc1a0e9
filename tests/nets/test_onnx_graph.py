"""Every operator against ONNX's own reference, and graphs as the exporter writes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason='needs pip install ".[train]"')
pytest.importorskip("onnx", reason='needs pip install ".[train]"')

import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from lipstream.nets.onnx_graph import Graph
from lipstream.nets.operators import OPERATORS

Array = NDArray[Any]


def noise(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


PICTURE = noise(2, 4, 6, 8)
CASES: list[tuple[str, Sequence[Array | np.float32 | None], dict[str, Any]]] = [
    # operator, input and constants, attributes
    ("Abs", [PICTURE], {}),
    ("Add", [PICTURE, noise(4, 1, 1)], {}),
    ("AveragePool", [PICTURE], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("Cast", [PICTURE], {"to": TensorProto.INT64}),
    ("Clip", [PICTURE, np.float32(-0.5), np.float32(0.5)], {}),
    ("Clip", [PICTURE, None, np.float32(0.5)], {}),
    ("Concat", [PICTURE, noise(2, 1, 6, 8)], {"axis": 1}),
    ("Conv", [PICTURE, noise(5, 4, 3, 3), noise(5)], {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    ("Conv", [PICTURE, noise(4, 1, 3, 3)], {"pads": [0, 1, 2, 1], "group": 4, "dilations": [1, 1]}),
    ("Conv", [noise(2, 4, 9), noise(3, 4, 3), noise(3)], {"pads": [1, 1], "kernel_shape": [3]}),
    ("DepthToSpace", [PICTURE], {"blocksize": 2, "mode": "CRD"}),
    ("Div", [PICTURE, np.float32(3)], {}),
    ("Erf", [PICTURE], {}),
    ("Exp", [PICTURE], {}),
    ("Expand", [noise(2, 1, 6, 1), ints(3, 6, 8)], {}),
    ("Flatten", [PICTURE], {"axis": 2}),
    ("Gather", [PICTURE, ints(2, -1)], {"axis": 1}),
    ("Gather", [PICTURE, np.array(1)], {"axis": -1}),
    ("Gemm", [noise(2, 5), noise(3, 5), noise(3)], {"transB": 1}),
    ("Gemm", [noise(5, 2), noise(5, 3), noise(3)], {"transA": 1, "alpha": 2.0, "beta": 0.5}),
    ("GlobalAveragePool", [PICTURE], {}),
    ("GridSample", [PICTURE, noise(2, 3, 5, 2)], {"align_corners": 0, "padding_mode": "border"}),
    ("GridSample", [PICTURE, noise(2, 3, 5, 2)], {"align_corners": 1, "mode": "nearest"}),
    ("Identity", [PICTURE], {}),
    ("InstanceNormalization", [PICTURE, noise(4), noise(4)], {"epsilon": 1e-3}),
    ("LeakyRelu", [PICTURE], {"alpha": 0.2}),
    ("MatMul", [PICTURE, noise(8, 3)], {}),
    ("Mul", [PICTURE, noise(8)], {}),
    ("Neg", [PICTURE], {}),
    ("Pad", [PICTURE, ints(0, 0, 1, 2, 0, 1, 3, 4), np.float32(7)], {}),
    ("Pad", [PICTURE, ints(0, 0, 1, 2, 0, 0, 3, 4)], {"mode": "edge"}),
    ("Pad", [PICTURE, ints(0, 0, 1, 2, 0, 0, 3, 4)], {"mode": "reflect"}),
    ("Pow", [np.abs(PICTURE), np.float32(0.5)], {}),
    ("PRelu", [PICTURE, noise(4, 1, 1)], {}),
    ("ReduceMean", [PICTURE, ints(2, 3)], {"keepdims": 0}),
    ("ReduceMean", [PICTURE], {}),
    ("ReduceMean", [PICTURE], {"noop_with_empty_axes": 1}),
    ("ReduceSum", [PICTURE, ints(-1)], {}),
    ("Relu", [PICTURE], {}),
    ("Reshape", [PICTURE, ints(0, -1, 16)], {}),
    ("Resize", [PICTURE, None, np.array([1, 1, 2, 2], np.float32)], {"mode": "linear"}),
    (
        "Resize",
        [PICTURE, None, None, ints(2, 4, 3, 16)],
        {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
    ),
    (
        "Resize",
        [PICTURE, None, np.array([1, 1, 2, 2], np.float32)],
        {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    ),
    ("Shape", [PICTURE], {"start": 2}),
    ("Sigmoid", [PICTURE], {}),
    ("Slice", [PICTURE, ints(1, -3), ints(1000, -1), ints(1, 3)], {}),
    ("Slice", [PICTURE, ints(0), ints(6), ints(2), ints(2)], {}),
    ("Softmax", [PICTURE], {"axis": 1}),
    ("Sqrt", [np.abs(PICTURE)], {}),
    ("Sub", [PICTURE, np.float32(1)], {}),
    ("Tanh", [PICTURE], {}),
    ("Tile", [PICTURE, ints(1, 2, 1, 3)], {}),
    ("Transpose", [PICTURE], {"perm": [0, 2, 3, 1]}),
    ("Unsqueeze", [PICTURE, ints(0, -1)], {}),
]


def build(nodes: list[Any], x: Array, constants: Mapping[str, Array | np.generic], outputs: Sequence[str]) -> Any:  # noqa: ANN401
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def compare(model: Any, x: Array, outputs: Sequence[str]) -> None:  # noqa: ANN401
    expected = ReferenceEvaluator(model).run(None, {"x": x})
    with torch.inference_mode():
        found = Graph(model).to_device(torch.device("cpu"), torch.float32)({"x": torch.tensor(x)})
    for name, array in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(found[name].numpy(), array, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize(("operator", "inputs", "attributes"), CASES, ids=[case[0] for case in CASES])
def test_operator(operator: str, inputs: Sequence[Array | np.float32 | None], attributes: dict[str, Any]) -> None:
    names = ["x", *("" if value is None else f"c{place}" for place, value in enumerate(inputs[1:]))]
    constants = {name: value for name, value in zip(names[1:], inputs[1:], strict=True) if value is not None}
    node = helper.make_node(operator, names, ["y"], **attributes)
    assert isinstance(inputs[0], np.ndarray)
    compare(build([node], inputs[0], constants, ["y"]), inputs[0], ["y"])


def test_every_operator_is_tested() -> None:
    elsewhere = {"Split", "QuantizeLinear", "DequantizeLinear"}
    assert {case[0] for case in CASES} | elsewhere == OPERATORS.keys()


@pytest.mark.parametrize("attributes", [{"num_outputs": 2}, {}])
def test_split(attributes: dict[str, Any]) -> None:
    names = ["x"] if attributes else ["x", "sizes"]
    node = helper.make_node("Split", names, ["a", "b"], axis=1, **attributes)
    constants = {} if attributes else {"sizes": ints(1, 3)}
    compare(build([node], PICTURE, constants, ["a", "b"]), PICTURE, ["a", "b"])


@pytest.mark.parametrize("zero", [np.uint8(128), np.int8(0), np.int8(-3)])
def test_quantised_activations_and_weights(zero: Any) -> None:  # noqa: ANN401
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["levels"]),
        helper.make_node("DequantizeLinear", ["levels", "scale", "zero"], ["rounded"]),
        helper.make_node("DequantizeLinear", ["weight8", "scales"], ["weight"], axis=0),
        helper.make_node("Conv", ["rounded", "weight"], ["y"]),
    ]
    constants: dict[str, Any] = {
        "scale": np.float32(0.02),
        "zero": zero,
        "weight8": np.random.default_rng(0).integers(-128, 128, (3, 4, 1, 1), np.int8),
        "scales": np.array([0.01, 0.02, 0.03], np.float32),
    }
    compare(build(nodes, PICTURE, constants, ["y"]), PICTURE, ["y"])


def test_shapes_computed_from_a_batch_and_weights_stored_as_float16() -> None:
    nodes = [
        helper.make_node("Cast", ["half"], ["weight"], to=TensorProto.FLOAT),
        helper.make_node("Shape", ["x"], ["batch"], end=1),
        helper.make_node("Constant", [], ["rest"], value=numpy_helper.from_array(ints(-1, 8))),
        helper.make_node("Concat", ["batch", "rest"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["rows"]),
        helper.make_node("MatMul", ["rows", "weight"], ["y"]),
    ]
    compare(build(nodes, PICTURE, {"half": noise(8, 3).astype(np.float16)}, ["y"]), PICTURE, ["y"])


def test_what_has_no_counterpart_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="operator Det"):
        Graph(build([helper.make_node("Det", ["x"], ["y"])], PICTURE, {}, ["y"]))
    cubic = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="cubic")
    graph = Graph(build([cubic], PICTURE, {"scales": np.array([1, 1, 2, 2], np.float32)}, ["y"]))
    with pytest.raises(NotImplementedError, match="cubic Resize"):
        graph({"x": torch.tensor(PICTURE)})
