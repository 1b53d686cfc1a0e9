"""The spoken corpus in, a trained speech encoder and articulation network out, in steps that each resume.

python -m studio.train_speech features WORK [--passes 5]     speech, as spoken and augmented, as mel rows and codes
python -m studio.train_speech train WORK [--minutes 60]      both networks, end to end
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lipstream.audio.mel import mel_spectrogram
from lipstream.evaluate.phones import SILENCE
from lipstream.rate import frames_of_samples
from lipstream.train import speech
from lipstream.train.loop import LoopConfig, train
from lipstream.types import Codes, Mel, Pcm
from studio import articulation, voices
from studio.augment import augment, quiet, warp_bins
from studio.phones import Phone

SHARD_UTTERANCES = 400
QUIET_SHARE = 0.05
"""Utterances replaced by a room without speech."""
SPEECH_HELD_OUT = ("clean", "noisy")
TRUTH_SENTENCES = 20
"""The first held-out sentences, which only the avatar's evaluation uses; half of the others decide what is kept."""


def number_of(name: Path) -> int:
    """Number of a spoken sentence: 12 of `ked_0012.json`."""
    return int(name.stem.rsplit("_", 1)[1])


def labelled(pcm: Pcm, phones: Sequence[Phone]) -> tuple[Mel, Codes]:
    """Mel rows `[T, 80]` of a sound and the code of each of its frames `[ceil(L / 640), 12]`."""
    frames = frames_of_samples(len(pcm))
    padded = np.pad(pcm, (0, frames * 640 - len(pcm)))
    return mel_spectrogram(padded), articulation.curves(phones, frames)


def make_shard(names: Sequence[Path], everything: Sequence[Path], random: np.random.Generator) -> speech.Shard:
    """Augment utterances once each, some of them replaced by quiet rooms."""

    def babble() -> Pcm:
        return voices.read(everything[int(random.integers(len(everything)))])[0]

    pairs = []
    for name in names:
        if random.uniform() < QUIET_SHARE:
            pcm = quiet(int(random.uniform(1, 5) * voices.SAMPLE_RATE_HZ), random)
            pairs.append(labelled(pcm, [Phone(SILENCE, 0.0, 1e6)]))
            continue
        mel, codes = labelled(*augment(*voices.read(name), babble, random))
        pairs.append((warp_bins(mel, random) if random.uniform() < 0.5 else mel, codes))
    return speech.Shard.of(pairs)


def _held_out(work: Path) -> list[Path]:
    return sorted((work / "voices" / "held_out").glob("*.json"))


def corpus_of(work: Path) -> list[Path]:
    """Every utterance of `WORK/voices` that may be learnt: no held-out voice, no held-out text."""
    texts = {voices.text(path) for path in _held_out(work)}  # the grammar's shortest sentences come more than once
    spoken = sorted((work / "voices").glob("*/*.json"))
    return [path for path in spoken if path.parent.name != "held_out" and voices.text(path) not in texts]


def shard_order(utterances: int, number: int, seed: int = 0) -> list[NDArray[np.int64]]:
    """Which utterances of the corpus each shard of a pass holds, in order."""
    order = np.random.default_rng((seed, number)).permutation(utterances)
    return np.array_split(order, -(-utterances // SHARD_UTTERANCES))


def make_features(work: Path, passes: int, seed: int) -> None:
    """Write what is missing of `WORK/features`: the corpus as spoken, held-out speech, every pass."""
    folder = work / "features"
    folder.mkdir(exist_ok=True)
    held_out = [path for path in _held_out(work) if number_of(path) >= TRUTH_SENTENCES][::2]
    corpus = corpus_of(work)
    if not (folder / "spoken.npz").exists():
        speech.Shard.of([labelled(*voices.read(name)) for name in corpus]).write(folder / "spoken.npz")
    if not (folder / "held_out_clean.npz").exists():
        speech.Shard.of([labelled(*voices.read(name)) for name in held_out]).write(folder / "held_out_clean.npz")
    if not (folder / "held_out_noisy.npz").exists():
        random = np.random.default_rng(seed)
        make_shard(held_out, held_out, random).write(folder / "held_out_noisy.npz")
    for number in range(passes):
        for part, chosen in enumerate(shard_order(len(corpus), number, seed)):
            path = folder / f"train_{number:02d}_{part:02d}.npz"
            if not path.exists():
                random = np.random.default_rng((seed, number, part))
                make_shard([corpus[i] for i in chosen], corpus, random).write(path)
                print(f"{path.name} written", flush=True)


def run_training(work: Path, config: LoopConfig, start: Path | None = None) -> None:
    """Train, or go on training, in `WORK/run`, from the weights of another run where one is given."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder = work / "features"
    task = speech.SpeechTask(
        spoken=[speech.Shard.read(folder / "spoken.npz")],
        augmented=[speech.Shard.read(path) for path in sorted(folder.glob("train_*.npz"))],
        held_out={name: speech.Shard.read(folder / f"held_out_{name}.npz") for name in SPEECH_HELD_OUT},
        seed=config.seed,
    )
    networks = speech.SpeechNetworks()
    if start is not None and (work / "run").exists():
        raise SystemExit(f"{work / 'run'} is a run that has begun; move it aside to begin another one with --start")
    if start is not None:
        networks.load_state_dict(torch.load(start, map_location="cpu", weights_only=True)["module"])
    train(networks, task, work / "run", config)


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["features", "train"])
    parser.add_argument("work", type=Path)
    parser.add_argument("--start", type=Path, help="best.pt of a run, whose weights a new one begins with")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.step == "features":
        make_features(options.work, options.passes, options.seed)
    else:
        config = LoopConfig(
            steps=options.steps,
            minutes=options.minutes,
            threads=options.threads,
            device=options.device,
            seed=options.seed,
            learning_rate=2e-3,
            evaluate_every=800,
        )
        run_training(options.work, config, options.start)


if __name__ == "__main__":
    main()
