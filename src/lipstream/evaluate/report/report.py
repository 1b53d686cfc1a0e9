"""An evaluation and its avatar in, a folder with the report out: a page, a film, and the figures as JSON."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lipstream.errors import OutputError, OutputExistsError
from lipstream.evaluate.faces import Progress, Subject
from lipstream.evaluate.figures import Evaluation
from lipstream.evaluate.report.page import Pictures, page
from lipstream.evaluate.report.sheet import Album
from lipstream.evaluate.report.side_by_side import Shot, sentences_of, shots, write_film
from lipstream.evaluate.speed.machine import machine, versions
from lipstream.evaluate.truth import ARRAYS
from lipstream.video.staging import writing_to

PAGE, FILM, FIGURES = "index.html", "side_by_side.mp4", "evaluation.json"
FILES = (FILM, FIGURES, PAGE)  # in the order in which they get their names


def check_report(folder: Path, *, overwrite: bool) -> None:
    """Check, before any work, that a report can go into a folder.

    Raises:
        OutputExistsError: something lies in the folder and `overwrite` is false.
        OutputError: it is a file, or the folder that it shall be made in is missing.
    """
    with writing_to(folder):
        if folder.is_dir():
            if not overwrite and any(folder.iterdir()):
                raise OutputExistsError(
                    f"{folder} is not empty; choose another folder or allow it with overwrite=True."
                )
        elif os.path.lexists(folder):
            raise OutputError(f"{folder} is a file; give the name of a folder for the report.")
        elif not folder.absolute().parent.is_dir():
            raise OutputError(f"Cannot make {folder}: its folder does not exist; create it first.")


def write_report(  # noqa: PLR0913  the last is by name only
    folder: Path, evaluation: Evaluation, subject: Subject, truth: Path | None, progress: Progress, *, overwrite: bool
) -> None:
    """Write `index.html`, `side_by_side.mp4` and `evaluation.json` into a folder; on a failure nothing is left.

    The sentences of the film are painted for it once more.

    Args:
        folder: where to; made if it is missing. Other files in it are left alone.
        evaluation: the figures of the avatar.
        subject: the avatar.
        truth: folder of rendered truth; None: the avatar's own, if it holds one.
        progress: told of every frame of the film.
        overwrite: whether a folder that is not empty may be written into.

    Raises:
        OutputExistsError, OutputError: the folder cannot be written.
        AvatarError, InputError, MediaError: the truth is damaged.
    """
    check_report(folder, overwrite=overwrite)
    with _staged(folder) as staging:
        pictures = _picture(staging, subject, truth or subject.bundle.folder, progress)
        with writing_to(folder):
            figures = json.dumps(evaluation.as_json(), indent=2) + "\n"
            (staging / FIGURES).write_text(figures, encoding="utf-8")
            measured_on = {**machine(), **versions()}
            (staging / PAGE).write_text(page(evaluation, measured_on, pictures), encoding="utf-8")


def _picture(staging: Path, subject: Subject, folder: Path, progress: Progress) -> Pictures:
    """Paint the sentences once, into the film and the sheets."""
    truth = folder if (folder / ARRAYS).is_file() else None
    sentences = sentences_of(subject, truth)
    if not sentences:
        return Pictures(None, has_truth=False, sheets=())
    album = Album(subject, sentences)

    def noted() -> Iterator[Shot]:
        for shot in shots(subject, sentences, truth, progress):
            album.note(shot)
            yield shot

    write_film(staging / FILM, sentences, noted())
    return Pictures(FILM, has_truth=sentences[0].clip.rendered, sheets=album.sheets())


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """Lend a folder whose files move into `folder` on a clean exit; on any other they are gone."""
    with writing_to(folder):
        made = not folder.exists()
        folder.mkdir(exist_ok=True)
    staging = folder / f".lipstream.{secrets.token_hex(4)}.part"
    try:
        with writing_to(folder):
            staging.mkdir()
        yield staging
        with writing_to(folder):
            _publish(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if made and not any(folder.iterdir()):
            folder.rmdir()


def _publish(staging: Path, folder: Path) -> None:
    """Move the files to their places, where those of an earlier report go; interrupted, new names are taken back."""
    new = [name for name in FILES if not (folder / name).exists()]
    try:
        for name in FILES:
            if (staging / name).exists():
                (staging / name).replace(folder / name)
            else:  # this report has none, so that of an earlier one would mislead
                (folder / name).unlink(missing_ok=True)
    except BaseException:
        for name in new:
            (folder / name).unlink(missing_ok=True)
        raise
