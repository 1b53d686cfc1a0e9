"""`lipstream serve`: a configuration in, one process that serves until it is told to stop."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from lipstream.cli.interrupt import held
from lipstream.config import Config

Role = Literal["all", "inference", "compositing"]
TlsMode = Literal["off", "self-signed", "files"]


def serve(  # noqa: PLR0913, PLR0917  one argument an option
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML; `lipstream config --print` shows every key.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on. Default: this machine only.")] = None,
    grpc_port: Annotated[
        Optional[list[int]], typer.Option(min=0, max=65535, help="TCP port of gRPC; may be given more than once.")  # noqa: UP045  typer
    ] = None,
    http_port: Annotated[int | None, typer.Option(min=0, max=65535, help="TCP port of HTTP.")] = None,
    compat_port: Annotated[
        Optional[list[int]],  # noqa: UP045  typer
        typer.Option(
            min=0, max=65535, help="A further port for WebSocket clients of old; may be given more than once."
        ),
    ] = None,
    role: Annotated[Role | None, typer.Option(help="All, or one half of a pair of processes.")] = None,
    inference_url: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="The other half, for --role compositing.")
    ] = None,
    preload: Annotated[
        Optional[list[str]], typer.Option(metavar="NAME", help="An avatar to load before it is ready.")  # noqa: UP045
    ] = None,
    tls: Annotated[TlsMode | None, typer.Option(help="Encryption; self-signed is made at the start.")] = None,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ask every caller for one of its keys (`lipstream keys`).")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let everybody in who reaches an address other than loopback.")
    ] = False,
) -> None:
    """Serve avatars over gRPC and HTTP, to this machine unless told otherwise.

    \b
    lipstream serve
    lipstream serve --config lipstream.yaml
    lipstream serve --host 0.0.0.0 --keys keys.yaml --tls self-signed
    """  # noqa: D301  typer keeps the lines after a backspace character as they are
    home: Config = context.obj
    flags = {
        "server.host": host,
        "server.grpc_port": grpc_port or None,
        "server.http_port": http_port,
        "server.compat_port": compat_port or None,
        "server.role": role,
        "server.inference_url": inference_url,
        "registry.preload": preload or None,
        "tls.mode": tls,
        "auth.keys_file": keys,
        "auth.insecure": insecure or None,
    }
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what goes wrong is told by us, in one line
    with held():  # the engines take half a second to load, which `--help` need not wait for
        from lipstream.cli.serving import open_process  # noqa: PLC0415
        from lipstream.config.compose import compose  # noqa: PLC0415

    composed = compose(config, os.environ, flags)
    with open_process(composed.config, home) as process:
        asyncio.run(process.run(typer.echo))
