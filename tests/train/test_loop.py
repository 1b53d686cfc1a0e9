import logging
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("matplotlib", reason="needs the extra `train`")

import torch

from lipstream.errors import InputError, OutputError
from lipstream.train.loop import LoopConfig, learning_rate, train

CONFIG = LoopConfig(steps=20, warmup_steps=2, learning_rate=0.05, evaluate_every=10, threads=1, average=0.5)


class Line:
    """Learn y = 2 x."""

    def __init__(self, interrupt_at: int = -1) -> None:
        self.interrupt_at = interrupt_at
        self.steps: list[int] = []

    def batch(self, step: int) -> dict[str, torch.Tensor]:
        self.steps.append(step)
        if step == self.interrupt_at:
            signal.raise_signal(signal.SIGINT)
        x = torch.randn(32, 1, generator=torch.Generator().manual_seed(step))
        return {"x": x, "y": 2 * x}

    def loss(self, module: torch.nn.Module, batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"loss": (module(batch["x"]) - batch["y"]).abs().mean()}

    def evaluate(self, module: torch.nn.Module) -> dict[str, float]:
        return {"score": -float((module(torch.ones(1, 1)) - 2).abs())}


def _line() -> torch.nn.Linear:
    torch.manual_seed(3)
    return torch.nn.Linear(1, 1)


def test_learns_and_logs(tmp_path: Path) -> None:
    module = _line()
    before = float(module.weight.detach())
    best = train(module, Line(), tmp_path, CONFIG)
    assert abs(float(module.weight.detach()) - 2) < abs(before - 2)
    assert torch.load(best, weights_only=True)["config"]["steps"] == 20
    assert len((tmp_path / "table.csv").read_text().splitlines()) == 3
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_figures_are_fields_of_a_record_of_static_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        train(_line(), Line(), tmp_path, CONFIG)
    first, second = caplog.records
    assert first.msg == second.msg
    assert first.message.startswith("evaluated: step 10, loss ")
    assert {"step", "minutes", "learning_rate", "loss", "score"} == vars(first)["figures"].keys()


def test_resumed_run_equals_whole_run(tmp_path: Path) -> None:
    whole, halves = (torch.nn.Sequential(torch.nn.Dropout(0.5), _line()) for _ in range(2))
    train(whole, Line(), tmp_path / "whole", CONFIG)
    with pytest.raises(KeyboardInterrupt):
        train(halves, Line(interrupt_at=7), tmp_path / "halves", CONFIG)
    task = Line()
    train(halves, task, tmp_path / "halves", CONFIG)
    assert task.steps[0] == 8
    ours, theirs = (torch.nn.utils.parameters_to_vector(module.parameters()) for module in (whole, halves))
    assert torch.equal(ours, theirs)


def test_the_largest_seed_is_one(tmp_path: Path) -> None:
    train(_line(), Line(), tmp_path, replace(CONFIG, steps=1, seed=2**32 - 1))


def test_a_run_that_gets_no_better_ends(tmp_path: Path) -> None:
    told: list[float] = []
    config = replace(CONFIG, steps=1000, learning_rate=0.0, evaluate_every=1, patience=3)
    train(_line(), Line(), tmp_path, config, told.append)
    assert told == [0.001, 0.002, 0.003, 1.0]


def test_a_checkpoint_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "best.pt").mkdir()
    with pytest.raises(OutputError, match="go on"):
        train(_line(), Line(), tmp_path, CONFIG)


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    train(_line(), Line(), tmp_path, CONFIG)
    with pytest.raises(InputError, match="another folder"):
        train(_line(), Line(), tmp_path, replace(CONFIG, seed=1))


def test_learning_rate_rises_then_falls() -> None:
    rates = [learning_rate(CONFIG, step, step / 20) for step in range(20)]
    assert rates[0] < rates[1] > rates[10] > rates[19] > 0
