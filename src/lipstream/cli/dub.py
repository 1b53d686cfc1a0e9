"""`lipstream dub`: a film and new sound in, the film with new lips out."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lipstream.cli.interrupt import held
from lipstream.cli.options import (
    Consent,
    Engine,
    FaceModels,
    IsSelf,
    Licence,
    MadeBy,
    Quality,
    Subject,
    bad_parameters,
)
from lipstream.cli.progress import progress_of_stages
from lipstream.cli.train import MINUTES, train
from lipstream.clock import now_ms
from lipstream.config import Config
from lipstream.errors import InputError, OutputExistsError
from lipstream.types import FRAME_RATE_HZ

if TYPE_CHECKING:
    from lipstream.train.dub import Dubbed, Wish


Film = Annotated[Path, typer.Argument(metavar="FILM", exists=True, dir_okay=False, help="Half an hour at most.")]
Audio = Annotated[
    Path,
    typer.Option(
        metavar="FILE", exists=True, dir_okay=False, help="What to say; anything with sound. It becomes the film's."
    ),
]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="OUT.mp4", help="The new film.")]
Avatar = Annotated[
    str | None,
    typer.Option(metavar="NAME|PATH", help="An avatar of the person who is seen. Default: trained on the film."),
]
Length = Annotated[
    Literal["hold", "refuse"],
    typer.Option(help="Of longer sound than the film: hold the last picture, lips moving, or refuse it."),
]
Gain = Annotated[float, typer.Option(help="Factor of every mouth movement, 0 to 2.")]
Name = Annotated[str | None, typer.Option(metavar="NAME", help="Of the avatar that is trained. Default: as the film.")]
Minutes = Annotated[float, typer.Option(help="Of training at most, where no avatar is named.", min=0.01)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file.")]


def dub(  # noqa: PLR0913, PLR0917  one argument an option
    context: typer.Context,
    film: Film,
    audio: Audio,
    out: Out,
    avatar: Avatar = None,
    length: Length = "hold",
    gain: Gain = 1.0,
    engine: Engine = "auto",
    quality: Quality = "auto",
    name: Name = None,
    minutes: Minutes = MINUTES,
    subject: Subject = None,
    consent: Consent = None,
    licence: Licence = None,
    made_by: MadeBy = None,
    is_self: IsSelf = False,
    face_models: FaceModels = None,
    overwrite: Overwrite = False,
) -> None:
    """Dub a film: new lips on its own pictures, saying other sound; cuts, length and other people stay.

    Without --avatar one is trained on the film first, and kept under the film's name with what --subject, --consent or
    --self say of it; interrupted, the same command goes on. docs/training.md says more.

    \b
    lipstream dub film.mp4 --audio translated.wav -o dubbed.mp4 --subject "Anna Example" --consent release.txt
    lipstream dub film.mp4 --audio translated.wav -o dubbed.mp4 --avatar me --length refuse
    """  # noqa: D301  typer keeps the lines after a backspace character as they are
    with held():  # imported here because codecs and engines take half a second, which `--help` need not wait for
        from lipstream.avatar.registry import find  # noqa: PLC0415
        from lipstream.train import dub as dubbing  # noqa: PLC0415

    config: Config = context.obj
    wish = dubbing.Wish(film, audio, out, length=length, gain=gain, overwrite=overwrite)
    terms = {"--subject": subject, "--consent": consent, "--licence": licence, "--made-by": made_by, "--self": is_self}
    said = [option for option, value in terms.items() if value]
    with bad_parameters():
        dubbing.check(wish)
        if avatar is not None:
            check_terms(said, avatar, "leave out --avatar")
    if avatar is None:
        dubbing.check_sound(wish)  # an hour of training for sound that cannot be used helps nobody
        avatar = name or name_of(film)
        if trained_on(film, avatar, config.home):
            with bad_parameters():
                check_terms(said, avatar, "train another on this film with --name")
        else:
            begin = partial(train, context, [film], avatar, minutes=minutes, resume=True, face_models=face_models)
            begin(subject=subject, consent=consent, licence=licence, made_by=made_by, is_self=is_self)
    _dub(wish, find(avatar, config.home), engine, quality, face_models)


def _dub(wish: "Wish", path: Path, engine: Engine, quality: Quality, face_models: Path | None) -> None:
    """Let the avatar at a path speak in the film, and tell of it."""
    start_ms = now_ms()
    with held():  # as above; engines are imported in it
        from lipstream.avatar.bundle import open_bundle  # noqa: PLC0415
        from lipstream.avatar.registry import speech_folder  # noqa: PLC0415
        from lipstream.pipeline.avatar import open_avatar  # noqa: PLC0415
        from lipstream.train import dub as dubbing  # noqa: PLC0415
        from lipstream.video.landmarks import load_landmarker  # noqa: PLC0415

        person = open_avatar(path, speech_folder(), engine=engine, quality=quality)
        finder, scale = load_landmarker(face_models), dubbing.scale_of(open_bundle(path))
    with progress_of_stages() as progress:
        made = dubbing.dub(wish, person, scale, finder, progress)
    print(summary(wish.out, made, now_ms() - start_ms, f"{person.engine} {person.precision}"))


def check_terms(said: Sequence[str], avatar: str, otherwise: str) -> None:
    """Check that nothing is said of who is shown, and on what terms, where the avatar is there already.

    Args:
        said: the options that say so.
        avatar: its name or path.
        otherwise: what else than leaving them out can be done.

    Raises:
        InputError: one of these options is given.
    """
    if said:
        raise InputError(f"{', '.join(said)}: avatar {avatar} holds its own terms; leave these out, or {otherwise}.")


def name_of(film: Path) -> str:
    """What to call an avatar that is trained on a film: its name, of letters, digits, '.', '_' and '-'."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", film.stem).strip(".-_")[:60] or "film"


def trained_on(film: Path, name: str, home: Path) -> bool:
    """Whether the avatar of that name was trained on this very film.

    Raises:
        OutputExistsError: there is one of that name, of other recordings.
        InputError: the film cannot be read.
    """
    from lipstream.train.run_folder import is_of, request_of  # noqa: PLC0415  codecs

    if not (home / "avatars" / name).exists():
        return False
    if is_of(home / "training" / name, request_of([film], seed=0)):
        return True
    raise OutputExistsError(
        f"There is an avatar {name} already, of other recordings; speak by it with --avatar {name}, or train another "
        "with --name."
    )


def summary(out: Path, made: "Dubbed", elapsed_ms: float, engine: str) -> str:
    """The line that ends the work: what was made, in how much of it the person speaks, how fast, by what."""
    return (
        f"{out}: {made.frames} frames, {made.painted} of them with new lips, {made.frames / FRAME_RATE_HZ:.1f} s of "
        f"film in {elapsed_ms / 1000:.1f} s, {engine}"
    )
