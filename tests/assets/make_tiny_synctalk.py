"""Makes the two networks of a few KB that stand for SyncTalk_2D's in tests of the import: random, but of its shapes.

python tests/assets/make_tiny_synctalk.py FOLDER      # needs pip install ".[train]"
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lipstream.avatar.arrays import Array


def generator_model() -> bytes:
    """A 3 x 3 convolution of both crops, shifted by what a projection of the features says, through a sigmoid."""
    random = np.random.default_rng(1)
    constants: dict[str, Array] = {
        "kernel": random.normal(0, 0.8, (3, 6, 3, 3)).astype(np.float32),
        "flat": np.array([-1, 16, 512], np.int64),
        "rows": random.normal(0, 0.1, (1, 1, 16)).astype(np.float32),
        "project": random.normal(0, 0.3, (512, 3)).astype(np.float16).astype(np.float32),
        "colours": np.array([-1, 3, 1, 1], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["input", "kernel"], ["seen"], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["audio", "flat"], ["context"]),
        helper.make_node("MatMul", ["rows", "context"], ["heard"]),
        helper.make_node("MatMul", ["heard", "project"], ["shift"]),
        helper.make_node("Reshape", ["shift", "colours"], ["shifts"]),
        helper.make_node("Add", ["seen", "shifts"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["output"]),
    ]
    return _model(nodes, constants, {"input": (6, 320, 320), "audio": (32, 16, 16)}, ("output", (3, 320, 320)))


def encoder_model() -> bytes:
    """Projections of a window's mean row of mel, none below zero, repeated to 512 with growing weights."""
    random = np.random.default_rng(2)
    constants: dict[str, Array] = {
        "axes": np.array([1, 3], np.int64),
        "project": random.normal(0, 0.1, (80, 16)).astype(np.float32),
        "repeats": np.array([1, 32], np.int64),
        "weights": np.linspace(0.1, 2, 512, dtype=np.float32),
    }
    nodes = [
        helper.make_node("ReduceMean", ["mel_spectrogram", "axes"], ["row"], keepdims=0),
        helper.make_node("MatMul", ["row", "project"], ["projected"]),
        helper.make_node("Relu", ["projected"], ["positive"]),
        helper.make_node("Tile", ["positive", "repeats"], ["repeated"]),
        helper.make_node("Mul", ["repeated", "weights"], ["audio_features"]),
    ]
    return _model(nodes, constants, {"mel_spectrogram": (1, 80, 16)}, ("audio_features", (512,)))


def _model(
    nodes: list[onnx.NodeProto],
    constants: dict[str, Array],
    inputs: dict[str, tuple[int, ...]],
    output: tuple[str, tuple[int, ...]],
) -> bytes:
    def value(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])

    stored = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    infos = [value(name, shape) for name, shape in inputs.items()]
    graph = helper.make_graph(nodes, "tiny SyncTalk_2D", infos, [value(*output)], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def make_networks(folder: Path) -> None:
    """Write both into the folder `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "generator.onnx").write_bytes(generator_model())
    (folder / "audio_encoder.onnx").write_bytes(encoder_model())


if __name__ == "__main__":
    make_networks(Path(sys.argv[1]))
