import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from lipstream.errors import EngineError
from lipstream.runtime import openvino
from lipstream.runtime.golden import read_golden

SPEECH = Path(__file__).parents[1] / "assets" / "speech"
ARTICULATION = SPEECH / "articulation.onnx"


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_any_batch(batch: int) -> None:
    audio = np.ones((batch, 32, 16, 16), np.float32)
    assert openvino.load(ARTICULATION).run({"audio": audio})["code"].shape == (batch, 12)


@pytest.mark.parametrize("streams", [1, 2])
def test_threads_share_an_engine(streams: int) -> None:
    engine = openvino.load(SPEECH / "speech_encoder.onnx", precision="f32", streams=streams)
    inputs = [np.full((3, 1, 80, 16), level, np.float32) for level in np.linspace(-4, 4, 20)]
    with ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(lambda mel: engine.run({"mel": mel})["features"], inputs))
    for mel, features in zip(inputs, outputs, strict=True):
        np.testing.assert_allclose(features, (mel[0, 0, 0, 0] + 4) / 8, atol=1e-6)


def test_outputs_outlive_the_next_run() -> None:
    engine = openvino.load(ARTICULATION, precision="f32")
    audio = read_golden(SPEECH / "golden.npz")["articulation"].inputs["audio"]
    first = engine.run({"audio": audio})["code"]
    kept = first.copy()
    engine.run({"audio": audio * 0})
    np.testing.assert_array_equal(first, kept)


def test_read_only_and_strided_inputs() -> None:
    engine = openvino.load(ARTICULATION, precision="f32")
    audio = np.random.default_rng(0).random((32, 16, 16, 2), np.float32)
    strided = audio.transpose(3, 0, 1, 2)
    strided.flags.writeable = False
    expected = engine.run({"audio": np.ascontiguousarray(strided)})["code"]
    np.testing.assert_array_equal(engine.run({"audio": strided})["code"], expected)


@pytest.mark.parametrize("precision", ["f16", "int8", ""])
def test_refuses_unknown_precisions(precision: str) -> None:
    with pytest.raises(EngineError, match="has no precision"):
        openvino.load(ARTICULATION, precision=precision)


def test_refuses_bf16_where_the_cpu_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "_has_bf16", lambda: False)
    assert openvino.load(ARTICULATION).precision == "f32"
    with pytest.raises(EngineError, match="use auto or f32"):
        openvino.load(ARTICULATION, precision="bf16")


@pytest.mark.parametrize("content", [b"", b"garbage", ARTICULATION.read_bytes()[:-40]], ids=["empty", "garbage", "cut"])
def test_refuses_damaged_files_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(EngineError, match=r"cannot load .*a\.onnx") as caught:
        openvino.load(tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="No such file"):
        openvino.load(tmp_path / "a.onnx")


def test_a_model_keeps_working_when_its_file_goes(tmp_path: Path) -> None:
    path = Path(shutil.copy(ARTICULATION, tmp_path))
    engine = openvino.load(path)
    path.unlink()
    assert engine.run({"audio": np.zeros((1, 32, 16, 16), np.float32)})["code"].shape == (1, 12)
