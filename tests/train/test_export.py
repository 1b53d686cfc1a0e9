from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")
pytest.importorskip("onnxscript", reason="needs the extra `train`")

import onnx
import openvino  # type: ignore[import-untyped]
import torch

import lipstream
from lipstream.train.export import export_onnx, golden, quantize_int8, round_weights
from lipstream.types import Float32


class TwoInputs(torch.nn.Module):
    """A picture scaled by a code, as small as a test needs."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(6, 16, 3, 2, 1)
        self.norm = torch.nn.BatchNorm2d(16)
        self.depthwise = torch.nn.Conv2d(16, 16, 3, 1, 1, groups=16)
        self.scale = torch.nn.Linear(12, 16)
        self.last = torch.nn.Conv2d(16, 3, 3, 1, 1)

    def forward(self, visual: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.first(visual))) * (1 + self.scale(code)[:, :, None, None])
        return torch.sigmoid(self.last(torch.nn.functional.silu(self.depthwise(x))))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Float32]]:
    torch.manual_seed(0)
    module, path = TwoInputs(), tmp_path_factory.mktemp("export") / "net.onnx"
    inputs = {"visual": torch.rand(2, 6, 32, 32), "code": torch.rand(2, 12)}
    round_weights(module)
    export_onnx(module, inputs, ["image"], path)
    return path, golden(module, inputs, ["image"])


def _run_openvino(path: Path, inputs: dict[str, Float32]) -> Float32:
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled(inputs)[0])


def _inputs(pairs: dict[str, Float32], batch: int) -> dict[str, Float32]:
    return {name: np.repeat(pairs[name][:1], batch, 0) for name in ("visual", "code")}


@pytest.mark.parametrize("batch", [1, 3])
def test_batch_is_free_and_golden_values_hold(exported: tuple[Path, dict[str, Float32]], batch: int) -> None:
    path, pairs = exported
    image = _run_openvino(path, _inputs(pairs, batch))
    assert image.shape == (batch, 3, 16, 16)
    np.testing.assert_allclose(image[-1], pairs["image"][0], atol=1e-5)


def test_weights_are_stored_as_float16(exported: tuple[Path, dict[str, Float32]]) -> None:
    kinds = {i.data_type for i in onnx.load(exported[0]).graph.initializer if np.prod(i.dims) >= 64}
    assert kinds == {onnx.TensorProto.FLOAT16}


def test_onnx_runtime_agrees(exported: tuple[Path, dict[str, Float32]]) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
    path, pairs = exported
    (image,) = runtime.InferenceSession(path).run(None, _inputs(pairs, 2))
    np.testing.assert_allclose(image[0], pairs["image"][0], atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_int8_copy_runs_in_both_engines(exported: tuple[Path, dict[str, Float32]], tmp_path: Path) -> None:
    pytest.importorskip("nncf", reason="needs the extra `train`")
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
    path, pairs = exported
    quantize_int8(path, tmp_path / "int8.onnx", [_inputs(pairs, 1)] * 4)
    model = onnx.load(tmp_path / "int8.onnx")
    assert {node.domain for node in model.graph.node} == {""}
    assert onnx.TensorProto.INT8 in {i.data_type for i in model.graph.initializer if len(i.dims) == 4}
    (image,) = runtime.InferenceSession(tmp_path / "int8.onnx").run(None, _inputs(pairs, 1))
    np.testing.assert_allclose(image, pairs["image"][:1], atol=0.02)
    np.testing.assert_allclose(_run_openvino(tmp_path / "int8.onnx", _inputs(pairs, 1)), image, atol=0.02)


def test_no_path_of_the_exporting_machine_is_written(exported: tuple[Path, dict[str, Float32]]) -> None:
    path, _ = exported
    here = str(Path(__file__).parents[2]).encode()
    assert here not in path.read_bytes()
    for shipped in Path(lipstream.__file__).parent.glob("assets/*/*.onnx"):
        assert b"stack_trace" not in shipped.read_bytes(), shipped
