"""`lipstream train`: recordings of one person in, an avatar that speaks with their face out."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lipstream.avatar.terms import stated_terms
from lipstream.cli.interrupt import held
from lipstream.cli.options import Consent, FaceModels, IsSelf, Licence, MadeBy, Subject
from lipstream.cli.progress import progress_of_stages
from lipstream.config import Config
from lipstream.errors import MissingExtraError

if TYPE_CHECKING:
    from lipstream.train.judging import Judgement
    from lipstream.train.person import Tools
    from lipstream.train.preprocess.findings import Findings

MINUTES = 60.0
START = "iris"
POOR_R = 0.6
"""Somebody who is recorded as docs/training.md says reaches 0.76 and more (GRID's speaker, two minutes)."""
NetworkName = Literal["fast", "standard"]
QUALITIES: dict[str, tuple[NetworkName, ...]] = {
    "fast": ("fast",),
    "standard": ("standard",),
    "both": ("fast", "standard"),
}
Videos = Annotated[
    list[Path],
    typer.Argument(
        metavar="VIDEO...", exists=True, dir_okay=False, help="One to three minutes of one person who speaks."
    ),
]
Name = Annotated[str, typer.Option(metavar="NAME", help="What to call the avatar.")]
Network = Annotated[Literal["fast", "standard", "both"], typer.Option(help="standard is finer and slower.")]
AdaptSpeech = Annotated[
    bool | None,
    typer.Option(
        help="Also learn how this voice moves this mouth: for the person's own voice. Default: as the training was "
        "begun that --resume goes on with, else not.",
    ),
]
Minutes = Annotated[float, typer.Option(help="Of training at most, for each network.", min=0.01)]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="auto takes CUDA where it is.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an interrupted training stopped.")]
Seed = Annotated[
    int, typer.Option(help="On a CPU, the same seed and recordings give the same avatar.", min=0, max=2**32 - 1)
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="The bundle. Default: installed by its name.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an avatar of that name, and begin its training anew.")
]


def train(  # noqa: PLR0913, PLR0917  one argument an option
    context: typer.Context,
    videos: Videos,
    name: Name,
    network: Network = "fast",
    adapt_speech: AdaptSpeech = None,
    minutes: Minutes = MINUTES,
    device: Device = "auto",
    resume: Resume = False,
    subject: Subject = None,
    consent: Consent = None,
    licence: Licence = None,
    made_by: MadeBy = None,
    is_self: IsSelf = False,
    seed: Seed = 0,
    output: Output = None,
    overwrite: Overwrite = False,
    face_models: FaceModels = None,
) -> None:
    """Train an avatar: recordings of one person in, a face that `generate` and `serve` make speak out.

    The recordings are looked at first; what they hold, what is wrong with them and how long it takes is said before
    the training begins. Whatever interrupts it, --resume goes on. docs/training.md says how to record.

    \b
    lipstream train me.mp4 --name me --self
    lipstream train talk1.mov talk2.mov --name anna --subject "Anna Example" --consent release.txt --minutes 30
    """  # noqa: D301  typer keeps the lines after a backspace character as they are
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) is None:
        raise typer.BadParameter(f"{name!r} cannot be an avatar's name; expected letters, digits, '.', '_' and '-'.")
    terms = stated_terms(subject=subject, consent=consent, licence=licence, made_by=made_by, is_self=is_self)
    with held():  # imported here because torch takes seconds to load, which `--help` need not wait for
        _check_extra()
        from lipstream.avatar.installed import new_avatar  # noqa: PLC0415
        from lipstream.train.learning import Schedule, choose_device  # noqa: PLC0415
        from lipstream.train.person import Wish, new_bundle, train_person  # noqa: PLC0415
        from lipstream.train.run_folder import adapts, forget  # noqa: PLC0415

    config: Config = context.obj
    run = config.home / "training" / name
    adapted = adapt_speech if adapt_speech is not None else resume and adapts(run)
    schedule = Schedule(minutes=minutes, device=choose_device(device), seed=seed, adapt_speech=adapted)
    wish = Wish(videos, name, run, terms=terms, qualities=QUALITIES[network], schedule=schedule, resume=resume)
    at_home = new_avatar(name, config.home, overwrite=overwrite)
    place = at_home if output is None else new_bundle(output, overwrite=overwrite)
    if terms.missing:
        print(f"not recorded: {', '.join(terms.missing)} (say --subject, --consent, --licence, --made-by; or --self)")
    with place as folder, progress_of_stages() as progress:
        if overwrite and not resume:
            forget(run)
        tools = _tools(face_models, config.home)
        judged = train_person(wish, folder, tools, progress, lambda found, most: _say(found, most, schedule.device))
    _tell(judged, f"{name}: {output or config.home / 'avatars' / name}; curves in {run}")


def summary(figures: "Judgement") -> str:
    """The line that says how well a network does what the person did, on pictures it never learnt from."""
    mouth = f"{figures.mouth_psnr_db:.1f} dB, SSIM {figures.mouth_ssim:.2f}, {figures.sharpness_percent:.0f} % as sharp"
    lips = f"opening r {figures.opening_r:.2f}, {figures.lag_frames:.0f} frames late"
    return f"over {figures.pictures:.0f} held-out pictures: {lips}; mouth {mouth}"


def _check_extra() -> None:
    try:
        import lipstream.train.person  # noqa: F401, PLC0415
    except ImportError as error:
        raise MissingExtraError(f"Training needs {error.name}: pip install 'lipstream[train]'.") from error


def _tools(face_models: Path | None, home: Path) -> "Tools":
    """What finds faces and hears speech, and whom the training begins with."""
    with held():
        from lipstream.avatar.bundle import open_bundle, open_speech  # noqa: PLC0415
        from lipstream.avatar.registry import find, speech_folder  # noqa: PLC0415
        from lipstream.runtime.networks import load_speech  # noqa: PLC0415
        from lipstream.train.person import Tools  # noqa: PLC0415
        from lipstream.video.landmarks import load_landmarker  # noqa: PLC0415

    begun, shared = open_bundle(find(START, home)), open_speech(speech_folder())
    return Tools(load_landmarker(face_models), load_speech(shared), begun, shared)


def _tell(judged: "Mapping[NetworkName, Judgement]", place: str) -> None:
    for quality, figures in judged.items():
        print(f"{quality}: {summary(figures)}")
        if figures.opening_r < POOR_R:
            print("The lips follow their sound poorly; docs/training.md says how to record for better ones.")
    print(place)


def _say(found: "Findings", most_minutes: float, device: str) -> None:
    for line in found.lines():
        print(line, flush=True)
    minutes = math.ceil(most_minutes)
    print(
        f"Training takes at most {minutes} minute{'s' * (minutes != 1)} on {device}; Ctrl-C, then --resume, loses "
        "nothing.",
        flush=True,
    )
