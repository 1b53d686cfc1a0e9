"""NVIDIA's graphics cards of this machine in, how busy and how full each is out; none where there is nobody to ask."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True, slots=True)
class Gpu:
    """What one card does."""

    index: int
    """Its number, as `nvidia-smi` counts."""
    name: str
    """What its maker calls it."""
    busy: float | None
    """The part of the last moments in which it worked, 0 to 1; None where it is divided (MIG) and cannot say."""
    used_bytes: int
    """Of its memory, by whatever process."""
    memory_bytes: int
    """All of its memory."""


def gpu_reader() -> Callable[[], list[Gpu]]:
    """Look once for the driver's library, and for nvidia-ml-py, which asks it (extra `gpu`).

    Returns:
        What reads the cards as they are now; it finds none where one of the two is missing.
    """
    try:
        import pynvml  # noqa: PLC0415  an extra
    except ModuleNotFoundError:
        return list
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return list
    return lambda: _gpus(pynvml)


def _gpus(nvml: ModuleType) -> list[Gpu]:
    found: list[Gpu] = []
    with suppress(nvml.NVMLError):
        for index in range(nvml.nvmlDeviceGetCount()):
            with suppress(nvml.NVMLError):  # a card may fail, or leave, while the server runs
                found.append(_gpu(nvml, index))
    return found


def _gpu(nvml: ModuleType, index: int) -> Gpu:
    card = nvml.nvmlDeviceGetHandleByIndex(index)
    memory, busy = nvml.nvmlDeviceGetMemoryInfo(card), None
    with suppress(nvml.NVMLError):
        busy = nvml.nvmlDeviceGetUtilizationRates(card).gpu / 100
    return Gpu(index, nvml.nvmlDeviceGetName(card), busy, memory.used, memory.total)
