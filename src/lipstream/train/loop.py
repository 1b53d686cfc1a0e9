"""A task and a module in, the module with the best held-out score out: the one training loop of every network.

The run's folder holds `checkpoint.pt` (resumed from when it exists), `best.pt`, `table.csv` and `curves.png`.
"""

import csv
import logging
import math
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lipstream.clock import now_ms
from lipstream.errors import InputError, OutputError, reason_of

logger = logging.getLogger(__name__)

Batch = Mapping[str, Tensor]


class Task(Protocol):
    """What is learnt: batches, a loss, held-out figures."""

    def batch(self, step: int) -> Batch:
        """Make the batch of a step; the same step gives the same batch."""
        ...

    def loss(self, module: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """Compute scalars to log; the one named `loss` is minimised."""
        ...

    def evaluate(self, module: nn.Module) -> Mapping[str, float]:
        """Compute figures on held-out data; the one named `score` decides which weights are kept, higher is better."""
        ...


TIMED_STEPS = 3
CHANGEABLE = frozenset({"steps", "minutes", "evaluate_every", "patience", "device", "threads"})
"""What a resumed run may change: how long it goes on, and on what."""


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """How long and how fast to learn; kept in every checkpoint."""

    steps: int
    """Optimiser steps of the whole run."""
    minutes: float = math.inf
    """Wall time of the whole run, resumes added up; the learning rate reaches its end at whichever comes first."""
    learning_rate: float = 1e-3
    """Peak of the cosine."""
    warmup_steps: int = 200
    """Steps of linear rise before the cosine."""
    weight_decay: float = 1e-2
    """AdamW's, on matrices and kernels only."""
    clip_norm: float = 1.0
    """Largest norm of the gradient."""
    average: float = 0.999
    """Decay of the moving average of the weights, which is what is evaluated and kept; 0 keeps the weights."""
    evaluate_every: int = 500
    """Steps between held-out figures, each followed by a checkpoint."""
    patience: int = 0
    """Held-out figures in a row without a better score after which the run ends; 0 never."""
    seed: int = 0
    """Of the weights' noise, 0..2**32-1 (with a step it makes 64 bits); batches are seeded by their step."""
    device: str = "cpu"
    """`cpu` or `cuda`."""
    threads: int = 0
    """CPU threads, 0 for torch's own choice."""
    half: bool = True
    """Autocast to bf16."""
    channels_last: bool = True
    """Keep 4-D tensors channels-last, which is faster for convolutions on both devices."""


def train(
    module: nn.Module,
    task: Task,
    folder: Path,
    config: LoopConfig,
    progress: Callable[[float], None] = lambda _: None,
) -> Path:
    """Train, or go on training, a module.

    Args:
        module: its weights are the start, and hold the best ones afterwards.
        task: what to learn.
        folder: of the run, made when missing.
        config: how.
        progress: told the share of the run that is done, 0..1, after every step.

    Returns:
        The path of the best weights, `best.pt`, whose key `module` is a state dict.

    Raises:
        InputError: the folder holds a run with another configuration, beyond what `CHANGEABLE` names.
        OutputError: a checkpoint cannot be written, such as for want of space; the one before it is whole.
        KeyboardInterrupt: Ctrl-C; the step in progress is in the checkpoint.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    if config.threads:
        torch.set_num_threads(config.threads)
    run = _Run(module, task, folder, config)
    run.resume()
    with _interruptible() as interrupted:
        while run.progress() < 1 and not interrupted:
            run.learn()
            if run.step % config.evaluate_every == 0 or run.progress() >= 1:
                run.evaluate()
            progress(run.progress())
    run.save()
    if interrupted:
        raise KeyboardInterrupt
    best = folder / "best.pt"
    if best.exists():
        module.load_state_dict(torch.load(best, map_location="cpu", weights_only=True)["module"])
    return best


def expected_minutes(module: nn.Module, task: Task, config: LoopConfig) -> float:
    """How long a whole run takes at most, from a few steps of a copy on its device."""
    copy, taken_ms = deepcopy(module), []
    memory_format = torch.channels_last if config.channels_last else torch.contiguous_format
    copy = copy.to(device=config.device, memory_format=memory_format)  # type: ignore[call-overload]
    for step in range(TIMED_STEPS + 1):
        begun_ms = now_ms()
        batch = {name: value.to(config.device) for name, value in task.batch(step).items()}
        with torch.autocast(config.device, torch.bfloat16, enabled=config.half):
            loss = task.loss(copy, batch)["loss"]
        loss.backward()  # type: ignore[no-untyped-call]
        float(loss.detach())  # waits for the device
        taken_ms.append(now_ms() - begun_ms)
    return min(config.minutes, config.steps * min(taken_ms[1:]) / 60_000)


def learning_rate(config: LoopConfig, step: int, progress: float) -> float:
    """Rise linearly, then fall along half a cosine to a hundredth; `progress` of the run is 0..1."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    return config.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class _Run:
    """One run's state."""

    def __init__(self, module: nn.Module, task: Task, folder: Path, config: LoopConfig) -> None:
        self.config, self.task, self.folder = config, task, folder
        memory_format = torch.channels_last if config.channels_last else torch.contiguous_format
        self.module = module.to(device=config.device, memory_format=memory_format)  # type: ignore[call-overload]
        self.average = {name: value.clone() for name, value in self.module.state_dict().items()}
        decayed = [p for p in module.parameters() if p.requires_grad and p.ndim > 1]
        others = [p for p in module.parameters() if p.requires_grad and p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))
        self.step, self.best, self.before_ms = 0, -math.inf, 0.0
        self.since_best = 0
        self.start_ms = now_ms()
        self.sums: dict[str, float] = {}
        self.counted = 0

    def elapsed_ms(self) -> float:
        return self.before_ms + now_ms() - self.start_ms

    def progress(self) -> float:
        if 0 < self.config.patience <= self.since_best:
            return 1.0
        return max(self.step / self.config.steps, self.elapsed_ms() / 60_000 / self.config.minutes)

    def learn(self) -> None:
        """Take one optimiser step."""
        rate = learning_rate(self.config, self.step, self.progress())
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.module.train()
        torch.manual_seed((self.config.seed << 32) + self.step)  # what a module draws must not differ after a resume
        batch = {name: self._placed(value) for name, value in self.task.batch(self.step).items()}
        with torch.autocast(self.config.device, torch.bfloat16, enabled=self.config.half):
            losses = self.task.loss(self.module, batch)
        self.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.module.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self._follow()
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value.detach())
        self.counted += 1
        self.step += 1

    def _placed(self, value: Tensor) -> Tensor:
        value = value.to(self.config.device, non_blocking=True)
        if self.config.channels_last and value.ndim == 4:
            return value.contiguous(memory_format=torch.channels_last)
        return value

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        for name, value in self.module.state_dict().items():
            if decay > 0 and value.is_floating_point():
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)

    def evaluate(self) -> None:
        """Measure the averaged weights, keep them if they are the best, write the table, the curves, a checkpoint."""
        weights = {name: value.clone() for name, value in self.module.state_dict().items()}
        self.module.load_state_dict(self.average)
        self.module.eval()
        with torch.no_grad():
            figures = dict(self.task.evaluate(self.module))
        self.since_best += 1
        if figures["score"] > self.best:
            self.best, self.since_best = figures["score"], 0
            state = {name: value.cpu() for name, value in self.average.items()}
            contents = {"module": state, "config": asdict(self.config), "step": self.step, "figures": figures}
            _write(contents, self.folder / "best.pt")
        self.module.load_state_dict(weights)
        rate = self.optimizer.param_groups[0]["lr"]
        row = {"step": self.step, "minutes": round(self.elapsed_ms() / 60_000, 2), "learning_rate": rate}
        row |= {name: total / max(1, self.counted) for name, total in self.sums.items()} | figures
        self.sums, self.counted = {}, 0
        loss, score = row.get("loss", math.nan), row["score"]
        logger.info("evaluated: step %d, loss %.4g, score %.4g", self.step, loss, score, extra={"figures": row})
        _add_row(self.folder / "table.csv", row)
        _draw(self.folder / "table.csv", self.folder / "curves.png")
        self.save()

    def save(self) -> None:
        contents = {
            "module": self.module.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "config": asdict(self.config),
            "step": self.step,
            "best": self.best,
            "since_best": self.since_best,
            "elapsed_ms": self.elapsed_ms(),
        }
        _write(contents, self.folder / "checkpoint.pt")

    def resume(self) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        contents = torch.load(path, map_location=self.config.device, weights_only=True)
        changed = {key: value for key, value in asdict(self.config).items() if contents["config"].get(key) != value}
        if changed.keys() - CHANGEABLE:
            raise InputError(
                f"{self.folder} holds a run with {contents['config']}, expected {changed}: "
                f"use another folder, or change only {', '.join(sorted(CHANGEABLE))}"
            )
        self.module.load_state_dict(contents["module"])
        self.average = contents["average"]
        self.optimizer.load_state_dict(contents["optimizer"])
        self.step, self.best, self.before_ms = contents["step"], contents["best"], contents["elapsed_ms"]
        self.since_best = contents.get("since_best", 0)


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Collect Ctrl-C in a list, so that a step in progress ends whole; a second one interrupts at once."""
    caught: list[int] = []

    def catch(number: int, _: object) -> None:
        caught.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    previous = signal.signal(signal.SIGINT, catch)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, previous)


def _write(contents: Mapping[str, Any], path: Path) -> None:
    """Write beside the file and rename, so that an interruption never leaves half a file."""
    unfinished = path.with_suffix(".part")
    try:
        torch.save(dict(contents), unfinished)
        unfinished.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as the latter, by what its archive lacks
        unfinished.unlink(missing_ok=True)
        reason = reason_of(error) if isinstance(error, OSError) else "no space left on the disk"
        raise OutputError(f"Cannot write {path} ({reason}): free some space, then go on.") from error


def _add_row(path: Path, row: Mapping[str, float]) -> None:
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" for name, value in row.items()})


def _draw(table: Path, picture: Path) -> None:
    """Draw every column of the table against the steps."""
    import matplotlib as mpl  # noqa: PLC0415  slow to import

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name not in ("step", "minutes")]
    figure, axes = plt.subplots(len(names), 1, figsize=(8, 1.6 * len(names)), sharex=True, squeeze=False)
    for axis, name in zip(axes[:, 0], names, strict=True):
        axis.plot([float(row["step"]) for row in rows], [float(row[name]) for row in rows])
        axis.set_ylabel(name)
    figure.tight_layout()
    figure.savefig(picture)
    plt.close(figure)
