"""`lipstream evaluate`: an avatar in, the figures of its lips out, as a table, as JSON, as a page with a film."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lipstream.cli.figures import figure_line
from lipstream.cli.interrupt import held
from lipstream.cli.options import EngineName, QualityName
from lipstream.cli.progress import progress_of_groups
from lipstream.config import Config

if TYPE_CHECKING:
    from lipstream.evaluate.figures import Evaluation


_folder = partial(typer.Option, metavar="DIR", exists=True, file_okay=False)


def evaluate(  # noqa: PLR0913, PLR0917  one argument an option
    context: typer.Context,
    avatar: Annotated[str, typer.Argument(metavar="AVATAR", help="A name that `avatar list` shows, or a path.")],
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write a page with curves and pictures, a side-by-side film and the JSON there."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON of schema lipstream.evaluation/1 on stdout.")] = False,
    engine: Annotated[EngineName, typer.Option(help="What runs the networks.")] = "auto",
    quality: Annotated[QualityName, typer.Option(help="Which of the avatar's networks is measured.")] = "auto",
    truth: Annotated[Path | None, _folder(help="Known speech, heldout.*. Default: the avatar's own.")] = None,
    face_models: Annotated[
        Path | None, _folder(help="The two face models. Default: the user's cache, fetched on first use.")
    ] = None,
    data: Annotated[Path | None, _folder(envvar="LIPSTREAM_DATA", help="Recordings of real speakers.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write the report into a folder that is not empty.")
    ] = False,
) -> None:
    """Measure how well an avatar's lips follow the sound, on its finished pictures.

    Each figure is printed beside its bar; what cannot be measured here is named with the reason. The page
    DIR/index.html explains every figure; docs/evaluation.md says how each is measured.

    \b
    lipstream evaluate iris --report iris-report
    lipstream evaluate ./me.avatar --json > figures.json
    lipstream evaluate iris --data recordings --quality low
    """  # noqa: D301  typer keeps the lines after a backspace character as they are
    with held():  # imported here because engines take half a second to load, which `--help` need not wait for
        from lipstream.avatar.registry import find, speech_folder  # noqa: PLC0415
        from lipstream.evaluate.evaluation import Material  # noqa: PLC0415
        from lipstream.evaluate.evaluation import evaluate as measure  # noqa: PLC0415
        from lipstream.evaluate.faces import load_subject  # noqa: PLC0415
        from lipstream.evaluate.report.report import check_report, write_report  # noqa: PLC0415
        from lipstream.video.landmarks import load_landmarker  # noqa: PLC0415

    if report is not None:
        check_report(report, overwrite=overwrite)
    config: Config = context.obj
    path = find(avatar, config.home)
    finder = load_landmarker(face_models)
    with held():  # engines are imported in it
        subject = load_subject(path, speech_folder(), finder, engine=engine, quality=quality)
    with progress_of_groups("steps") as progress:
        evaluation = measure(subject, Material(truth=truth, data=data), progress)
    # Before the report, so that figures of many minutes are not lost with a full disk.
    print(json.dumps(evaluation.as_json(), indent=2) if as_json else table(evaluation))
    if report is not None:
        with progress_of_groups("frames") as progress:
            write_report(report, evaluation, subject, truth, progress, overwrite=overwrite)
        if not as_json:
            print(f"\nreport: {report / 'index.html'}")


def table(evaluation: "Evaluation") -> str:
    """The figures with their bars, one a line, and the groups that could not be measured."""
    setting = ", ".join(f"{key} {value}" for key, value in evaluation.setting.items())
    lines = [f"{evaluation.avatar} ({setting})", ""]
    lines += [figure_line(figure) for figure in evaluation.figures]
    lines += [f"{group}: not measured: {reason}" for group, reason in evaluation.not_measured.items()]
    return "\n".join(lines)
