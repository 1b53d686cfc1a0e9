"""A trained generator and what it sees in, its files of a bundle out: ONNX in two precisions, golden values."""

import re
from pathlib import Path

import numpy as np
import onnx
import torch

from lipstream.avatar.arrays import Array
from lipstream.avatar.manifest import Network
from lipstream.nets.generator import Generator
from lipstream.train.export import export_onnx, gflop, golden, quantize_int8
from lipstream.train.generator import Crops, Seen
from lipstream.types import ARTICULATION, Float32

GAP = ARTICULATION.index("lip_gap")
INT8_QUALITY = "fast"
"""What `--quality low` computes in int8; nothing asks for the larger one in it."""
CALIBRATION = 160
"""Inputs that int8 is calibrated on."""
FLOAT_CONVOLUTIONS = 3
"""The last: flows, the joint of features and canvas, the painted picture."""
GOLDEN_GAPS = (0.3, 0.8)


def write_generator(
    folder: Path, quality: str, module: Generator, seen: Seen, crops: Crops
) -> tuple[Network, dict[str, Array]]:
    """Write the ONNX files of a quality.

    Args:
        folder: of the bundle.
        quality: `fast` or `standard`.
        module: trained, its weights rounded as they are stored (`export.round_weights`).
        seen: what it sees of each picture.
        crops: codes as they will come, and the picture that each goes with.

    Returns:
        The manifest's entry, and the golden values by their key.

    Raises:
        EngineError: torch cannot express the module.
    """
    chosen = [int(np.abs(crops.codes[:, GAP] - gap).argmin()) for gap in GOLDEN_GAPS]
    levels = (seen.visual([crops.frame_index[i] for i in chosen]) * 255).round().to(torch.uint8)
    inputs = {"visual": levels.float() / 255, "code": torch.from_numpy(crops.codes[chosen])}
    files = {"float": f"generator.{quality}.onnx"}
    full = folder / files["float"]
    export_onnx(module, inputs, ["image"], full)
    if quality == INT8_QUALITY:
        files["int8"] = f"generator.{quality}.int8.onnx"
        quantize_int8(full, folder / files["int8"], _calibration(seen, crops), keep_float=_delicate(full))
    recorded = golden(module, {name: value[:1] for name, value in inputs.items()}, ["image"])
    values: dict[str, Array] = {
        "visual": levels[:1].numpy(), "code": recorded["code"], "image": recorded["image"].astype(np.float16)
    }  # fmt: skip
    parameters = sum(p.numel() for p in module.parameters())
    entry = Network.model_validate({"files": files, "parameters": parameters, "gflop": gflop(module, inputs)})
    return entry, {f"generator.{quality}/{name}": value for name, value in values.items()}


def _calibration(seen: Seen, crops: Crops) -> list[dict[str, Float32]]:
    """Inputs to calibrate int8 on, spread over the crops."""
    chosen = np.linspace(0, len(crops.codes) - 1, CALIBRATION).astype(int)
    return [{"visual": seen.visual([crops.frame_index[i]]).numpy(), "code": crops.codes[i : i + 1]} for i in chosen]


def _delicate(path: Path) -> list[str]:
    """Patterns of what int8 spoils: all but convolutions, above all what scales by the code, and the last of these.

    With them in int8, round and wide-open mouths fell to 24 dB of the float network's; without, 32 (median 59).
    """
    nodes = onnx.load(path).graph.node
    convolutions = [node.name for node in nodes if node.op_type == "Conv"]
    others = [node.name for node in nodes if node.op_type != "Conv"]
    return [f"^{re.escape(name)}$" for name in (*others, *convolutions[-FLOAT_CONVOLUTIONS:])]
