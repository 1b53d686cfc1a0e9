"""An engine's name and an ONNX file in, a loaded engine that reproduces its golden values out."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Protocol

from lipstream.errors import EngineError, MissingExtraError, reason_of
from lipstream.runtime.golden import TOLERANCE, GoldenPair, deviation
from lipstream.types import Float32

_log = logging.getLogger(__name__)


class LoadedEngine(Protocol):
    """A `types.Engine` that says what it is."""

    @property
    def name(self) -> str:
        """`openvino`, `onnx` or `torch`."""
        ...

    @property
    def device(self) -> str:
        """`cpu`, `cuda`, `cuda:1`, ... or `tensorrt`."""
        ...

    @property
    def precision(self) -> str:
        """What layers that are not int8 compute in: `f32`, `bf16` or `f16`."""
        ...

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        """Run a batch."""
        ...


class _Loader(Protocol):
    def __call__(self, model_path: Path, *, device: str, precision: str, streams: int) -> LoadedEngine: ...


def _openvino(model_path: Path, *, device: str, precision: str, streams: int) -> LoadedEngine:
    from lipstream.runtime import openvino  # noqa: PLC0415  # 0.1 s that other engines need not cost

    if device not in ("auto", "cpu"):
        raise EngineError(f"Engine openvino runs on the CPU, not on {device!r}; use engine onnx or torch for a GPU.")
    return openvino.load(model_path, precision=precision, streams=streams)


def _onnx(model_path: Path, *, device: str, precision: str, streams: int) -> LoadedEngine:
    try:
        from lipstream.runtime import onnx  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError('Engine onnx needs ONNX Runtime: pip install "lipstream[onnx]", or "[gpu]".') from error
    return onnx.load(model_path, device=device, precision=precision, streams=streams)


def _torch(model_path: Path, *, device: str, precision: str, streams: int) -> LoadedEngine:  # noqa: ARG001  torch has one pool
    try:
        from lipstream.runtime import torch  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError('Engine torch needs PyTorch and onnx: pip install "lipstream[train]".') from error
    return torch.load(model_path, device=device, precision=precision)


ENGINES: dict[str, _Loader] = {"openvino": _openvino, "onnx": _onnx, "torch": _torch}
AUTO = (("onnx", "cuda"), ("openvino", "cpu"), ("onnx", "cpu"))
"""Engine and device in the order in which `auto` tries them."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A network's ONNX file and what is known of it."""

    path: Path
    """The ONNX file."""
    golden: GoldenPair
    """What it must reproduce."""
    tensors: Mapping[str, str]
    """Our tensor name to the graph's, for those that differ."""
    int8: bool = False
    """Whether its weights are quantised, which widens the tolerance."""


def load_engine(
    name: str, model_path: Path, *, device: str = "auto", precision: str = "auto", streams: int = 1
) -> LoadedEngine:
    """Load an ONNX file on the engine of that name, never on another.

    Args:
        name: `openvino`, `onnx` or `torch`.
        model_path: the ONNX file.
        device: `cpu`, `cuda` or one of several (`cuda:1`), `tensorrt`; `auto` lets the engine choose.
        precision: `f32`, `bf16` or `f16`; `auto` lets the engine choose.
        streams: batches that threads will run side by side.

    Raises:
        MissingExtraError: the engine's package is not installed.
        EngineError: there is no such engine, or it cannot load the file that way.
    """
    if name not in ENGINES:
        raise EngineError(f"There is no engine {name!r}; use auto, {', '.join(ENGINES)}.")
    return ENGINES[name](model_path, device=device, precision=precision, streams=streams)


def choose(
    name: str, model: ModelFile, *, device: str = "auto", precision: str = "auto", streams: int = 1
) -> LoadedEngine:
    """Load a network on an engine that reproduces its golden values.

    Args:
        name: an engine, which is used or fails; or `auto`: the first of ONNX Runtime with CUDA, OpenVINO and ONNX
            Runtime on the CPU that loads the network and reproduces its golden values.
        model: the network.
        device: see `load_engine`; `auto` then tries only the engines that run on it.
        precision: see `load_engine`.
        streams: see `load_engine`.

    Raises:
        MissingExtraError: the package of the named engine is not installed.
        EngineError: the named engine, or every one that `auto` tried, fails to load it or deviates.
    """
    if name != "auto":
        return _proven(name, device, model, precision, streams)
    reasons = []
    for engine, kind in AUTO:
        if device.partition(":")[0] not in ("auto", kind) or (kind == "cuda" and not _gpu_build_installed()):
            continue
        place = kind if device == "auto" else device
        try:
            return _proven(engine, place, model, precision, streams)
        except (EngineError, MissingExtraError) as error:
            reasons.append(str(error))
            _log.warning("engine passed over", extra={"engine": engine, "device": place, "reason": str(error)})
    raise EngineError(f"No engine runs {model.path} on device {device}: {' '.join(reasons)}".rstrip(": "))


def _gpu_build_installed() -> bool:
    """Asked without importing ONNX Runtime, which takes 0.1 s."""
    try:
        distribution("onnxruntime-gpu")
    except PackageNotFoundError:
        return False
    return True


def _proven(name: str, device: str, model: ModelFile, precision: str, streams: int) -> LoadedEngine:
    engine = load_engine(name, model.path, device=device, precision=precision, streams=streams)
    if model.tensors:
        engine = RenamedEngine(engine, model.tensors)
    tolerance = TOLERANCE["int8" if model.int8 else engine.precision]
    try:
        found = deviation(engine, model.golden)
    except Exception as error:  # engines raise what they like for wrong names and shapes
        raise EngineError(f"Engine {name} cannot run {model.path} on its golden input: {reason_of(error)}") from error
    if not found <= tolerance:
        raise EngineError(
            f"Engine {name} in {engine.precision} deviates by {found:.2g} from the golden values of {model.path}, "
            f"expected at most {tolerance:g}; use another engine."
        )
    return engine


class RenamedEngine:
    """An engine under our tensor names, for a graph that has others."""

    def __init__(self, engine: LoadedEngine, tensors: Mapping[str, str]) -> None:
        self.name, self.device, self.precision = engine.name, engine.device, engine.precision
        self._engine = engine
        self._theirs = dict(tensors)
        self._ours = {theirs: ours for ours, theirs in tensors.items()}

    def run(self, inputs: Mapping[str, Float32]) -> dict[str, Float32]:
        """Run a batch, tensors by our names."""
        results = self._engine.run({self._theirs.get(name, name): values for name, values in inputs.items()})
        return {self._ours.get(name, name): values for name, values in results.items()}
