"""Prepared recordings in, a generator that paints this person's mouth from what is heard out."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lipstream.avatar.bundle import Bundle
from lipstream.errors import InputError
from lipstream.nets.generator import Generator, configuration
from lipstream.render.mask import mask_of
from lipstream.render.reference import nearest
from lipstream.train import loop
from lipstream.train.export import round_weights
from lipstream.train.generator import Crops, Film, GeneratorTask
from lipstream.train.loop import LoopConfig, train
from lipstream.train.manner import fold, manner
from lipstream.train.preprocess.choosing import references
from lipstream.train.preprocess.crops import kept_pictures, read_crops, sharpness
from lipstream.train.preprocess.prepared import Prepared
from lipstream.train.start import begin_as

BATCH_SIZE = 8
LEARNING_RATE = 1e-3
STEPS = 8_000
"""About half an hour of two CPU cores."""
EVALUATE_EVERY = 200
PATIENCE = 10
"""Held-out figures in a row that may get no better: 2,000 steps."""
MOST_JUDGES = 100


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long, on what and with which chance a network is trained."""

    steps: int = STEPS
    """Of the optimiser at most."""
    minutes: float = math.inf
    """Of wall time at most, for each network; where this ends a run, another of the same seed may end elsewhere."""
    device: str = "cpu"
    """`cpu` or `cuda`."""
    seed: int = 0
    """Of the weights' noise and of the batches, 0..2**32-1."""
    from_scratch: bool = False
    """Whether the built-in weights are left aside, to compare."""
    adapt_speech: bool = False
    """Whether the speech networks learn this person's voice and manner too, and go into the bundle."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What there is to learn: m crops, what the generator sees of them, and which are which."""

    numbers: NDArray[np.int64]
    """Of the usable pictures that the crops show, `[m]` rising."""
    film: Film
    """What the generator sees."""
    crops: Crops
    """What it has to paint, with the codes that are seen."""
    training: NDArray[np.int64]
    """Crops to learn from."""
    held_out: NDArray[np.int64]
    """Crops that decide which weights are best."""
    references: list[int]
    """Crops that are references."""

    def told(self, heard: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Crops:
        """The crops with other codes, `[m, 12]` float32."""
        return replace(self.crops, codes=heard)


def choose_device(wanted: str) -> str:
    """`cpu` or `cuda` for `auto`, `cpu`, `cuda`.

    Raises:
        InputError: another word, or CUDA is asked for and not there.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise InputError(f"There is no device {wanted!r}; use auto, cpu or cuda.")
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise InputError("There is no CUDA device that torch can use; take --device cpu, or check the driver.")
    return "cuda" if there and wanted != "cpu" else "cpu"


def lesson_of(prepared: Prepared, crops_path: Path) -> Lesson:
    """Choose references and put together what is learnt; `crops_path` is what `preprocess.crops.write_crops` wrote."""
    numbers, images = kept_pictures(prepared), read_crops(crops_path)
    seen, turned, training = prepared.seen[numbers], prepared.poses[numbers], prepared.training[numbers]
    chosen = references(seen, turned, sharpness(images, prepared.mask), training)
    film = Film(images, images[chosen], nearest(turned, turned[chosen]), mask_of(prepared.mask))
    judges = np.flatnonzero(prepared.held_out[numbers])
    return Lesson(
        numbers=numbers,
        film=film,
        crops=Crops(images, seen, list(range(len(numbers))), prepared.mouth[numbers]),
        training=np.flatnonzero(training),
        held_out=judges[np.linspace(0, len(judges) - 1, min(len(judges), MOST_JUDGES)).astype(int)],
        references=chosen,
    )


def new_generator(quality: str, lesson: Lesson, start: Bundle, schedule: Schedule) -> Generator:
    """A generator of this person's mask, with the weights to begin with."""
    torch.manual_seed(schedule.seed)
    module = Generator(configuration(quality, lesson.film.mask.box))
    if not schedule.from_scratch:
        begin_as(module, quality, start)
    return module


def learn(  # noqa: PLR0913, PLR0917  what is learnt, from what, where and how
    module: Generator,
    lesson: Lesson,
    prepared: Prepared,
    folder: Path,
    schedule: Schedule,
    progress: Callable[[float], None],
) -> Generator:
    """Train, or go on training, a generator, and let it take what is heard.

    Args:
        module: from `new_generator`.
        lesson: what to learn.
        prepared: of the recordings.
        folder: of the run: checkpoints, `table.csv`, `curves.png`.
        schedule: how long and on what.
        progress: told the share that is done, 0..1.

    Returns:
        The best weights, on the CPU, rounded as they are stored.

    Raises:
        InputError: the folder holds a run of another configuration.
        OutputError: a checkpoint cannot be written.
    """
    train(module, _task(lesson, schedule.seed), folder, loop_config(schedule), progress)
    trained = module.eval().cpu().float()
    fold(trained, manner(prepared.heard[prepared.training], prepared.seen[prepared.training]))
    round_weights(trained)
    return trained


def loop_config(schedule: Schedule) -> LoopConfig:
    """The loop's configuration; from scratch the rate is that of the built-in avatar's own training."""
    return LoopConfig(
        steps=schedule.steps,
        minutes=schedule.minutes,
        learning_rate=2 * LEARNING_RATE if schedule.from_scratch else LEARNING_RATE,
        warmup_steps=100,
        evaluate_every=EVALUATE_EVERY,
        patience=PATIENCE,
        seed=schedule.seed,
        device=schedule.device,
    )


def expected_minutes(module: Generator, lesson: Lesson, schedule: Schedule) -> float:
    """How long the whole run takes at most, from a few steps of a copy on this device."""
    return loop.expected_minutes(module, _task(lesson, schedule.seed), loop_config(schedule))


def _task(lesson: Lesson, seed: int) -> GeneratorTask:
    return GeneratorTask(
        lesson.film,
        lesson.crops,
        training=lesson.training,
        held_out=lesson.held_out,
        batch_size=BATCH_SIZE,
        seed=seed,
    )
