"""Options that several commands share, each declared once; what is wrong with them as typer says it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from lipstream.errors import InputError

EngineName = Literal["auto", "openvino", "onnx", "torch"]
QualityName = Literal["low", "medium", "high", "auto"]

Engine = Annotated[EngineName, typer.Option(help="What runs the networks; auto takes the first that works here.")]
Quality = Annotated[QualityName, typer.Option(help="low is fastest, high is best, auto is medium.")]
FaceModels = Annotated[
    Path | None,
    typer.Option(metavar="DIR", exists=True, file_okay=False, help="The two face models. Default: the cache."),
]
Subject = Annotated[str | None, typer.Option(metavar="WHO", help="Who is shown.")]
Consent = Annotated[str | None, typer.Option(metavar="TEXT|FILE", help="On what ground this face may speak.")]
Licence = Annotated[str | None, typer.Option(metavar="TEXT", help="What others may do with it.")]
MadeBy = Annotated[str | None, typer.Option(metavar="WHO", help="Who made it.")]
IsSelf = Annotated[bool, typer.Option("--self", help="It is your own face, and you agree.")]


@contextmanager
def bad_parameters() -> Iterator[None]:
    """Say of what is wrong with an argument that it is the command line's fault."""
    try:
        yield
    except InputError as error:
        raise typer.BadParameter(str(error)) from error
