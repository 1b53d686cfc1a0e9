"""`lipstream avatar import`: what other systems trained in, installed avatars out."""

from pathlib import Path
from typing import Annotated

import typer

from lipstream.avatar.terms import stated_terms
from lipstream.cli.interrupt import held
from lipstream.cli.options import Consent, IsSelf, Licence, MadeBy, Subject
from lipstream.cli.progress import shown
from lipstream.config import Config

app = typer.Typer(no_args_is_help=True, help="Import avatars that other systems trained.")


@app.callback()
def _imports() -> None: ...


@app.command()
def synctalk(  # noqa: PLR0913, PLR0917  one argument an option
    context: typer.Context,
    dataset: Annotated[
        Path,
        typer.Argument(metavar="DATASET", help="A folder as its preprocessing leaves it; or a package, folder or zip."),
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="What to call the avatar.")],
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The generator: best.pth or model.onnx; if not given, the package's own."),
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The audio encoder, .pth or .onnx. Without one the avatar hears no sound: it only shows speech "
            "features that are sent, or its own.",
        ),
    ] = None,
    subject: Subject = None,
    consent: Consent = None,
    licence: Licence = None,
    made_by: MadeBy = None,
    is_self: IsSelf = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an installed avatar of that name.")] = False,
) -> None:
    """Import an avatar of SyncTalk_2D (the 328 network, feature mode ave): it shows what it showed there.

    \b
    lipstream avatar import synctalk dataset/may --checkpoint best.pth --encoder audio_visual_encoder.pth --name may
    lipstream generate speech.wav -o out.mp4 --avatar may
    lipstream generate speech.wav -o out.mp4 --avatar may --reference     frame for frame as there
    """  # noqa: D301  typer keeps the lines after a backspace character as they are
    terms = stated_terms(subject=subject, consent=consent, licence=licence, made_by=made_by, is_self=is_self)
    with held():
        from lipstream.avatar.bundle import open_bundle  # noqa: PLC0415
        from lipstream.avatar.installed import new_avatar  # noqa: PLC0415
        from lipstream.avatar.verify import verify  # noqa: PLC0415
        from lipstream.train.synctalk.importing import Sources, import_avatar  # noqa: PLC0415

    config: Config = context.obj
    with new_avatar(name, config.home, overwrite=overwrite) as folder, shown(None) as progress:
        sources = Sources(dataset, checkpoint, encoder)
        manifest = import_avatar(sources, folder, name, terms, lambda done, _: progress(done))
        verify(open_bundle(folder))
    hears = "with" if manifest.speech_encoder else "without"
    print(f"{name}: installed in {config.home / 'avatars' / name}, {hears} an encoder of its own")
    if terms.missing:
        print(f"not recorded: {', '.join(terms.missing)} (say --subject, --consent, --licence, --made-by; or --self)")
