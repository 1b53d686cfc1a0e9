"""A training run in, the package's speech networks out: `python -m studio.export_speech WORK/run WORK/features ASSETS`.

ASSETS gets `speech_encoder.onnx`, `articulation.onnx`, `golden.npz` and `speech.json`.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lipstream.avatar.bundle import file_entries
from lipstream.avatar.manifest import Network, SpeechManifest
from lipstream.train.export import export_onnx, golden, round_weights
from lipstream.train.speech import Shard, SpeechNetworks, sequence

GOLDEN_FRAMES = 4
PROVENANCE = {
    "made_by": "studio/voices.py, studio/train_speech.py",
    "voices": "synthetic only: flite slt, rms, awb, kal16, kal; festival kal, cmu_us_slt_arctic_hts; espeak-ng",
    "texts": "studio/texts.txt and the grammar of studio/texts.py",
    "held_out": "festival ked, and every tenth English sentence",
}


def load_best(run: Path) -> tuple[SpeechNetworks, dict[str, object]]:
    """Both networks with a run's best weights as they are exported, and the step and figures they reached."""
    contents = torch.load(run / "best.pt", map_location="cpu", weights_only=True)
    networks = SpeechNetworks()
    networks.load_state_dict(contents["module"])
    round_weights(networks.eval())
    return networks, {"step": contents["step"], **{k: round(float(v), 4) for k, v in contents["figures"].items()}}


def golden_inputs(networks: SpeechNetworks, held_out: Shard) -> tuple[Tensor, Tensor]:
    """Real windows `[4, 1, 80, 16]` of held-out speech, and real contexts `[4, 32, 16, 16]` of it."""
    mel, _ = next(held_out.utterances())
    windows, exists = (torch.from_numpy(array) for array in sequence(mel, 20, GOLDEN_FRAMES))
    with torch.no_grad():
        features = networks.encoder(windows[:, None]) * exists[:, None]
    contexts = features.unfold(0, 16, 1).transpose(1, 2)
    return windows[9 : 9 + GOLDEN_FRAMES, None], contexts.reshape(-1, 32, 16, 16)


def gflop(module: nn.Module, example: Tensor) -> float:
    """Work of one run at batch 1, two operations a multiplication."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        module(example[:1])
    return counter.get_total_flops() / 1e9


def export(run: Path, features: Path, assets: Path) -> SpeechManifest:
    """Write the four files of the package's speech networks."""
    assets.mkdir(parents=True, exist_ok=True)
    networks, figures = load_best(run)
    mel, audio = golden_inputs(networks, Shard.read(features / "held_out_clean.npz"))
    parts = {"speech_encoder": (networks.encoder, "mel", mel, "features")}
    parts["articulation"] = (networks.articulation, "audio", audio, "code")
    pairs, entries = {}, {}
    for name, (module, given, example, found) in parts.items():
        export_onnx(module, {given: example}, [found], assets / f"{name}.onnx")
        pairs |= {f"{name}/{key}": value for key, value in golden(module, {given: example}, [found]).items()}
        count = sum(parameter.numel() for parameter in module.parameters())
        work = round(gflop(module, example), 5)
        entries[name] = Network(files={"float": f"{name}.onnx"}, parameters=count, gflop=work)
    np.savez_compressed(assets / "golden.npz", **pairs)
    files = file_entries(assets / name for name in ("speech_encoder.onnx", "articulation.onnx", "golden.npz"))
    manifest = SpeechManifest(provenance=PROVENANCE, networks=entries, files=files, evaluation=figures)
    (assets / "speech.json").write_text(manifest.model_dump_json(indent=2, exclude_none=True) + "\n")
    return manifest


def main() -> None:
    """Export the best weights of a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("assets", type=Path)
    options = parser.parse_args()
    print(export(options.run, options.features, options.assets).model_dump_json(indent=2))


if __name__ == "__main__":
    main()
