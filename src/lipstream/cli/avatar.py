"""`lipstream avatar`: which avatars there are, what one is, whether it is intact; and the way in and out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from lipstream.avatar.manifest import Manifest
from lipstream.avatar.terms import NOT_RECORDED
from lipstream.cli import avatar_import
from lipstream.cli.interrupt import held
from lipstream.config import Config
from lipstream.errors import AvatarError

app = typer.Typer(no_args_is_help=True, help="List, show, check, import and exchange avatars.")
app.add_typer(avatar_import.app, name="import")


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


@app.command()
def export(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A name, or a bundle's folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write, such as me.avatar.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Pack an avatar into one file that others install."""
    with held():
        from lipstream.avatar.archive import pack  # noqa: PLC0415
        from lipstream.avatar.bundle import MANIFEST_NAME, open_bundle  # noqa: PLC0415
        from lipstream.avatar.registry import ARCHIVE_SUFFIX, find  # noqa: PLC0415
        from lipstream.video.staging import staged, writing_to  # noqa: PLC0415

    if out.suffix != ARCHIVE_SUFFIX:
        raise typer.BadParameter(f"The output is {out.name}; expected a name ending in {ARCHIVE_SUFFIX}.")
    config: Config = context.obj
    bundle = open_bundle(find(name, config.home))
    with staged(out, overwrite=overwrite) as temporary, writing_to(out):
        pack(bundle.folder, [MANIFEST_NAME, *bundle.manifest.files], temporary)
    print(f"{out}: {bundle.manifest.name}, {out.stat().st_size / 1e6:.1f} MB")


@app.command()
def install(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="An .avatar file, or a bundle's folder.")],
    name: Annotated[str | None, typer.Option(help="What to call it, if not by its own name.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an installed avatar of that name.")] = False,
) -> None:
    """Install an avatar under its name; every file is checked, and nothing is left of one that is refused."""
    with held():
        from lipstream.avatar import installed  # noqa: PLC0415

    config: Config = context.obj
    folder = installed.install(path, config.home, name=name, overwrite=overwrite)
    print(f"{folder.name}: installed in {folder}")


@app.command()
def remove(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="Of an installed avatar.")]
) -> None:
    """Remove an installed avatar for good."""
    with held():
        from lipstream.avatar import installed  # noqa: PLC0415

    config: Config = context.obj
    installed.remove(name, config.home)
    print(f"{name}: removed")


@app.command()
def rename(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of an installed avatar.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What to call it.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an installed avatar of that name.")] = False,
) -> None:
    """Give an installed avatar another name."""
    with held():
        from lipstream.avatar import installed  # noqa: PLC0415

    config: Config = context.obj
    folder = installed.rename(name, new, config.home, overwrite=overwrite)
    print(f"{folder.name}: installed in {folder}")


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
    yield "consent", " ".join(manifest.consent.split())
    for key, value in {"made_by": NOT_RECORDED, **manifest.provenance}.items():
        yield key.replace("_", " "), " ".join(str(value).split())
    seconds = manifest.timeline.frames / manifest.fps
    yield "pictures", f"{manifest.frame_width} x {manifest.frame_height}, {manifest.timeline.frames} in {seconds:.1f} s"
    for quality, network in manifest.networks.items():
        work = f", {network.gflop:.2f} GFLOP a picture" if network.gflop else ""
        yield quality, f"{network.parameters / 1e6:.2f} M parameters{work}, {' and '.join(network.files)}"
    if manifest.driver == "features":
        hears = "an encoder of its own" if manifest.speech_encoder else "no encoder: features that are sent"
        yield "driven by", f"speech features, {hears}"
    elif manifest.own_speech:
        yield "hears with", "speech networks of its own, adapted to its person's voice"
    yield "size", f"{sum(entry.size_bytes for entry in manifest.files.values()) / 1e6:.1f} MB"
