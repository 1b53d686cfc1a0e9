"""A TFLite file in, an engine of OpenVINO on the CPU out: the face models, which come in no other format."""

from pathlib import Path

from lipstream.errors import EngineError, reason_of
from lipstream.runtime.openvino import OpenVinoEngine
from lipstream.runtime.silent_openvino import ov


def load(model_path: Path) -> OpenVinoEngine:
    """Compile a TFLite file for the CPU, in float32: measuring must not depend on the machine.

    Args:
        model_path: the file; OpenVINO reads this format from a path only, and it holds all its data itself.

    Raises:
        EngineError: the file is no network that OpenVINO runs.
    """
    core = ov.Core()
    try:
        compiled = core.compile_model(
            core.read_model(model_path), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        )
    except RuntimeError as error:
        raise EngineError(f"OpenVINO cannot load {model_path}: {reason_of(error)}") from error
    return OpenVinoEngine(compiled, "f32", 1)
