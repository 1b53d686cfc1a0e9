"""A command line in, what a whole process of its own takes out: time from its start, and its peak memory."""

import os
import subprocess
import sys
import wave
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lipstream.clock import now_ms
from lipstream.errors import LipstreamError
from lipstream.types import SAMPLE_RATE_HZ, Pcm

COMMAND = "from lipstream.cli.main import run; run()"
FIRST_FRAME = """
import sys, numpy, lipstream
avatar = lipstream.load_avatar(sys.argv[1])
next(iter(lipstream.render(numpy.zeros(16000, numpy.float32), avatar)))
print("first", flush=True)
"""


@dataclass(frozen=True, slots=True)
class ProcessRun:
    """One run of a process."""

    elapsed_ms: float
    """From starting it to its end."""
    peak_memory_mb: float
    """The most memory it held, shared libraries included."""


def first_frame_ms(avatar: str) -> float:
    """Milliseconds from starting a process to the first finished frame in it.

    Raises:
        LipstreamError: the process failed.
    """
    start_ms = now_ms()
    with _started([sys.executable, "-c", FIRST_FRAME, avatar]) as process:
        line = process.stdout.readline() if process.stdout else b""
        elapsed_ms = now_ms() - start_ms
        _, complaint = process.communicate()
    if line.strip() != b"first":
        raise _failure(complaint)
    return elapsed_ms


def generate_mp4(pcm: Pcm, avatar: str) -> ProcessRun:
    """Run `lipstream generate` on a speech, from the start of its process to the finished MP4.

    Args:
        pcm: `[L]` float32 in -1..1 at 16 kHz.
        avatar: a name or path.

    Raises:
        LipstreamError: the process failed.
    """
    with TemporaryDirectory() as folder:
        sound, video = Path(folder) / "speech.wav", Path(folder) / "speech.mp4"
        write_wav(sound, pcm)
        start_ms = now_ms()
        arguments = ["generate", str(sound), "-o", str(video), "--avatar", avatar]
        process = _started([sys.executable, "-c", COMMAND, *arguments])
        with process:
            complaint = process.stderr.read() if process.stderr else b""
            _, status, usage = os.wait4(process.pid, 0)
            elapsed_ms = now_ms() - start_ms
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise _failure(complaint)
    unit = 1024 if sys.platform == "darwin" else 1
    return ProcessRun(elapsed_ms, usage.ru_maxrss / 1024 / unit)


def write_wav(path: Path, pcm: Pcm) -> None:
    """Write 16-bit mono WAV at 16 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(np.rint(np.clip(pcm, -1, 1) * 32767).astype("<i2").tobytes())


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603 our own arguments


def _failure(complaint: bytes) -> LipstreamError:
    lines = complaint.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    return LipstreamError(f"a process that was to be timed failed: {lines[-1]}")
