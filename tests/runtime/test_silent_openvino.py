import subprocess
import sys

import pytest

LOADED = "print([name for name in sys.modules if name.startswith('openvino_telemetry.')])"


@pytest.mark.parametrize("module", ["runtime.openvino", "runtime.tflite", "train.export"])
def test_nothing_that_reports_to_others_is_loaded(module: str) -> None:
    if module.startswith("train."):
        pytest.importorskip("torch", reason='needs pip install ".[train]"')
        pytest.importorskip("onnx", reason='needs pip install ".[train]"')
    code = f"import sys, lipstream.{module}; {LOADED}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"
