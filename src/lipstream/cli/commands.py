"""The arguments of a command in, its work and an exit code out; every failure becomes one line on stderr."""

import os
import sys
import traceback
from typing import Annotated

import typer
from typer.exceptions import TyperException

import lipstream
from lipstream.cli import avatar, bench, configuration, dub, evaluate, generate, keys, serve, train
from lipstream.cli.interrupt import INTERRUPTED
from lipstream.cli.logs import show_logs
from lipstream.config import Config, read_config
from lipstream.errors import LipstreamError, OutputExistsError

app = typer.Typer(
    name="lipstream",
    help="Make a face speak: audio in, video of a person whose lips follow it out.",
    epilog="Example: lipstream generate speech.wav -o hello.mp4",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="generate")(generate.generate)
app.add_typer(avatar.app, name="avatar")
app.command(name="train")(train.train)
app.command(name="dub")(dub.dub)
app.command(name="evaluate")(evaluate.evaluate)
app.command(name="bench")(bench.bench)
app.command(name="serve")(serve.serve)
app.command(name="config")(configuration.configuration)
app.add_typer(keys.app, name="keys")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lipstream {lipstream.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None: ...


def execute(arguments: list[str]) -> int:
    """Run one command; as `main.execute`."""
    config: Config | None = None
    try:
        config = read_config(os.environ)
        show_logs(config.log)
        code = app(arguments, prog_name="lipstream", standalone_mode=False, obj=config)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except TyperException as error:
        return _failed(error.format_message(), error.exit_code, config)
    except OutputExistsError as error:
        return _failed(str(error).replace("overwrite=True", "--overwrite"), 1, config)
    except LipstreamError as error:
        return _failed(str(error), 1, config)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        return _failed(f"{reason} (this should not happen; LIPSTREAM_LOG=debug shows where)", 1, config)
    if code == INTERRUPTED:  # typer turns most interruptions into this code itself
        return _failed("interrupted", INTERRUPTED, config)
    return code if isinstance(code, int) else 0


def _failed(message: str, code: int, config: Config | None) -> int:
    if config is not None and config.log == "debug":
        traceback.print_exc()
    if message:  # none where the help was shown instead
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code
