"""`lipstream bench`: an avatar in, the speed of every stage on this machine out, as a table or as JSON."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lipstream.cli.figures import figure_line
from lipstream.cli.interrupt import held
from lipstream.cli.options import EngineName, QualityName
from lipstream.cli.progress import progress_of_groups
from lipstream.config import Config

if TYPE_CHECKING:
    from lipstream.evaluate.speed.bench import Bench
    from lipstream.evaluate.speed.stopwatch import Timing


def bench(  # noqa: PLR0913, PLR0917  one argument an option
    context: typer.Context,
    avatar: Annotated[str, typer.Option(metavar="NAME|PATH", help="Whose networks and frames are timed.")] = "iris",
    as_json: Annotated[bool, typer.Option("--json", help="JSON of schema lipstream.bench/1 on stdout.")] = False,
    engine: Annotated[EngineName, typer.Option(help="What runs the networks of the pipeline.")] = "auto",
    quality: Annotated[QualityName, typer.Option(help="Which of the avatar's networks the pipeline runs.")] = "auto",
    audio: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Speech to time with. Default: noise in bursts.")
    ] = None,
    seconds: Annotated[int, typer.Option(min=1, help="Speech that the whole processes turn into an MP4.")] = 10,
    repeats: Annotated[int, typer.Option(min=1, help="Whole processes of each kind; the median counts.")] = 3,
    hour: Annotated[
        bool, typer.Option("--hour", help="Instead make an hour of video, for its memory: about a quarter of an hour.")
    ] = False,
) -> None:
    """Time every stage on this machine, and whole processes from their start.

    Examples:
      lipstream bench

      lipstream bench --audio speech.wav --json > bench.json
    """
    with held():  # imported here because engines take half a second to load, which `--help` need not wait for
        from lipstream.audio.read import read_pcm  # noqa: PLC0415
        from lipstream.avatar.bundle import open_bundle  # noqa: PLC0415
        from lipstream.avatar.registry import find, speech_folder  # noqa: PLC0415
        from lipstream.evaluate.speed.bench import Bench, bench_hour, bench_processes, bench_stages, speech_of_seconds  # noqa: PLC0415
        from lipstream.evaluate.speed.stages import bursts  # noqa: PLC0415
        from lipstream.evaluate.speed.stopwatch import Patience  # noqa: PLC0415
        from lipstream.pipeline.avatar import open_avatar  # noqa: PLC0415

    config: Config = context.obj
    path = find(avatar, config.home)
    sound = bursts() if audio is None else read_pcm(audio)
    with progress_of_groups("runs") as progress:
        if hour:
            figures = tuple(bench_hour(str(path), sound, progress))
            report = Bench(open_bundle(path).manifest.name, (), figures, {})
        else:
            whole = bench_processes(str(path), speech_of_seconds(sound, seconds), repeats, progress)
            with held():  # engines are imported in it
                person = open_avatar(path, speech_folder(), engine=engine, quality=quality)
            stages = bench_stages(open_bundle(path), person, speech_of_seconds(sound, 4), Patience(), progress)
            report = dataclasses.replace(stages, figures=(*stages.figures, *whole))
    print(json.dumps(report.as_json(), indent=2) if as_json else table(report))


def table(report: "Bench") -> str:
    """Every stage beside real time, then the figures with bars, then what is missing."""
    lines: list[str] = []
    if report.timings:
        lines = [f"{report.avatar}: frames a second of each stage alone; 25 are shown", ""]
        lines += [*(_line(timing) for timing in report.timings), ""]
    lines += [figure_line(figure) for figure in report.figures]
    lines += [f"{stage}: not measured: {reason}" for stage, reason in report.not_measured.items()]
    return "\n".join(lines)


def _line(timing: "Timing") -> str:
    speed = f"{timing.frames_per_second:>9.1f} frames/s{timing.times_real_time:>8.1f} x real time"
    return f"{timing.stage:<18}{timing.how:<40}{timing.median_ms / timing.frames:>8.2f} ms/frame{speed}"
