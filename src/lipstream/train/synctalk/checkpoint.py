"""A checkpoint of SyncTalk_2D in, as `.pth` or ONNX; its network in a bundle, with golden values, out.

Importing an ONNX needs no torch.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from lipstream.avatar.graph import check_graph
from lipstream.avatar.manifest import Network
from lipstream.avatar.signature import Shape, Signature, read_signature
from lipstream.errors import AvatarError, InputError, MissingExtraError
from lipstream.runtime.engines import load_engine
from lipstream.train.synctalk.mode import refusal
from lipstream.types import CROP_SIZE, FEATURE_SIZE, MEL_BINS, WINDOW_ROWS, Float32

_PICTURE = (6, CROP_SIZE, CROP_SIZE)
_OTHER_MODES: dict[tuple[int, ...], str] = {(32, 32, 32): "hubert", (256, 16, 32): "wenet"}
"""Shapes of features that other modes take."""
_SMALLER = (6, 160, 160)
TRAIN_EXTRA = (
    'Reading a .pth needs PyTorch: pip install "lipstream[train]"; or give the network as .onnx, which does not.'
)


class Converter(Protocol):
    """Reads a `.pth`, in torch."""

    def __call__(self, source: Path, target: Path, inputs: Mapping[str, Float32]) -> "Imported":
        """Write `target` as ONNX; raises what `import_generator` raises."""
        ...


@dataclass(frozen=True, eq=False)
class Imported:
    """A network that lies in a bundle."""

    network: Network
    """Its entry in the manifest."""
    golden: Mapping[str, Float32]
    """Its golden inputs and outputs by our tensor names."""


@dataclass(frozen=True, slots=True)
class Role:
    """How one of the two networks is called: our tensor names and shapes without the batch."""

    what: str
    """Its name in messages."""
    inputs: Mapping[str, Shape]
    """Name and shape of each input."""
    output: str
    """Name of the output."""
    output_shape: Shape
    """Its shape."""


GENERATOR = Role("generator", {"visual": _PICTURE, "audio": (32, 16, 16)}, "image", (3, CROP_SIZE, CROP_SIZE))
ENCODER = Role("audio encoder", {"mel": (1, MEL_BINS, WINDOW_ROWS)}, "features", (FEATURE_SIZE,))


def import_generator(source: Path, target: Path, inputs: Mapping[str, Float32]) -> Imported:
    """Take over a generator.

    Args:
        source: `.pth` or `.onnx`.
        target: of the ONNX in the bundle.
        inputs: golden `visual` `[b, 6, 320, 320]` and `audio` `[b, 32, 16, 16]` float32, b of 2 or more.

    Raises:
        InputError: it is no such network, or one of another mode or size, or damaged.
        MissingExtraError: it is a `.pth` and torch is not installed.
        EngineError: it does not run.
    """
    return _import(source, target, inputs, GENERATOR)


def import_encoder(source: Path, target: Path, inputs: Mapping[str, Float32]) -> Imported:
    """Take over an audio encoder; `inputs` is `mel` `[n, 1, 80, 16]`; raises what `import_generator` raises."""
    return _import(source, target, inputs, ENCODER)


def _import(source: Path, target: Path, inputs: Mapping[str, Float32], role: Role) -> Imported:
    if not source.is_file():
        raise InputError(f"There is no file {source}; expected the {role.what} as .pth or .onnx.")
    try:
        match source.suffix.lower():
            case ".onnx":
                return _of_onnx(source, target, inputs, role)
            case ".pth" | ".pt":
                return _converter(role)(source, target, inputs)
    except OSError as error:
        raise InputError(f"{source} cannot be read ({error}); copy it again.") from error
    raise InputError(f"{source.name} is no {role.what} that can be read; expected .pth or .onnx.")


def _converter(role: Role) -> Converter:
    try:
        from lipstream.train.synctalk.weights import convert_encoder, convert_generator  # noqa: PLC0415  an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError(TRAIN_EXTRA) from error
    return convert_generator if role is GENERATOR else convert_encoder


def _of_onnx(source: Path, target: Path, inputs: Mapping[str, Float32], role: Role) -> Imported:
    try:
        check_graph(source)
        signature = read_signature(source)
    except AvatarError as error:
        raise InputError(str(error)) from error
    tensors = tensor_names(signature, role, source)
    shutil.copyfile(source, target)
    engine = load_engine("openvino", target, precision="f32")
    results = engine.run({tensors.get(name, name): values for name, values in inputs.items()})
    output = results[tensors.get(role.output, role.output)]
    expected = (len(next(iter(inputs.values()))), *role.output_shape)
    if output.shape != expected:
        raise InputError(
            f"{source} answers a batch of {expected[0]} with {list(output.shape)}, expected {list(expected)}; export "
            "it with a dynamic batch axis."
        )
    network = Network(files={"float": target.name}, tensors=tensors, parameters=signature.parameters)
    return Imported(network, {**inputs, role.output: output.astype(np.float32)})


def tensor_names(signature: Signature, role: Role, source: Path) -> dict[str, str]:
    """Find the tensors of a network by their shapes.

    Args:
        signature: of the network.
        role: what it shall be.
        source: its file, for messages.

    Returns:
        Our tensor name to the graph's, for those that differ.

    Raises:
        InputError: a tensor is missing, its batch axis is fixed, or the shapes are those of another mode or size.
    """
    for shape in signature.inputs.values():
        if role is GENERATOR and (mode := _OTHER_MODES.get(_sizes(shape))):
            raise refusal(mode, f"{source} takes features of {list(_sizes(shape))}")
        if shape[1:] == _SMALLER:
            raise InputError(f"{source} takes pictures of 160 x 160; only SyncTalk_2D's 328 network is imported.")
    found = {name: _named(signature.inputs, shape, f"input '{name}'", source) for name, shape in role.inputs.items()}
    if len(signature.inputs) != len(role.inputs) or len(signature.outputs) != 1:
        raise InputError(
            f"{source} has {len(signature.inputs)} inputs and {len(signature.outputs)} outputs, expected "
            f"{len(role.inputs)} and 1 of an {role.what}; give the network of SyncTalk_2D."
        )
    found[role.output] = next(iter(signature.outputs))
    return {ours: theirs for ours, theirs in found.items() if ours != theirs}


def _named(there: Mapping[str, Shape], wanted: Shape, what: str, source: Path) -> str:
    for name, shape in there.items():
        if len(shape) == len(wanted) + 1 and all(a in {None, b} for a, b in zip(shape[1:], wanted, strict=True)):
            if shape[0] is not None:
                raise InputError(f"{source} takes batches of {shape[0]} only; export it with a dynamic batch axis.")
            return name
    shapes = ", ".join(f"{name} {list(shape)}" for name, shape in there.items())
    raise InputError(
        f"{source} has no {what} of [batch, {', '.join(map(str, wanted))}], but {shapes}; give that network."
    )


def _sizes(shape: Shape) -> tuple[int, ...]:
    return tuple(size or 0 for size in shape[1:])
