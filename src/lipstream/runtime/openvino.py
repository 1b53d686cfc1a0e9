"""An ONNX file in, an engine on the CPU out: OpenVINO, in float32 or, where the CPU has it, bfloat16."""

import queue
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from lipstream.errors import EngineError, reason_of
from lipstream.runtime.silent_openvino import ov
from lipstream.types import Float32

PRECISIONS = ("auto", "f32", "bf16")


class OpenVinoEngine:
    """A compiled network; threads may run it at the same time, each batch on one of `streams` requests."""

    name = "openvino"
    device = "cpu"

    def __init__(self, compiled: ov.CompiledModel, precision: str, streams: int) -> None:
        self.precision = precision
        self._outputs = [output.any_name for output in compiled.outputs]
        self._idle: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()
        for _ in range(streams):
            self._idle.put(compiled.create_infer_request())

    def run(self, inputs: Mapping[str, Float32]) -> dict[str, Float32]:
        """Run a batch, `[b, ...]` float32 by tensor name; waits while all requests are busy."""
        request = self._idle.get()
        try:
            results = request.infer(dict(inputs), share_inputs=True)
            return {name: np.asarray(results[name]) for name in self._outputs}
        finally:
            self._idle.put(request)


def load(model_path: Path, *, precision: str = "auto", streams: int = 1) -> OpenVinoEngine:
    """Compile an ONNX file for the CPU.

    Nothing is cached on disk: reading and compiling a generator takes 0.1 s, as long as reading it back would.

    Args:
        model_path: the ONNX file; it is read as bytes, so that data outside it cannot be reached.
        precision: `f32`, `bf16`, or `auto`: bf16 where the CPU computes in it. int8 layers stay int8 in all.
        streams: batches that run side by side. 1 gives a batch all cores (lowest latency), more divide the cores
            among them (highest throughput).

    Raises:
        EngineError: the precision is unknown or not to be had, or the file is no network that OpenVINO runs.
    """
    bf16 = _has_bf16()
    if precision not in PRECISIONS or (precision == "bf16" and not bf16):
        raise EngineError(f"OpenVINO on this CPU has no precision {precision!r}; use auto{' or bf16' * bf16} or f32.")
    chosen = "bf16" if precision != "f32" and bf16 else "f32"
    options: dict[str, object] = {"INFERENCE_PRECISION_HINT": chosen, "NUM_STREAMS": streams}
    options["PERFORMANCE_HINT"] = "LATENCY" if streams == 1 else "THROUGHPUT"
    try:
        model = _core().read_model(model_path.read_bytes())
        compiled = _core().compile_model(model, "CPU", options)
    except (OSError, RuntimeError) as error:
        raise EngineError(f"OpenVINO cannot load {model_path}: {reason_of(error)}") from error
    return OpenVinoEngine(compiled, chosen, streams)


@cache
def _core() -> ov.Core:
    return ov.Core()


def _has_bf16() -> bool:
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
