"""A trained generator in, iris's finished bundle out: `python -m studio.assemble WORK KEPT AVATAR`.

Exports `WORK/fast/best.pt` as ONNX with fp16 weights and as int8, calibrated on her own inputs, records golden values
and writes `avatar.json`. AVATAR is the folder that `studio.pack` filled.
"""

import argparse
from datetime import date
from pathlib import Path

import numpy as np
import torch

import lipstream
from lipstream.avatar.bundle import file_entries
from lipstream.avatar.manifest import Manifest, Network, References, Timeline
from lipstream.nets.generator import QUALITIES, Generator, configuration
from lipstream.train.export import round_weights
from lipstream.train.generator import Crops, Surrounds
from lipstream.train.packing import write_generator
from studio.idle import FRAME_SIZE
from studio.train_face import surrounds

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


def add_network(
    avatar: Path, work: Path, quality: str, seen: Surrounds, crops: Crops
) -> tuple[Network, dict[str, np.ndarray]]:
    """Write the ONNX files of a quality; returns its entry and its golden values."""
    module, figures = trained(work, quality, seen.mask.box)
    entry, values = write_generator(avatar, quality, module, seen, crops)
    print(f"{quality}: {entry.parameters} parameters, held-out {figures}")
    return entry, values


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
