"""A trained generator in, iris's finished bundle out: `python -m studio.assemble WORK KEPT AVATAR`.

Exports `WORK/fast/best.pt` as ONNX with fp16 weights and as int8, calibrated on her own inputs, records golden values
and writes `avatar.json`. AVATAR is the folder that `studio.pack` filled.
"""

import argparse
import re
from datetime import date
from pathlib import Path

import numpy as np
import onnx
import torch

import lipstream
from lipstream.avatar.bundle import file_entries
from lipstream.avatar.manifest import Manifest, Network, References, Timeline
from lipstream.nets.generator import QUALITIES, Generator, configuration
from lipstream.train.export import export_onnx, gflop, golden, quantize_int8, round_weights
from lipstream.train.generator import Crops, Surrounds
from studio.idle import FRAME_SIZE
from studio.train_face import surrounds

CALIBRATION = 160
FLOAT_CONVOLUTIONS = 3  # the last: flows, the joint of features and canvas, the painted picture
PROVENANCE = {
    "picture": "rendered with Blender Cycles from CC0 MakeHuman assets (September 2020), hair our own",
    "recipe": "studio/README.md",
    "person": "nobody: iris does not exist",
}


def trained(work: Path, quality: str, box: tuple[int, int, int, int]) -> tuple[Generator, dict[str, float]]:
    """The best weights of a run, rounded as they are stored, and their held-out figures."""
    module = Generator(configuration(quality, box))
    best = torch.load(work / quality / "best.pt", map_location="cpu", weights_only=True)
    module.load_state_dict(best["module"])
    round_weights(module)
    return module.eval(), best["figures"] | {"step": best["step"]}


def calibration(seen: Surrounds, crops: Crops) -> list[dict[str, np.ndarray]]:
    """Inputs to calibrate int8 on, spread over the crops."""
    chosen = np.linspace(0, len(crops.codes) - 1, CALIBRATION).astype(int)
    return [{"visual": seen.visual([crops.frame_index[i]]).numpy(), "code": crops.codes[i : i + 1]} for i in chosen]


def delicate(path: Path) -> list[str]:
    """Patterns of what int8 spoils: all but convolutions, above all what scales by the code, and the last of these.

    With them in int8, round and wide-open mouths fell to 24 dB of the float network's; without, 32 (median 59).
    """
    nodes = onnx.load(path).graph.node
    convolutions = [node.name for node in nodes if node.op_type == "Conv"]
    others = [node.name for node in nodes if node.op_type != "Conv"]
    return [f"^{re.escape(name)}$" for name in (*others, *convolutions[-FLOAT_CONVOLUTIONS:])]


def add_network(
    avatar: Path, work: Path, quality: str, seen: Surrounds, crops: Crops
) -> tuple[Network, dict[str, np.ndarray]]:
    """Write the ONNX files of a quality; returns its entry and its golden values."""
    module, figures = trained(work, quality, seen.mask.box)
    chosen = [int(np.abs(crops.codes[:, 1] - gap).argmin()) for gap in (0.3, 0.8)]
    levels = (seen.visual([crops.frame_index[i] for i in chosen]) * 255).round().to(torch.uint8)
    inputs = {"visual": levels.float() / 255, "code": torch.from_numpy(crops.codes[chosen])}
    files = {"float": f"generator.{quality}.onnx", "int8": f"generator.{quality}.int8.onnx"}
    export_onnx(module, inputs, ["image"], avatar / files["float"])
    quantize_int8(
        avatar / files["float"],
        avatar / files["int8"],
        calibration(seen, crops),
        keep_float=delicate(avatar / files["float"]),
    )
    recorded = golden(module, {name: value[:1] for name, value in inputs.items()}, ["image"])
    values = {"visual": levels[:1].numpy(), "code": recorded["code"], "image": recorded["image"].astype(np.float16)}
    parameters = sum(p.numel() for p in module.parameters())
    print(f"{quality}: {parameters} parameters, held-out {figures}")
    entry = Network.model_validate({"files": files, "parameters": parameters, "gflop": gflop(module, inputs)})
    return entry, {f"generator.{quality}/{name}": value for name, value in values.items()}


def main() -> None:
    """Assemble."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("work", "kept", "avatar"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--quality", choices=tuple(QUALITIES), action="append")
    options = parser.parse_args()
    avatar: Path = options.avatar
    seen = surrounds(avatar)
    crops = Crops.read(options.kept / "crops.mp4", options.kept / "crops.npz")
    networks, values = {}, {}
    for quality in options.quality or ["fast"]:
        networks[quality], pairs = add_network(avatar, options.work, quality, seen, crops)
        values |= pairs
    np.savez_compressed(avatar / "golden.npz", **values)
    with np.load(avatar / "crops.npz") as arrays:
        poses, chosen = arrays["poses"], arrays["references"]
    (avatar / "avatar.json").unlink(missing_ok=True)
    manifest = Manifest(
        name=avatar.name, frame_width=FRAME_SIZE, frame_height=FRAME_SIZE, licence="CC0-1.0", subject="iris, nobody",
        consent="not needed: the face is a computer model of nobody",
        provenance=PROVENANCE | {"assembled": date.today().isoformat(), "lipstream": lipstream.__version__},
        references=References(poses=[tuple(float(x) for x in poses[i]) for i in chosen]),
        timeline=Timeline(frames=len(poses)), networks=networks, files=file_entries(avatar.iterdir()),
    )  # fmt: skip
    (avatar / "avatar.json").write_text(manifest.model_dump_json(indent=2, exclude_none=True) + "\n")


if __name__ == "__main__":
    main()
