"""Recordings of one person in, an avatar that speaks with their face out: the whole way of `lipstream train`."""

import json
import logging
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lipstream.avatar.bundle import MANIFEST_NAME, Bundle, Quality, SpeechBundle
from lipstream.avatar.terms import Terms
from lipstream.errors import InputError
from lipstream.nets.generator import Generator
from lipstream.runtime.engines import LoadedEngine
from lipstream.runtime.networks import SpeechEngines, load_generator, load_speech
from lipstream.train import adapting
from lipstream.train.adapting import adapt, heard_again, listening_task, sounds_of
from lipstream.train.assembling import write_bundle, write_manifest
from lipstream.train.judging import Judgement, Repainted, judge, repaint
from lipstream.train.learning import Lesson, Schedule, expected_minutes, learn, lesson_of, new_generator
from lipstream.train.preprocess.crops import kept_pictures, write_crops
from lipstream.train.preprocess.findings import Findings
from lipstream.train.preprocess.following import FaceFinder
from lipstream.train.preprocess.prepared import Prepared, prepare
from lipstream.train.preprocess.watching import Progress
from lipstream.train.run_folder import alone, forgotten_if_refused, open_run, request_of
from lipstream.train.speech import SpeechTask
from lipstream.train.speech_files import stored_networks
from lipstream.video.staging import refuse_existing, staged, writing_to

PREPARED, CROPS, REPORT = "prepared.npz", "crops.npy", "report.json"
SCHEMA = "lipstream.evaluation/1"
_LOG = logging.getLogger(__name__)
QUALITY_NAMES: dict[Quality, str] = {"fast": "medium", "standard": "high"}


@dataclass(frozen=True, eq=False)
class Tools:
    """What training works with."""

    finder: FaceFinder
    """Finds faces."""
    speech: SpeechEngines
    """Hears lips in sound."""
    start: Bundle
    """The avatar whose generator is the start."""
    shared: SpeechBundle
    """The files of `speech`, with which adapting it to a person begins."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be trained, of what and where to."""

    videos: Sequence[Path]
    """Recordings of one person, with sound."""
    name: str
    """Of the avatar."""
    run: Path
    """Folder of checkpoints, curves and what was prepared."""
    terms: Terms = field(default_factory=Terms)
    """Who is shown, and on what ground."""
    qualities: Sequence[Quality] = ("fast",)
    """Networks to train, in this order."""
    schedule: Schedule = field(default_factory=Schedule)
    """How long, on what, with which seed."""
    resume: bool = False
    """Whether a run in that folder goes on."""


def train_person(
    wish: Wish, folder: Path, tools: Tools, progress: Progress, found: Callable[[Findings, float], None]
) -> dict[Quality, Judgement]:
    """Train an avatar of a person.

    Args:
        wish: what.
        folder: for the files of the bundle, empty.
        tools: with what.
        progress: told of the stages `faces`, `crops`, `train speech`, `train fast`, ..., `bundle`, `judge fast`, ...
        found: told what the recordings hold and the minutes that training will take at most, before it begins.

    Returns:
        Figures over held-out pictures by network; they stand in the manifest too.

    Raises:
        InputError: the recordings cannot be trained on, and why; or the run's folder is of other ones, or in use.
        OutputExistsError: there is a run that `resume` does not allow to go on.
        OutputError: something cannot be written; what was done is kept for `resume`.
        KeyboardInterrupt: Ctrl-C; likewise.
    """
    if not wish.videos:
        raise InputError("There is no video to train on; expected at least one.")
    request = request_of(wish.videos, wish.schedule.seed)
    with alone(wish.run):
        open_run(wish.run, request, resume=wish.resume, adapt_speech=wish.schedule.adapt_speech)
        return _trained(wish, folder, tools, progress, found)


def _trained(
    wish: Wish, folder: Path, tools: Tools, progress: Progress, found: Callable[[Findings, float], None]
) -> dict[Quality, Judgement]:
    """What `train_person` does in a run's folder that is open."""
    with forgotten_if_refused(wish.run):
        prepared = _prepared(wish, tools, progress)
    lesson = lesson_of(prepared, wish.run / CROPS)
    modules = {quality: new_generator(quality, lesson, tools.start, wish.schedule) for quality in wish.qualities}
    listening = _listening(wish, tools, prepared)
    most_minutes = sum(expected_minutes(module, lesson, wish.schedule) for module in modules.values())
    if listening is not None:
        most_minutes += adapting.expected_minutes(listening, tools.shared, wish.schedule)
    found(prepared.findings, most_minutes)
    own_speech = None if listening is None else _adapted(wish, tools, listening, progress)
    if own_speech is not None:
        prepared = replace(prepared, heard=heard_again(wish.videos, prepared, load_speech(own_speech)))
    trained: dict[Quality, Generator] = {}
    for quality, module in modules.items():
        share = _share(quality, progress)
        trained[quality] = learn(module, lesson, prepared, wish.run / quality, wish.schedule, share)
    return _written(folder, wish, tools, prepared, lesson, trained, own_speech, progress)


def _share(what: str, progress: Progress) -> Callable[[float], None]:
    """Tells of a training by the share of it that is done."""
    return lambda done: progress(f"train {what}", round(1000 * min(1.0, done)), 1000)


def _listening(wish: Wish, tools: Tools, prepared: Prepared) -> SpeechTask | None:
    """What the speech networks are to learn, if they are."""
    if not wish.schedule.adapt_speech:
        return None
    shared = stored_networks(tools.shared)
    return listening_task(sounds_of(wish.videos, prepared), prepared, shared, wish.schedule.seed)


def _adapted(wish: Wish, tools: Tools, listening: SpeechTask, progress: Progress) -> SpeechBundle | None:
    own = adapt(listening, tools.shared, wish.run / "speech", wish.schedule, _share("speech", progress))
    if own is None:
        _LOG.warning("the shared speech networks follow these lips as well as adapted ones: they stay")
    return own


@contextmanager
def new_bundle(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Lend an empty folder, which takes the name `path` on a clean exit and is removed on any other.

    Args:
        path: of the bundle.
        overwrite: whether a bundle of that name may be replaced; anything else never is.

    Raises:
        OutputExistsError: something of that name exists, at the start or at the end.
        OutputError: the folder cannot be made.
    """
    _refuse(path, overwrite=overwrite)
    part = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.part")
    with writing_to(path):
        part.mkdir()
    try:
        yield part
        _refuse(path, overwrite=overwrite)
        with writing_to(path):
            shutil.rmtree(path, ignore_errors=True)
            part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _refuse(path: Path, *, overwrite: bool) -> None:
    if not (overwrite and (path / MANIFEST_NAME).is_file()):
        refuse_existing(path)


def _prepared(wish: Wish, tools: Tools, progress: Progress) -> Prepared:
    """What the recordings hold, from the run's folder where that is known already."""
    known, crops = wish.run / PREPARED, wish.run / CROPS
    if known.is_file():
        prepared = Prepared.load(known)
    else:
        prepared = prepare(wish.videos, tools.finder, tools.speech, progress)
        with staged(known) as part, part.open("wb") as file:
            prepared.save(file)
    if not crops.is_file():
        write_crops(crops, wish.videos, prepared, kept_pictures(prepared), progress)
    return prepared


def _written(  # noqa: PLR0913, PLR0917  what the way has brought together
    folder: Path,
    wish: Wish,
    tools: Tools,
    prepared: Prepared,
    lesson: Lesson,
    trained: dict[Quality, Generator],
    own_speech: SpeechBundle | None,
    progress: Progress,
) -> dict[Quality, Judgement]:
    """Write the bundle, judge it, and write what was found into its manifest."""
    progress("bundle", 0, 1)
    with writing_to(folder):
        bundle = write_bundle(folder, wish.name, wish.terms, wish.videos, prepared, lesson, trained, own_speech)
    progress("bundle", 1, 1)
    judged = {}
    for quality in trained:
        engine = load_generator(bundle, quality=QUALITY_NAMES[quality]).engine
        judged[quality] = _judged(wish, tools, prepared, bundle, engine, progress, f"judge {quality}")
    report = evaluation(wish.name, judged, prepared.findings, own_speech)
    with writing_to(folder):
        write_manifest(folder, bundle.manifest.model_copy(update={"evaluation": report}))
        (wish.run / REPORT).write_text(json.dumps(report, indent=2) + "\n")
        (wish.run / CROPS).unlink()  # the rest of the run is small, and tells how it went
    return judged


def _judged(  # noqa: PLR0913, PLR0917  as above
    wish: Wish,
    tools: Tools,
    prepared: Prepared,
    bundle: Bundle,
    engine: LoadedEngine,
    progress: Progress,
    stage: str,
) -> Judgement:
    wanted = np.flatnonzero(prepared.held_out)
    painted = repaint(wish.videos, prepared, wanted, prepared.heard, bundle, engine)

    def told() -> Iterator[Repainted]:
        for done, one in enumerate(painted):
            progress(stage, done, len(wanted))
            yield one
        progress(stage, len(wanted), len(wanted))

    return judge(told(), prepared, prepared.mask, tools.finder)


def evaluation(
    name: str, judged: dict[Quality, Judgement], findings: Findings, own_speech: SpeechBundle | None = None
) -> dict[str, object]:
    """Figures as a manifest holds them, of schema lipstream.evaluation/1."""
    heard = own_speech.manifest.evaluation if own_speech is not None else None
    figures: list[dict[str, object]] = [
        {"name": f"{quality}.{figure}", "value": value, "meaning": "over held-out pictures, from their own sound"}
        for quality, one in judged.items()
        for figure, value in one.as_json().items()
    ]
    figures += [
        {"name": f"speech.{figure}", "value": value, "meaning": "lips heard against lips seen, over held-out pieces"}
        for figure, value in (heard or {}).items()
    ]
    return {
        "schema": SCHEMA,
        "avatar": name,
        "setting": {"measured_on": "the held-out end of the recordings"},
        "figures": figures,
        "recording": findings.as_json(),
        "not_measured": {},
    }
