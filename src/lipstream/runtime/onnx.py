"""An ONNX file in, an engine of ONNX Runtime out: on the CPU, with CUDA or with TensorRT."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]

from lipstream.errors import EngineError, reason_of
from lipstream.types import Float32

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}

_log = logging.getLogger(__name__)


class OnnxEngine:
    """An ONNX Runtime session; threads may run it at the same time."""

    name = "onnx"

    def __init__(self, session: onnxruntime.InferenceSession, device: str, precision: str) -> None:
        self.device = device
        self.precision = precision
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]

    def run(self, inputs: Mapping[str, Float32]) -> dict[str, Float32]:
        """Run a batch, `[b, ...]` float32 by tensor name."""
        values = self._session.run(self._outputs, dict(inputs))
        return {name: np.asarray(value) for name, value in zip(self._outputs, values, strict=True)}


def load(model_path: Path, *, device: str = "auto", precision: str = "auto", streams: int = 1) -> OnnxEngine:
    """Load an ONNX file.

    Args:
        model_path: the ONNX file; it is read as bytes, so that data outside it cannot be reached.
        device: `cpu`, `cuda`, `tensorrt`, one of several as `cuda:1`, or `auto`: cuda where it works, else cpu.
        precision: `f32`, or with TensorRT also `f16`; `auto` is f16 with TensorRT, else f32. int8 layers stay int8.
        streams: batches that threads will run side by side, each on its share of the cores.

    Raises:
        EngineError: the device or precision is unknown or does not work here, or the file is no network.
    """
    if device == "auto" and PROVIDERS["cuda"] in onnxruntime.get_available_providers():
        try:
            return _load(model_path, "cuda", precision, streams)
        except EngineError as error:  # a GPU build on a machine without a GPU
            _log.info("ONNX Runtime runs on the CPU", extra={"reason": str(error)})
    return _load(model_path, "cpu" if device == "auto" else device, precision, streams)


def _load(model_path: Path, device: str, precision: str, streams: int) -> OnnxEngine:
    provider, options, chosen = _provider(device, precision)
    if provider not in onnxruntime.get_available_providers():
        raise EngineError(f"This ONNX Runtime has no {provider}; install \"lipstream[gpu]\" or use device 'cpu'.")
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4  # what fails is raised below, in one line
    settings.intra_op_num_threads = max(1, _cores() // streams)
    if device != "cpu" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # finds the CUDA libraries that pip installed
    try:
        session = onnxruntime.InferenceSession(model_path.read_bytes(), settings, providers=[(provider, options)])
    except Exception as error:  # its exceptions share no root but Exception
        raise EngineError(f"ONNX Runtime cannot load {model_path}: {reason_of(error, line=0)}") from error
    if session.get_providers()[0] != provider:
        raise EngineError(f"ONNX Runtime cannot start {provider}; check the GPU's driver and libraries.")
    return OnnxEngine(session, device, chosen)


def _cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _provider(device: str, precision: str) -> tuple[str, dict[str, object], str]:
    kind, _, number = device.partition(":")
    if kind not in PROVIDERS or (number and (kind == "cpu" or not number.isdecimal())):
        raise EngineError(f"ONNX Runtime has no device {device!r} here; use auto, {', '.join(PROVIDERS)}, cuda:1, ...")
    precisions = ("auto", "f32", "f16") if kind == "tensorrt" else ("auto", "f32")
    if precision not in precisions:
        raise EngineError(f"ONNX Runtime on {device} has no precision {precision!r}; use {' or '.join(precisions)}.")
    half = kind == "tensorrt" and precision != "f32"
    options: dict[str, object] = {"trt_fp16_enable": True} if half else {}
    if number:
        options["device_id"] = int(number)
    return PROVIDERS[kind], options, "f16" if half else "f32"
