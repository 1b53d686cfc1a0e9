"""`lipstream avatar`: which avatars there are, what one is, and whether it is intact."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from lipstream.avatar.manifest import Manifest
from lipstream.cli.interrupt import held
from lipstream.config import Config
from lipstream.errors import AvatarError

app = typer.Typer(no_args_is_help=True, help="List, show and check avatars.")


@app.command("list")
def list_all(context: typer.Context) -> None:
    """List the avatars that can be named, installed or come with lipstream, and say which cannot be used and why."""
    with held():  # imported here because `--help` need not wait for it
        from lipstream.avatar.bundle import open_bundle  # noqa: PLC0415
        from lipstream.avatar.registry import list_avatars  # noqa: PLC0415

    config: Config = context.obj
    known = list_avatars(config.home)
    width = max((len(avatar.name) for avatar in known), default=0)
    for avatar in known:
        print(f"{avatar.name:{width}}  {avatar.source:9}  {avatar.path}{_fault(avatar.path, open_bundle)}")
    if not known:
        print(f"No avatar is built in, and none is installed in {config.home / 'avatars'}.")


@app.command()
def show(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="A name, or a bundle's path.")]
) -> None:
    """Show who an avatar is, on what licence and consent, and what it holds."""
    with held():
        from lipstream.avatar.bundle import open_bundle  # noqa: PLC0415
        from lipstream.avatar.registry import find  # noqa: PLC0415

    config: Config = context.obj
    path = find(name, config.home)
    for key, value in describe(open_bundle(path).manifest, path):
        print(f"{key + ':':12} {value}")


@app.command()
def verify(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A name, or a bundle's folder or .avatar file.")],
) -> None:
    """Check a bundle: its hashes, its pictures, and that its networks compute what they did when it was made."""
    with held():
        from lipstream.avatar import verify as contents  # noqa: PLC0415
        from lipstream.avatar.bundle import open_bundle  # noqa: PLC0415
        from lipstream.avatar.registry import find  # noqa: PLC0415
        from lipstream.pipeline.avatar import verify as behaviour  # noqa: PLC0415

    config: Config = context.obj
    path = find(name, config.home)
    bundle = open_bundle(path)
    contents.verify(bundle)
    networks = behaviour(bundle)
    print(f"{path}: intact ({len(bundle.manifest.files)} files, networks {', '.join(networks)})")


def _fault(path: Path, open_at: Callable[[Path], object]) -> str:
    """What keeps a bundle from being used, with a separator before it; empty if nothing does."""
    try:
        open_at(path)
    except AvatarError as error:
        return f"  cannot be used: {' '.join(str(error).split())}"
    return ""


def describe(manifest: Manifest, path: Path) -> Iterator[tuple[str, str]]:
    """What a manifest says, as pairs of a word and a sentence."""
    yield "name", manifest.name
    yield "path", str(path)
    yield "subject", manifest.subject
    yield "licence", manifest.licence
    yield "consent", manifest.consent
    seconds = manifest.timeline.frames / manifest.fps
    yield "pictures", f"{manifest.frame_width} x {manifest.frame_height}, {manifest.timeline.frames} in {seconds:.1f} s"
    for quality, network in manifest.networks.items():
        size = f"{network.parameters / 1e6:.2f} M parameters, {network.gflop:.2f} GFLOP a picture"
        yield quality, f"{size}, {' and '.join(network.files)}"
    yield "size", f"{sum(entry.size_bytes for entry in manifest.files.values()) / 1e6:.1f} MB"
