"""Packed crops in, iris's generator out: `python -m studio.train_face WORK KEPT AVATAR [--minutes N] [--device cuda]`.

The run lies in `WORK/QUALITY`, is resumed when it exists (then `--start` says nothing any more), and ends with
`best.pt`; `--minutes` is of the whole run.
"""

import argparse
import logging
from pathlib import Path

import numpy as np
import torch

from lipstream.avatar.bundle import open_bundle
from lipstream.nets.generator import QUALITIES, Generator, configuration
from lipstream.render.mask import read_mask
from lipstream.render.reference import nearest, read_references
from lipstream.train.generator import Crops, GeneratorTask, Surrounds
from lipstream.train.loop import LoopConfig, train
from lipstream.train.start import begin_as
from lipstream.video.clip import Clip

JUDGE_EVERY = 20


def surrounds(avatar: Path) -> Surrounds:
    """What the generator sees of each driving picture, as the renderer cuts it."""
    mask = read_mask((avatar / "mask.png").read_bytes())
    with np.load(avatar / "crops.npz") as arrays:
        transforms, poses, chosen = arrays["transforms"], arrays["poses"], arrays["references"]
    references = read_references((avatar / "references.png").read_bytes(), len(chosen))
    clip = Clip((avatar / "frames.mp4").read_bytes())
    return Surrounds.cut(clip, transforms, mask, references, nearest(poses, poses[chosen]))


def task(kept: Path, seen: Surrounds, *, batch_size: int, seed: int) -> GeneratorTask:
    """What to learn: the kept crops, every twentieth of which decides which weights are best."""
    crops = Crops.read(kept / "crops.mp4", kept / "crops.npz")
    judges = np.arange(len(crops.codes)) % JUDGE_EVERY == 0
    training, held_out = np.flatnonzero(~judges), np.flatnonzero(judges)
    return GeneratorTask(seen, crops, training=training, held_out=held_out, batch_size=batch_size, seed=seed)


def main() -> None:
    """Train, or go on training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("work", "kept", "avatar"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--quality", choices=tuple(QUALITIES), default="fast")
    parser.add_argument(
        "--start",
        type=Path,
        help="avatar whose generator it begins as, such as AVATAR; a smaller one is widened",
    )
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--evaluate-every", type=int, default=200)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(options.seed)
    config = LoopConfig(
        steps=options.steps, minutes=options.minutes, learning_rate=options.learning_rate, device=options.device,
        threads=options.threads, seed=options.seed, evaluate_every=options.evaluate_every,
        warmup_steps=100,
    )  # fmt: skip
    seen = surrounds(options.avatar)
    learnt = task(options.kept, seen, batch_size=options.batch_size, seed=options.seed)
    module = Generator(configuration(options.quality, seen.mask.box))
    if options.start is not None:
        begin_as(module, options.quality, open_bundle(options.start))
    train(module, learnt, options.work / options.quality, config)


if __name__ == "__main__":
    main()
