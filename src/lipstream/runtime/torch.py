"""An ONNX file in, an engine of PyTorch out: float16 with CUDA, float32 on the CPU."""

from collections.abc import Mapping
from pathlib import Path

import torch

from lipstream.errors import EngineError, reason_of
from lipstream.nets.onnx_graph import Graph, read_graph
from lipstream.types import Float32

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


class TorchEngine:
    """A graph on a device; threads may run it at the same time."""

    name = "torch"

    def __init__(self, graph: Graph, device: str, precision: str) -> None:
        self.device = device
        self.precision = precision
        self._graph = graph.to_device(torch.device(device), DTYPES[precision])

    @torch.inference_mode()
    def run(self, inputs: Mapping[str, Float32]) -> dict[str, Float32]:
        """Run a batch, `[b, ...]` float32 by tensor name."""
        results = self._graph({name: self._on_device(values) for name, values in inputs.items()})
        return {name: value.float().contiguous().cpu().numpy() for name, value in results.items()}

    def _on_device(self, values: Float32) -> torch.Tensor:
        layout = torch.channels_last if values.ndim == 4 else torch.contiguous_format
        return torch.tensor(values).to(self.device, DTYPES[self.precision], memory_format=layout)


def load(model_path: Path, *, device: str = "auto", precision: str = "auto") -> TorchEngine:
    """Load an ONNX file.

    Args:
        model_path: the ONNX file, which holds all its data.
        device: `cpu`, `cuda`, one of several as `cuda:1`, or `auto`: cuda where there is one, else cpu.
        precision: `f32`, `bf16` or with cuda `f16`; `auto` is f16 with cuda, f32 on the CPU. int8 layers compute in it.

    Raises:
        EngineError: the device or precision is unknown or does not work here, or the file is no network whose every
            operator torch has a counterpart for.
    """
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    here = ["cpu", *(["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))] * torch.cuda.is_available())]
    if chosen not in here:
        raise EngineError(f"PyTorch has no device {device!r} here; use {' or '.join(here)}.")
    precisions = ["f32", "bf16"] if chosen == "cpu" else list(DTYPES)
    if precision not in ("auto", *precisions):
        raise EngineError(f"PyTorch on {chosen} has no precision {precision!r}; use auto, {', '.join(precisions)}.")
    if precision == "auto":
        precision = "f32" if chosen == "cpu" else "f16"
    try:
        return TorchEngine(read_graph(model_path), chosen, precision)
    except Exception as error:  # protobuf, onnx and torch raise exceptions without a common root
        raise EngineError(f"PyTorch cannot load {model_path}: {reason_of(error, line=0)}") from error
