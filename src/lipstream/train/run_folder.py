"""What is to be trained in, the folder of the run out: whose training it holds, and whether it may go on."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lipstream.errors import InputError, OutputExistsError
from lipstream.video.staging import staged, writing_to

REQUEST = "request.json"
ADAPTS = "adapt_speech"


def request_of(videos: Sequence[Path], seed: int) -> dict[str, object]:
    """What makes a training this one and no other: the recordings' contents and the seed.

    Raises:
        InputError: a video cannot be read.
    """
    return {"videos": [{"name": path.name, "sha256": _sha256(path)} for path in videos], "seed": seed}


def open_run(folder: Path, request: Mapping[str, object], *, resume: bool, adapt_speech: bool = False) -> None:
    """Make a run's folder, or check that the one there is of the same request.

    Args:
        folder: of the run.
        request: from `request_of`.
        resume: whether a run that is there may go on.
        adapt_speech: kept for `adapts`; a run that goes on may change it.

    Raises:
        OutputExistsError: there is one, and `resume` is false.
        InputError: there is one of other videos or of another seed.
        OutputError: the folder cannot be made.
    """
    begun = _known(folder)
    if begun and not resume:
        raise OutputExistsError(f"{folder} holds a training that was begun; go on with --resume, or remove the folder.")
    if begun and not is_of(folder, request):
        raise InputError(f"{folder} holds the training of other videos or another seed; remove it or name another.")
    kept = {**request, ADAPTS: adapt_speech}
    if begun != kept:
        with writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with staged(folder / REQUEST, overwrite=True) as part:
                part.write_text(json.dumps(kept, indent=2) + "\n")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a run's folder, made when missing, against every other process.

    Raises:
        InputError: another process trains in it.
        OutputError: it cannot be made.
    """
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)  # which also lets go of the lock


def forget(folder: Path) -> None:
    """Remove a run, unless another process trains in it.

    Raises:
        InputError: one does.
    """
    if folder.is_dir():
        with alone(folder):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def forgotten_if_refused(folder: Path) -> Iterator[None]:
    """Remove a run in which nothing was kept yet if its recordings are refused: its name is free for better ones."""
    try:
        yield
    except InputError:
        if [*folder.iterdir()] == [folder / REQUEST]:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def is_of(folder: Path, request: Mapping[str, object]) -> bool:
    """Whether a folder holds the run of a request."""
    begun = _known(folder)
    begun.pop(ADAPTS, None)
    return begun == request


def adapts(folder: Path) -> bool:
    """Whether a folder holds a run in which the speech networks learn too."""
    return bool(_known(folder).get(ADAPTS))


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(f"Another process trains in {folder}; wait for its end, or give another name.") from error


def _known(folder: Path) -> dict[str, object]:
    """What is written of the run in a folder; nothing where there is none."""
    path = folder / REQUEST
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); expected a video file; check the path and its permissions."
        ) from error
