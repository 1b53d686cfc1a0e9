import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from lipstream.serve.gpus import Gpu, gpu_reader


class NvmlError(Exception):
    """As NVML's."""


@dataclass
class FakeNvml:
    """A driver with cards of 100, 200, ... bytes, of which the last is divided; told to, it fails."""

    cards: int
    starts: bool = True
    failing: int | None = None
    NVMLError = NvmlError

    def nvmlInit(self) -> None:  # noqa: N802  NVML's names
        if not self.starts:
            raise NvmlError

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self.cards

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, card: int) -> str:  # noqa: N802
        return f"card {card}"

    def nvmlDeviceGetMemoryInfo(self, card: int) -> SimpleNamespace:  # noqa: N802
        if card == self.failing:
            raise NvmlError
        return SimpleNamespace(used=10, total=100 * (card + 1))

    def nvmlDeviceGetUtilizationRates(self, card: int) -> SimpleNamespace:  # noqa: N802
        if card == self.cards - 1:
            raise NvmlError
        return SimpleNamespace(gpu=75, memory=3)


def test_every_card_is_read_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = FakeNvml(cards=2)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    read = gpu_reader()
    assert read() == [Gpu(0, "card 0", 0.75, 10, 100), Gpu(1, "card 1", None, 10, 200)]
    nvml.cards = 1
    assert read() == [Gpu(0, "card 0", None, 10, 100)]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_card_that_fails_hides_no_other(monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    nvml = FakeNvml(cards=3, failing=failing)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert [gpu.index for gpu in gpu_reader()()] == [index for index in range(3) if index != failing]


@pytest.mark.parametrize("nvml", [None, FakeNvml(cards=1, starts=False)])
def test_without_driver_or_package_there_are_none(monkeypatch: pytest.MonkeyPatch, nvml: FakeNvml | None) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert gpu_reader()() == []
