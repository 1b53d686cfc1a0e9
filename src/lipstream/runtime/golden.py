"""An engine and a `golden.npz` in, how far the engine's outputs deviate from the recorded ones out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipstream.avatar.arrays import Array, read_npz
from lipstream.errors import AvatarError
from lipstream.types import Engine, Float32

OUTPUTS = {"generator": "image", "speech_encoder": "features", "articulation": "code"}
"""Kind of network to its output; a golden network's other tensors are its inputs."""

TOLERANCE = {"f32": 2e-3, "f16": 1e-2, "bf16": 3e-2, "int8": 3e-2}
"""Greatest deviation by precision. Images are recorded as float16, which alone deviates by 2e-4."""


@dataclass(frozen=True, eq=False)
class GoldenPair:
    """Inputs of a network and what it must make of them."""

    inputs: Mapping[str, Float32]
    """`[b, ...]` float32 by tensor name."""
    outputs: Mapping[str, Float32]
    """`[b, ...]` float32 by tensor name."""


def read_golden(path: Path) -> dict[str, GoldenPair]:
    """Read a `golden.npz`: network name (`generator.fast`, `speech_encoder`, ...) to its pair.

    Arrays are keyed `NETWORK/TENSOR`; uint8 stands for the value times 255.

    Raises:
        AvatarError: the file is damaged, holds other values than numbers, or a network lacks its inputs or its output.
    """
    networks: dict[str, dict[str, Float32]] = {}
    for key, array in read_npz(path).items():
        network, _, tensor = key.rpartition("/")
        networks.setdefault(network, {})[tensor] = _values(key, array, path)
    return {network: _pair(network, tensors, path) for network, tensors in networks.items()}


def deviation(engine: Engine, pair: GoldenPair) -> float:
    """Root mean square of the outputs' errors, relative to that of the recorded outputs; inf for another shape."""
    found = engine.run(pair.inputs)
    return max(_relative(found.get(name), expected) for name, expected in pair.outputs.items())


def _values(key: str, array: Array, path: Path) -> Float32:
    if array.dtype.kind not in "fiu":
        raise AvatarError(f"{path}: '{key}' is {array.dtype}, expected real numbers; build the bundle again.")
    scale = np.float32(1 / 255) if array.dtype == np.uint8 else np.float32(1)
    return array.astype(np.float32) * scale


def _pair(network: str, tensors: dict[str, Float32], path: Path) -> GoldenPair:
    output = OUTPUTS.get(network.partition(".")[0])
    if output is None or output not in tensors or len(tensors) < 2:
        raise AvatarError(f"{path}: network {network!r} has {sorted(tensors)}, expected inputs and an output.")
    inputs = {name: values for name, values in tensors.items() if name != output}
    return GoldenPair(inputs, {output: tensors[output]})


def _relative(found: Float32 | None, expected: Float32) -> float:
    if found is None or found.shape != expected.shape:
        return float("inf")
    error, size = np.sqrt(np.mean(np.square(found - expected))), np.sqrt(np.mean(np.square(expected)))
    return float(error / max(size, np.float32(1e-3)))
