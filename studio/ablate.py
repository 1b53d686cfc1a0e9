"""The features of `studio.train_speech` in, what each part of the speech networks is worth out.

    python -m studio.ablate WORK OUT.json [--steps 1200] [--threads 2]

The same short training six times: whole, and with one thing taken away. WORK/ablations_mixed holds the runs, which
resume; OUT.json what the last held-out figures of each are, and a Markdown table goes to stdout.
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
from studio.train_speech import SPEECH_HELD_OUT, corpus_of, shard_order

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


def spoken(work: Path) -> list[speech.Shard]:
    """Every utterance as it was spoken."""
    return [speech.Shard.read(work / "features" / "spoken.npz")]


def augmented(work: Path) -> list[speech.Shard]:
    """Every utterance in rooms, in noise, at other speeds."""
    return [speech.Shard.read(path) for path in sorted((work / "features").glob("train_*.npz"))]


def half_of_the_spoken(work: Path) -> list[speech.Shard]:
    """As they were spoken, those of every other voice."""
    kept = _kept_voices(work)
    return [_only(shard, [voice in kept for voice in _voices(work)]) for shard in spoken(work)]


def half_of_the_augmented(work: Path) -> list[speech.Shard]:
    """In rooms and noise, those of every other voice."""
    kept, voice_of, shards = _kept_voices(work), _voices(work), []
    for path in sorted((work / "features").glob("train_*.npz")):
        number, part = (int(digits) for digits in path.stem.split("_")[1:])
        chosen = shard_order(len(voice_of), number)[part]
        shards.append(_only(speech.Shard.read(path), [voice_of[i] in kept for i in chosen]))
    return shards


def none(_: Path) -> list[speech.Shard]:
    """Nothing."""
    return []


def _voices(work: Path) -> list[str]:
    """The voice of every utterance of the corpus."""
    return [path.parent.name for path in corpus_of(work)]


def _kept_voices(work: Path) -> set[str]:
    return set(sorted(set(_voices(work)))[::2])


def _only(shard: speech.Shard, wanted: Sequence[bool]) -> speech.Shard:
    return speech.Shard.of([pair for pair, keep in zip(shard.utterances(), wanted, strict=True) if keep])


Utterances = Callable[[Path], Sequence[speech.Shard]]
ABLATIONS: dict[str, tuple[Callable[[], speech.SpeechNetworks], Utterances, Utterances]] = {
    "whole": (whole, spoken, augmented),
    "loudness alone": (loudness_alone, spoken, augmented),
    "no context": (without_context, spoken, augmented),
    "half the voices": (whole, half_of_the_spoken, half_of_the_augmented),
    "no augmentation": (whole, spoken, none),
    "nothing as spoken": (whole, none, augmented),
}
"""Networks, utterances as they were spoken, and augmented ones."""


def ablate(name: str, work: Path, config: LoopConfig) -> dict[str, float]:
    """Train one of ABLATIONS, or go on with it, and read its last held-out figures."""
    networks, as_spoken, in_rooms = ABLATIONS[name]
    folder = work / "ablations_mixed" / name.replace(" ", "_")
    table = folder / "table.csv"
    if not table.exists() or int(_last(table)["step"]) < config.steps:
        held_out = {name: speech.Shard.read(work / "features" / f"held_out_{name}.npz") for name in SPEECH_HELD_OUT}
        torch.manual_seed(config.seed)
        task = speech.SpeechTask(as_spoken(work), in_rooms(work), held_out, config.seed)
        train(networks(), task, folder, config)
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
    """Train them all."""
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
