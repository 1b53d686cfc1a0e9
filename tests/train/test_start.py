from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra: pip install '.[train]'")

import onnx  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from lipstream.avatar.bundle import open_bundle  # noqa: E402
from lipstream.errors import AvatarError  # noqa: E402
from lipstream.nets.generator import Generator, configuration  # noqa: E402
from lipstream.train.export import halve  # noqa: E402
from lipstream.train.start import begin_as, moved_canvas, stored_weights  # noqa: E402


def write_weights(module: Generator, path: Path) -> None:
    """An ONNX file that holds a module's weights as `export_onnx` stores them, and computes nothing."""
    stored = [numpy_helper.from_array(value.numpy(), name) for name, value in module.state_dict().items()]
    output = helper.make_tensor_value_info("style.0.bias", TensorProto.FLOAT, None)
    model = helper.make_model(helper.make_graph([], "weights", [], [output], stored))
    halve(model)
    path.write_bytes(model.SerializeToString())
    assert onnx.load(path).graph.initializer


def test_weights_are_read_by_the_modules_names(tmp_path: Path) -> None:
    module = Generator(configuration("fast", (48, 96, 272, 304)))
    write_weights(module, tmp_path / "weights.onnx")
    found = stored_weights(tmp_path / "weights.onnx")
    assert module.state_dict().keys() == found.keys()
    for name, value in module.state_dict().items():
        torch.testing.assert_close(found[name], value, atol=2e-3, rtol=1e-3)


def test_a_canvas_keeps_its_place_in_the_crop() -> None:
    canvas = torch.arange(8.0)[None, None, :, None].expand(1, 2, 8, 8)
    moved = moved_canvas(canvas, (32, 64, 48, 80), (32, 68, 64, 84))
    assert moved.shape == (1, 2, 8, 16)
    assert moved[0, 0, :, 0].tolist() == [2, 3, 4, 5, 6, 7, 7, 7]


def test_a_generator_of_another_kind_is_no_start(tiny_path: Path) -> None:
    module = Generator(configuration("fast", (48, 96, 272, 304)))
    with pytest.raises(AvatarError, match="tiny is not one"):
        begin_as(module, "fast", open_bundle(tiny_path))
    assert np.isfinite(module.canvas.detach().numpy()).all()
