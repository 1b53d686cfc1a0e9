"""An avatar and some speech in, the speed of every stage and of whole processes on this machine out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import lipstream
from lipstream.avatar.bundle import Bundle
from lipstream.errors import LipstreamError
from lipstream.evaluate.faces import Progress
from lipstream.evaluate.figures import Figure, as_plain
from lipstream.evaluate.speed.machine import install_mb, machine, versions
from lipstream.evaluate.speed.process import first_frame_ms, generate_mp4
from lipstream.evaluate.speed.stages import VARIANTS, generator_timings, stage_timings
from lipstream.evaluate.speed.stopwatch import Patience, Timing, timed
from lipstream.pipeline.avatar import Avatar
from lipstream.types import SAMPLE_RATE_HZ, Pcm

SCHEMA = "lipstream.bench/1"
REFERENCE_STAGE = "reference network"
STAGES = 2 * len(VARIANTS) + 9  # generators at two batch sizes, the other stages, the reference


@dataclass(frozen=True, slots=True)
class Bench:
    """What was timed, and on what."""

    avatar: str
    """The avatar's name."""
    timings: tuple[Timing, ...]
    """Every stage."""
    figures: tuple[Figure, ...]
    """The figures that have bars, and some to compare."""
    not_measured: Mapping[str, str]
    """Stage to the reason why it is missing."""

    def as_json(self) -> dict[str, object]:
        """Plain dictionaries and lists of schema lipstream.bench/1."""
        return {
            "schema": SCHEMA,
            "avatar": self.avatar,
            "version": lipstream.__version__,
            "machine": machine(),
            "versions": versions(),
            "timings": [_plain(timing) for timing in self.timings],
            "figures": [as_plain(figure) for figure in self.figures],
            "not_measured": dict(self.not_measured),
        }


def bench_stages(bundle: Bundle, avatar: Avatar, pcm: Pcm, patience: Patience, progress: Progress) -> Bench:
    """Time every stage in this process, and the reference's network where torch is installed.

    Args:
        bundle: the avatar's files.
        avatar: the avatar, loaded from them.
        pcm: `[L]` float32 in -1..1 at 16 kHz, at least 640 ms.
        patience: how long each stage is repeated.
        progress: told how far it is.
    """
    timings: list[Timing] = []
    not_measured: dict[str, str] = {}
    progress("stages", 0, STAGES)
    for result in (*generator_timings(bundle, patience), *stage_timings(avatar, pcm, patience)):
        if isinstance(result, Timing):
            timings.append(result)
            progress("stages", len(timings), STAGES)
        else:
            not_measured[result[0]] = result[1]
    try:
        timings.append(_reference(patience))
    except ImportError:
        not_measured[REFERENCE_STAGE] = "torch is not installed: pip install lipstream[train]"
    progress("stages", STAGES, STAGES)
    return Bench(
        avatar.name, tuple(timings), tuple(stage_figures(timings, f"{avatar.engine} {avatar.precision}")), not_measured
    )


def bench_processes(avatar: str, pcm: Pcm, repeats: int, progress: Progress) -> list[Figure]:
    """Time whole processes, their start included.

    Args:
        avatar: a name or path.
        pcm: the speech that becomes an MP4, `[L]` float32 in -1..1 at 16 kHz.
        repeats: processes of each kind; the median counts.
        progress: told how far it is.

    Raises:
        LipstreamError: a process failed.
    """
    firsts, runs = [], []
    for done in range(repeats):
        progress("processes", done, repeats)
        firsts.append(first_frame_ms(avatar))
        runs.append(generate_mp4(pcm, avatar))
    progress("processes", repeats, repeats)
    seconds = len(pcm) / SAMPLE_RATE_HZ
    whole = float(np.median([run.elapsed_ms for run in runs])) / 1000
    peak = max(run.peak_memory_mb for run in runs)
    name = "speed.ten_seconds_s" if round(seconds) == 10 else "speed.whole_s"  # the bar is for ten
    return [
        Figure("speed.first_frame_s", float(np.median(firsts)) / 1000, "process start to first finished frame"),
        Figure(name, whole, f"{seconds:.0f} s of speech to MP4, process start included"),
        Figure("speed.memory_mb", peak, "peak memory of that"),
        Figure("speed.install_mb", install_mb(), "lipstream and every package it needs, on disk"),
    ]


def bench_hour(avatar: str, pcm: Pcm, progress: Progress) -> list[Figure]:
    """Make an hour of video in a process of its own, for the memory it takes.

    Args:
        avatar: a name or path.
        pcm: speech to repeat, `[L]` float32 in -1..1 at 16 kHz.
        progress: told when it begins and ends.

    Raises:
        LipstreamError: the process failed.
    """
    progress("hour", 0, 1)
    run = generate_mp4(speech_of_seconds(pcm, 3600), avatar)
    progress("hour", 1, 1)
    return [
        Figure("speed.hour_memory_mb", run.peak_memory_mb, "peak memory of an hour of speech to MP4"),
        Figure("speed.hour_s", run.elapsed_ms / 1000, "time that takes"),
    ]


def stage_figures(timings: list[Timing], default: str) -> list[Figure]:
    """The figures with bars among the timings.

    Args:
        timings: of all stages.
        default: engine and precision of the generator that the avatar itself chose, such as `openvino bf16`.
    """
    own = [timing for timing in timings if timing.stage == "generator" and timing.how.startswith(f"{default},")]
    figures = []
    for timing in timings:
        if timing.stage == "mel":
            figures.append(Figure("speed.mel_ms", timing.median_ms, "mel rows of 640 ms of sound"))
        if timing.stage == "pipeline":
            figures.append(Figure("speed.pipeline_fps", timing.frames_per_second, f"frames/s, {timing.how}"))
        if timing.stage == REFERENCE_STAGE and own:
            single = min(own, key=lambda one: one.frames)
            ratio = timing.median_ms / single.median_ms
            figures.append(Figure("speed.times_reference", ratio, f"{single.how}, against the reference's network"))
    if own:
        best = max(own, key=lambda one: one.frames_per_second)
        figures.append(Figure("speed.generator_fps", best.frames_per_second, f"frames/s, {best.how}"))
    return figures


def _reference(patience: Patience) -> Timing:
    from lipstream.nets.synctalk_unet import untrained_run  # noqa: PLC0415  torch is an extra

    return timed(REFERENCE_STAGE, "SyncTalk_2D, PyTorch float32, batch 1", 1, untrained_run(), patience)


def speech_of_seconds(pcm: Pcm, seconds: int) -> Pcm:
    """Exactly `seconds` of speech, `[16000 seconds]` float32: cut or repeated.

    Raises:
        LipstreamError: there is no sound to repeat.
    """
    if len(pcm) == 0:
        raise LipstreamError("there is no speech to time: the sound is empty")
    return np.resize(pcm, seconds * SAMPLE_RATE_HZ)


def _plain(timing: Timing) -> dict[str, object]:
    return {
        "stage": timing.stage,
        "how": timing.how,
        "frames": timing.frames,
        "median_ms": round(timing.median_ms, 3),
        "frames_per_second": round(timing.frames_per_second, 1),
        "times_real_time": round(timing.times_real_time, 2),
        "runs": timing.runs,
    }
