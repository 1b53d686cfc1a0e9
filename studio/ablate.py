"""The features of `studio.train_speech` in, what each part of the speech networks is worth out.

    python -m studio.ablate WORK OUT.json [--steps 1200] [--threads 2]

The same short training five times: whole, and with one thing taken away. WORK/ablations holds the runs, which resume;
OUT.json what the last held-out figures of each are, and a Markdown table goes to stdout.
"""

import argparse
import csv
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from lipstream.audio.window import CONTEXT_BEHIND
from lipstream.evaluate.speed.machine import machine, versions
from lipstream.nets.articulation import Articulation
from lipstream.train import speech
from lipstream.train.loop import LoopConfig, train
from studio import voices
from studio.train_speech import SPEECH_HELD_OUT, corpus_of, labelled, shard_order

SHOWN = ("lip_gap_r_clean_full", "lip_gap_r_clean_live", "lip_gap_r_noisy_full", "jaw_r_clean_full", "all_r_clean_full")


class Loudness(nn.Module):
    """Replaces the spectrum of every row with its mean: what is left is how loud it is."""

    def forward(self, mel: Tensor) -> Tensor:
        """`[n, 1, 80, 16]` to the same shape."""
        return mel.mean(dim=2, keepdim=True).expand_as(mel)


class Moment(Articulation):
    """Articulates from a frame's own row alone."""

    def decode(self, rows: Tensor) -> Tensor:
        """`[b, 16, 128]` to `[b, 12]`."""
        own = torch.zeros_like(rows)
        own[:, CONTEXT_BEHIND] = rows[:, CONTEXT_BEHIND]
        return super().decode(own)


def whole() -> speech.SpeechNetworks:
    """Nothing taken away."""
    return speech.SpeechNetworks()


def loudness_alone() -> speech.SpeechNetworks:
    """Networks that hear how loud it is and nothing else."""
    networks = speech.SpeechNetworks()
    networks.encoder.convolutions.insert(0, Loudness())
    return networks


def without_context() -> speech.SpeechNetworks:
    """Networks that know one window of 160 ms instead of sixteen."""
    networks = speech.SpeechNetworks()
    networks.articulation = Moment()
    return networks


def augmented(work: Path) -> list[speech.Shard]:
    """All that `studio.train_speech` trains with."""
    return [speech.Shard.read(path) for path in sorted((work / "features").glob("train_*.npz"))]


def half_the_voices(work: Path) -> list[speech.Shard]:
    """The utterances of every other voice."""
    corpus, shards = corpus_of(work), []
    voice_of = [path.stem.rsplit("_", 1)[0] for path in corpus]
    kept = set(sorted(set(voice_of))[::2])
    for path in sorted((work / "features").glob("train_*.npz")):
        number, part = (int(digits) for digits in path.stem.split("_")[1:])
        chosen = shard_order(len(corpus), number)[part]
        pairs = zip(chosen, speech.Shard.read(path).utterances(), strict=True)
        shards.append(speech.Shard.of([pair for i, pair in pairs if voice_of[i] in kept]))
    return shards


def as_spoken(work: Path) -> list[speech.Shard]:
    """The corpus as it was synthesised, without rooms, noise, other speeds or codecs."""
    return [speech.Shard.of([labelled(*voices.read(name)) for name in corpus_of(work)])]


Parts = tuple[Callable[[], speech.SpeechNetworks], Callable[[Path], Sequence[speech.Shard]], bool]
ABLATIONS: dict[str, Parts] = {
    "whole": (whole, augmented, True),
    "loudness alone": (loudness_alone, augmented, True),
    "no context": (without_context, augmented, True),
    "half the voices": (whole, half_the_voices, True),
    "no augmentation": (whole, as_spoken, False),
}
"""Networks, utterances, and whether every use bends them."""


def ablate(name: str, work: Path, config: LoopConfig) -> dict[str, float]:
    """Train one of ABLATIONS, or go on with it, and read its last held-out figures."""
    networks, utterances, bent = ABLATIONS[name]
    folder = work / "ablations" / name.replace(" ", "_")
    table = folder / "table.csv"
    if not table.exists() or int(_last(table)["step"]) < config.steps:
        held_out = {name: speech.Shard.read(work / "features" / f"held_out_{name}.npz") for name in SPEECH_HELD_OUT}
        torch.manual_seed(config.seed)
        train(networks(), speech.SpeechTask(utterances(work), held_out, config.seed, bent=bent), folder, config)
    return {figure: float(_last(table)[figure]) for figure in SHOWN}


def _last(table: Path) -> dict[str, str]:
    with table.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))[-1]


def markdown(figures: dict[str, dict[str, float]]) -> str:
    """One row a training."""
    head = ["| |" + "|".join(f" `{name}` " for name in SHOWN) + "|", "|---|" + "---:|" * len(SHOWN)]
    return "\n".join(
        [*head, *(f"| {name} |" + "|".join(f" {row[n]:.3f} " for n in SHOWN) + "|" for name, row in figures.items())]
    )


def main() -> None:
    """Train all five."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    config = LoopConfig(
        steps=options.steps, threads=options.threads, learning_rate=2e-3, average=0.99, evaluate_every=options.steps
    )
    figures = {name: ablate(name, options.work, config) for name in ABLATIONS}
    report = {"steps": options.steps, "machine": machine(), "versions": versions(), "held_out_r": figures}
    options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(markdown(figures))


if __name__ == "__main__":
    main()
