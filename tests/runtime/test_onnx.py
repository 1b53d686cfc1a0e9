from pathlib import Path

import numpy as np
import pytest

from lipstream.errors import EngineError

pytest.importorskip("onnxruntime", reason='needs pip install ".[onnx]"')

from lipstream.runtime import onnx

ARTICULATION = Path(__file__).parents[1] / "assets" / "speech" / "articulation.onnx"


@pytest.mark.parametrize("batch", [1, 7])
def test_any_batch(batch: int) -> None:
    engine = onnx.load(ARTICULATION, device="cpu", streams=2)
    assert (engine.device, engine.precision) == ("cpu", "f32")
    assert engine.run({"audio": np.ones((batch, 32, 16, 16), np.float32)})["code"].shape == (batch, 12)


@pytest.mark.parametrize(
    ("device", "precision", "reason"),
    [
        ("tpu", "auto", "no device 'tpu'"),
        ("cpu", "bf16", "on cpu has no precision 'bf16'"),
        ("cuda", "f16", "on cuda has no precision 'f16'"),
    ],
)
def test_refuses_what_it_cannot(device: str, precision: str, reason: str) -> None:
    with pytest.raises(EngineError, match=reason):
        onnx.load(ARTICULATION, device=device, precision=precision)


def test_an_explicit_device_never_becomes_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(EngineError, match="has no CUDAExecutionProvider; install"):
        onnx.load(ARTICULATION, device="cuda")
    assert onnx.load(ARTICULATION).device == "cpu"


@pytest.mark.parametrize("content", [b"", b"garbage", ARTICULATION.read_bytes()[:-40]], ids=["empty", "garbage", "cut"])
def test_refuses_damaged_files_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(EngineError, match=r"cannot load .*a\.onnx") as caught:
        onnx.load(tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("cores", "streams", "threads"), [(1, 1, 1), (6, 1, 6), (6, 2, 3), (1, 4, 1)])
def test_only_cores_that_the_process_may_use_are_counted(
    cores: int, streams: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)
    engine = onnx.load(ARTICULATION, device="cpu", streams=streams)
    assert engine._session.get_session_options().intra_op_num_threads == threads


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="No such file"):
        onnx.load(tmp_path / "a.onnx")
