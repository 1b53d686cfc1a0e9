"""Stand-ins written by hand, for tests that are about something else."""

import wave
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen
from typing import Protocol

import numpy as np

from lipstream.types import CROP_SIZE, SAMPLE_RATE_HZ, Float32, Pcm


def write_wav(path: Path, pcm: Pcm) -> None:
    """Write `[L]` float32 in -1..1 at 16 kHz as 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((pcm * 32767).astype("<i2").tobytes())


class Start(Protocol):
    """Starts a command in a process of its own; see the fixture `start`."""

    def __call__(self, *arguments: str | Path, file_limit_bytes: int = 0) -> "Popen[str]": ...


class FlatGenerator:
    """A generator that paints everything in one colour and remembers what it was shown."""

    def __init__(self, blue: float, green: float, red: float) -> None:
        self._colour = np.array([blue, green, red], np.float32)
        self.seen: list[Mapping[str, Float32]] = []

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        self.seen.append(inputs)
        shape = (len(inputs["visual"]), 3, CROP_SIZE, CROP_SIZE)
        return {"image": np.broadcast_to(self._colour[:, None, None], shape).copy()}
