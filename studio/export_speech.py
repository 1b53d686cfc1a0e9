"""Weights of a training run in, the package's speech networks out.

python -m studio.export_speech ASSETS WORK/features WORK/run/best.pt [another.pt ...]

Of several states the mean is exported.

ASSETS gets `speech_encoder.onnx`, `articulation.onnx`, `golden.npz` and `speech.json`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from lipstream.avatar.manifest import SpeechManifest, SpeechName
from lipstream.train.export import round_weights
from lipstream.train.speech import Shard, SpeechNetworks, SpeechTask, sequence
from lipstream.train.speech_files import write_speech
from studio.voices import FESTIVAL_VOICES, HELD_OUT_ABROAD, HELD_OUT_VOICE, SHARES

GOLDEN_FRAMES = 4
HELD_OUT = ("clean", "noisy")
HELD_OUT_VOICES = (HELD_OUT_VOICE, *HELD_OUT_ABROAD)
PROVENANCE = {
    "made_by": "studio/voices.py, studio/train_speech.py",
    "voices": f"synthetic only: flite {', '.join(SHARES['flite'])}; festival "
    f"{', '.join(voice.name for name, voice in FESTIVAL_VOICES.items() if name not in HELD_OUT_VOICES)}; espeak-ng",
    "texts": "studio/texts.txt, the grammar, the invented and the shuffled words of studio/texts.py",
    "held_out": f"festival {', '.join(FESTIVAL_VOICES[name].name for name in HELD_OUT_VOICES)}, the last with its "
    "language, and every tenth English sentence",
}


def load(kept: Sequence[Path]) -> tuple[SpeechNetworks, list[int]]:
    """The mean of the kept weights, rounded as they are exported, and the steps they were kept at."""
    states = [torch.load(path, map_location="cpu", weights_only=True) for path in kept]
    networks = SpeechNetworks()
    for name, tensor in (mean := networks.state_dict()).items():
        mean[name] = torch.stack([state["module"][name].double() for state in states]).mean(0).to(tensor.dtype)
    networks.load_state_dict(mean)
    round_weights(networks.eval())
    return networks, [state["step"] for state in states]


def golden_inputs(networks: SpeechNetworks, held_out: Shard) -> tuple[Tensor, Tensor]:
    """Real windows `[4, 1, 80, 16]` of held-out speech, and real contexts `[4, 32, 16, 16]` of it."""
    mel, _ = next(held_out.utterances())
    windows, exists = (torch.from_numpy(array) for array in sequence(mel, 20, GOLDEN_FRAMES))
    with torch.no_grad():
        features = networks.encoder(windows[:, None]) * exists[:, None]
    contexts = features.unfold(0, 16, 1).transpose(1, 2)
    return windows[9 : 9 + GOLDEN_FRAMES, None], contexts.reshape(-1, 32, 16, 16)


def export(kept: Sequence[Path], features: Path, assets: Path) -> SpeechManifest:
    """Write the four files of the package's speech networks."""
    networks, steps = load(kept)
    held_out = {name: Shard.read(features / f"held_out_{name}.npz") for name in HELD_OUT}
    found = SpeechTask([], [], held_out, seed=0).evaluate(networks)
    figures = {"step": steps[-1], **{name: round(value, 4) for name, value in found.items()}}
    mel, audio = golden_inputs(networks, held_out["clean"])
    examples: dict[SpeechName, Tensor] = {"speech_encoder": mel, "articulation": audio}
    return write_speech(assets, networks, examples, PROVENANCE, figures).manifest


def main() -> None:
    """Export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assets", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("kept", type=Path, nargs="+")
    options = parser.parse_args()
    print(export(options.kept, options.features, options.assets).model_dump_json(indent=2))


if __name__ == "__main__":
    main()
