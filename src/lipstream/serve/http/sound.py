"""A request's body in, the sound that it holds as a file out, and that file's speech."""

import shutil
from concurrent.futures import CancelledError, Executor, Future
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from starlette.datastructures import UploadFile
from starlette.requests import Request

from lipstream.audio.read import decode
from lipstream.errors import InputError, MediaError
from lipstream.serve.http.work import done
from lipstream.types import SAMPLE_RATE_HZ, Pcm

FIELD = "audio"


async def save_sound(request: Request, folder: Path, workers: Executor) -> Path:
    """Write the sound of a request into a file of a folder that holds nothing else.

    Args:
        request: raw sound of any container, or `multipart/form-data` with a file in its field `audio`.
        folder: where to write.
        workers: where files are copied.

    Raises:
        InputError: there is no sound in it.
    """
    path = folder / "sound"
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data":
        await _save_field(request, path, workers)
    else:
        with path.open("wb") as file:
            async for part in request.stream():
                file.write(part)
    return path


async def _save_field(request: Request, path: Path, workers: Executor) -> None:
    async with request.form(max_files=1, max_fields=8) as form:
        upload = form.get(FIELD)
        if not isinstance(upload, UploadFile):
            raise InputError(f"The form has no file in a field {FIELD!r}; send one: curl -F {FIELD}=@speech.wav URL")
        await done(workers, partial(_copy, upload.file, path))


def _copy(source: BinaryIO, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(source, file)


def read_speech(path: Path, max_audio_s: float, gone: "Future[None]") -> Pcm:
    """Decode a file, unless it is too long.

    Args:
        path: the file.
        max_audio_s: the longest that is decoded.
        gone: done when nobody wants it any more.

    Returns:
        `[L]` float32 in -1..1 at 16 kHz.

    Raises:
        InputError: it is longer. MediaError: it is no sound.
        CancelledError: nobody wants it any more.
    """
    blocks, samples = [], 0
    try:
        for block in decode(path):
            if gone.done():
                raise CancelledError
            samples += len(block)
            if samples > max_audio_s * SAMPLE_RATE_HZ:
                raise InputError(
                    f"The sound is too long; expected at most {max_audio_s:g} s (server.max_audio_s): send it in parts."
                )
            blocks.append(block)
    except MediaError as error:  # which names the file, and that is nobody's business
        raise MediaError(str(error).replace(str(path), "The sound sent")) from error
    return np.concatenate(blocks)
