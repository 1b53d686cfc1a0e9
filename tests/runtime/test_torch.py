from pathlib import Path

import pytest

from lipstream.errors import EngineError

pytest.importorskip("torch", reason='needs pip install ".[train]"')
pytest.importorskip("onnx", reason='needs pip install ".[train]"')

from lipstream.runtime import torch

ARTICULATION = Path(__file__).parents[1] / "assets" / "speech" / "articulation.onnx"


def test_is_float32_on_the_cpu() -> None:
    assert torch.load(ARTICULATION, device="cpu").precision == "f32"


@pytest.mark.parametrize(
    ("device", "precision", "reason"),
    [("tpu", "auto", "no device 'tpu'"), ("cpu", "f16", "on cpu has no precision 'f16'")],
)
def test_refuses_what_it_cannot(device: str, precision: str, reason: str) -> None:
    with pytest.raises(EngineError, match=reason):
        torch.load(ARTICULATION, device=device, precision=precision)


def test_an_explicit_device_never_becomes_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(EngineError, match="has no device 'cuda' here"):
        torch.load(ARTICULATION, device="cuda")


@pytest.mark.parametrize("content", [b"garbage", ARTICULATION.read_bytes()[:-40]], ids=["garbage", "cut"])
def test_refuses_damaged_files_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(EngineError, match=r"cannot load .*a\.onnx") as caught:
        torch.load(tmp_path / "a.onnx", device="cpu")
    assert "\n" not in str(caught.value)


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="No such file"):
        torch.load(tmp_path / "a.onnx", device="cpu")
