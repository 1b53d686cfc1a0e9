"""A request's body in, the sound that it holds as a file out, and that file's speech."""

import shutil
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, Future
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from starlette.datastructures import UploadFile
from starlette.requests import Request

from lipstream.audio.read import decode
from lipstream.errors import InputError
from lipstream.serve.steps import done
from lipstream.types import SAMPLE_RATE_HZ, Float32, Pcm

FIELD = "audio"
_WRITTEN_BYTES = 2**20
"""A disk may be slow: a worker writes, so much at a time."""


def media_type_of(request: Request) -> str:
    """What a request says its body is, in lower case; empty if it says nothing."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def save_sound(request: Request, folder: Path, workers: Executor) -> Path:
    """Write the sound of a request into a file of a folder that holds nothing else.

    Args:
        request: raw sound of any container, or `multipart/form-data` with a file in its field `audio`.
        folder: where to write.
        workers: where files are copied.

    Raises:
        InputError: there is no sound in it, or something besides.
    """
    path = folder / "sound"
    if media_type_of(request) == "multipart/form-data":
        await _save_field(request, path, workers)
    else:
        await _save_body(request, path, workers)
    return path


async def _save_body(request: Request, path: Path, workers: Executor) -> None:
    with await done(workers, lambda: path.open("wb")) as file:
        waiting = bytearray()
        async for part in request.stream():
            waiting += part
            if len(waiting) >= _WRITTEN_BYTES:
                await done(workers, partial(file.write, bytes(waiting)))
                waiting.clear()
        await done(workers, partial(file.write, waiting))


async def _save_field(request: Request, path: Path, workers: Executor) -> None:
    if "boundary=" not in request.headers["content-type"].lower():
        raise InputError(
            "The form's content-type names no boundary; leave that header to what makes the form: "
            f"curl -F {FIELD}=@speech.wav URL"
        )
    async with request.form(max_files=1, max_fields=8) as form:
        upload = form.get(FIELD)
        if not isinstance(upload, UploadFile):
            raise InputError(f"The form has no file in a field {FIELD!r}; send one: curl -F {FIELD}=@speech.wav URL")
        if others := form.keys() - {FIELD}:
            raise InputError(
                f"The form has a field {min(others)[:40]!r} besides {FIELD!r}; say how it is to be spoken in the URL's "
                "parameters: /v1/generate?avatar=NAME"
            )
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
    for block in unnamed(path, decode(path)):
        if gone.done():
            raise CancelledError
        samples += len(block)
        if samples > max_audio_s * SAMPLE_RATE_HZ:
            raise InputError(
                f"The sound is too long; expected at most {max_audio_s:g} s (server.max_audio_s): send it in parts."
            )
        blocks.append(block)
    return np.concatenate(blocks)


def unnamed(path: Path, blocks: Iterator[Float32]) -> Iterator[Float32]:
    """Blocks that are decoded of a file, which no error names: where it lies is nobody's business.

    Raises:
        InputError: whatever decoding raises.
    """
    try:
        yield from blocks
    except InputError as error:
        raise type(error)(str(error).replace(str(path), "The sound sent")) from error
