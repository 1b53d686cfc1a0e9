"""`lipstream keys`: make, list and revoke the API keys of a server."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lipstream.cli.interrupt import held
from lipstream.config import Config
from lipstream.errors import InputError

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke the API keys of a server.")


class ScopeName(StrEnum):  # a Literal, as elsewhere, cannot be given several times
    """What a key allows."""

    INFER = "infer"
    ADMIN = "admin"


KeysFile = Annotated[
    Path | None,
    typer.Option(
        "--keys-file",
        metavar="FILE",
        envvar="LIPSTREAM_AUTH__KEYS_FILE",
        help="The server's auth.keys_file; keys.yaml in LIPSTREAM_HOME unless told.",
    ),
]


@app.command()
def new(  # noqa: PLR0913, PLR0917  one argument an option
    context: typer.Context,
    name: Annotated[str, typer.Option(metavar="NAME", help="Whose key it is.")],
    scope: Annotated[
        list[ScopeName],
        typer.Option(default_factory=lambda: [ScopeName.INFER], help="What it allows: infer, admin, or both."),
    ],
    max_concurrent: Annotated[
        int | None, typer.Option(help="The most requests and streams at once; no limit unless told.")
    ] = None,
    per_minute: Annotated[int | None, typer.Option(help="The most requests a minute; no limit unless told.")] = None,
    keys_file: KeysFile = None,
) -> None:
    """Make a key and show it, this once: only its SHA-256 is kept.

    \b
    lipstream keys new --name alice
    lipstream keys new --name operator --scope infer --scope admin --max-concurrent 4 --per-minute 600
    """  # noqa: D301  typer keeps the lines after a backspace character as they are
    with held():  # imported here because `--help` need not wait for it
        from pydantic import ValidationError  # noqa: PLC0415

        from lipstream.serve.keys import Key, fault_of, new_secret, read_keys, sha256_of, write_keys  # noqa: PLC0415

    path = _path(context, keys_file)
    keys = read_keys(path) if path.exists() else ()
    if any(key.name == name for key in keys):
        raise InputError(f"There is a key of {name} already in {path}; revoke it first, or take another name.")
    secret = new_secret()
    try:
        key = Key(
            name=name,
            sha256=sha256_of(secret),
            scopes=frozenset(one.value for one in scope),
            max_concurrent=max_concurrent,
            per_minute=per_minute,
        )
    except ValidationError as error:
        raise typer.BadParameter(f"The {fault_of(error)}.") from error
    write_keys(path, [*keys, key])
    print(secret)
    print(f"Note the key now: {path}, the server's auth.keys_file, keeps only its hash.", file=sys.stderr)


@app.command("list")
def list_all(context: typer.Context, keys_file: KeysFile = None) -> None:
    """List whose keys there are, what they allow, and how their hashes begin."""
    with held():
        from lipstream.serve.keys import read_keys  # noqa: PLC0415

    path = _path(context, keys_file)
    keys = read_keys(path)
    width = max((len(key.name) for key in keys), default=0)
    for key in keys:
        concurrent = "any number" if key.max_concurrent is None else key.max_concurrent
        often = "any number" if key.per_minute is None else key.per_minute
        limits = f"{concurrent} at once, {often} a minute"
        print(f"{key.name:{width}}  {','.join(sorted(key.scopes, reverse=True)):11}  {limits}  {key.sha256[:8]}...")
    if not keys:
        print(f"There is no key in {path}.")


@app.command()
def revoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key, as `keys list` shows it.")],
    keys_file: KeysFile = None,
) -> None:
    """Take a key out of the file; a running server notices with its next request."""
    with held():
        from lipstream.serve.keys import read_keys, write_keys  # noqa: PLC0415

    path = _path(context, keys_file)
    keys = read_keys(path)
    left = [key for key in keys if key.name != name]
    if len(left) == len(keys):
        raise InputError(f"There is no key of {name} in {path}; `lipstream keys list` shows those there are.")
    write_keys(path, left)
    print(f"revoked {name}")


def _path(context: typer.Context, keys_file: Path | None) -> Path:
    config: Config = context.obj
    return keys_file or config.home / "keys.yaml"
