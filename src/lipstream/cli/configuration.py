"""`lipstream config`: what the server would run with, and whether a file of it is right."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from lipstream.cli.interrupt import held
from lipstream.config import Config
from lipstream.errors import InputError


def configuration(
    context: typer.Context,
    show: Annotated[
        bool, typer.Option("--print", help="Print every key with its value and where that is from, as YAML.")
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Tell what is wrong with a file and with what it names; exit 1 if anything."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="For --print: the file that the server would read.")
    ] = None,
) -> None:
    """Show or check the configuration of `lipstream serve`: file, then LIPSTREAM_ variables over it.

    \b
    lipstream config --print > lipstream.yaml
    lipstream config --check lipstream.yaml
    LIPSTREAM_SERVER__HTTP_PORT=9000 lipstream config --print --config lipstream.yaml
    """  # noqa: D301  typer keeps the lines after a backspace character as they are
    if show == (check is not None) or (check is not None and file is not None):
        raise typer.BadParameter("Expected either --print [--config FILE] or --check FILE.")
    with held():  # imported here because `--help` need not wait for it
        from lipstream.cli.files import faults  # noqa: PLC0415
        from lipstream.config.compose import compose  # noqa: PLC0415
        from lipstream.config.show import to_yaml  # noqa: PLC0415

    home: Config = context.obj
    try:
        composed = compose(check or file, os.environ, {})
        wrong = list(faults(composed, home.home)) if check else []
    except InputError as error:
        wrong = str(error).splitlines()
    for fault in wrong:
        print(f"error: {fault}", file=sys.stderr)
    if wrong:
        raise typer.Exit(1)
    print(f"{check}: in order" if check else to_yaml(composed), end="\n" if check else "")
