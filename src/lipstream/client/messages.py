"""Speeches and answers in, messages of lipstream.v1 and what they mean out: what both clients share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

import grpc
import numpy as np

from lipstream.audio.read import decode
from lipstream.errors import (
    AccessError,
    AvatarError,
    AvatarNotFoundError,
    BusyError,
    InputError,
    LipstreamError,
    ServerError,
    UnknownCallerError,
)
from lipstream.types import SAMPLE_RATE_HZ, Float32, Image, Pcm
from lipstream.video.jpeg import decode_jpeg
from lipstream.wire.pb import lipstream_v1_pb2 as pb
from lipstream.wire.pcm import int16_bytes, read_samples
from lipstream.wire.recording import within_scale

FILM_RATE_HZ = 48_000
"""At which sound is sent that an MP4 is to hold."""
PUSHBACK_KEY = "grpc-retry-pushback-ms"
FORMATS = {"jpeg": pb.FORMAT_JPEG, "raw": pb.FORMAT_RAW, "mp4": pb.FORMAT_MP4}
ERRORS: dict[grpc.StatusCode, type[LipstreamError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InputError,
    grpc.StatusCode.NOT_FOUND: AvatarNotFoundError,
    grpc.StatusCode.UNAUTHENTICATED: UnknownCallerError,
    grpc.StatusCode.PERMISSION_DENIED: AccessError,
    grpc.StatusCode.FAILED_PRECONDITION: AvatarError,
}
"""What a status is raised as; anything else is a ServerError."""

HINTS = {
    "CERTIFICATE_VERIFY_FAILED": "Its certificate is signed by nobody whom this system trusts: give, as tls=, the "
    "fingerprint that `lipstream serve` printed, or the path of a PEM file.",
    "WRONG_VERSION_NUMBER": "It speaks no TLS there: leave out tls=, or name the port where it does.",
    "http1.x": "That is an HTTP port: name that of gRPC, 50051 unless told otherwise.",
    "parsing HTTP/2": "That is no port of gRPC: name one, 50051 unless told otherwise.",
    "Socket closed": "If it speaks TLS, say so: tls=True, or its fingerprint, or the path of a PEM file.",
    "Connection reset": "If it speaks TLS, say so: tls=True, or its fingerprint, or the path of a PEM file.",
}
"""What to do, by what gRPC says went wrong with a connection."""

SpeechLike = Pcm | str | Path
"""`[L]` float32 in -1..1, or the path of any file with sound."""
PictureFormat = Literal["jpeg", "raw"]


@dataclass(frozen=True, slots=True)
class SpokenFrame:
    """One finished frame of the person with the sound that belongs to it."""

    index: int
    """Frame number from 0 at 25 frames a second."""
    data: bytes
    """The picture as it was sent: a JPEG, or pixels in rows from the top, blue, green and red."""
    audio: Pcm
    """The frame's 640 samples, `[640]` float32 at 16 kHz, zero-padded at the end."""
    width: int
    """Of the picture, in pixels."""
    height: int
    """Of the picture, in pixels."""
    format: PictureFormat
    """Of `data`."""
    filler: bool = False
    """In a live speech: no sound had arrived in time, or none is being spoken; it carries silence, and none is lost."""

    @property
    def image(self) -> Image:
        """The picture, `HWC` uint8 BGR; a JPEG is decoded anew every time."""
        if self.format == "jpeg":
            return decode_jpeg(self.data)
        return np.frombuffer(self.data, np.uint8).reshape(self.height, self.width, 3)


class Wishes(TypedDict, total=False):
    """How a speech is wanted, in keywords; what is not told is left to the server."""

    sample_rate: int
    """Of an array, 8,000 to 192,000 Hz, 16,000 unless told; a file has its own."""
    gain: float
    """Factor of every mouth movement, 0 (closed) to 2; 1 unless told."""
    lookahead_ms: int
    """Sound after the start of a frame that its mouth may depend on, 172 to 452."""
    jpeg_quality: int
    """1 to 100."""
    first_clip_frame: int
    """Frame of the avatar's clip that frame 0 shows."""


def request_of(speech: SpeechLike, avatar: str, form: str, wishes: Wishes) -> pb.GenerateRequest:
    """The message that asks for a speech.

    Args:
        speech: what to say.
        avatar: who says it; empty for the server's default.
        form: `jpeg`, `raw` or `mp4`.
        wishes: how.

    Raises:
        InputError: a file that cannot be read or is no sound, or an array that is no speech or of another scale.
    """
    if form not in FORMATS:
        raise InputError(f"The format is {form!r}; expected {' or '.join(FORMATS)}.")
    array_rate_hz = wishes.get("sample_rate", SAMPLE_RATE_HZ)
    samples, rate_hz = _samples(speech, FILM_RATE_HZ if form == "mp4" else SAMPLE_RATE_HZ, array_rate_hz)
    return pb.GenerateRequest(header=header_of(avatar, form, rate_hz, wishes), audio=int16_bytes(samples))


def header_of(avatar: str, form: str, rate_hz: int, wishes: Wishes) -> pb.Header:
    """How a speech is wanted, as the server reads it.

    Args:
        avatar: who says it; empty for the server's default.
        form: `jpeg`, `raw` or `mp4`.
        rate_hz: of the samples that are sent, as int16.
        wishes: how.

    Raises:
        InputError: a wish that there is not, or a JPEG quality of 0 or less.
    """
    return pb.Header(
        avatar=avatar,
        audio_format=pb.AUDIO_FORMAT_INT16,
        sample_rate_hz=rate_hz,
        format=FORMATS[form],
        **_header_fields(wishes),
    )


def _header_fields(wishes: Wishes) -> dict[str, Any]:
    """What is wished of the header's fields, by their names, which are the same."""
    if unknown := wishes.keys() - Wishes.__annotations__.keys():
        raise InputError(f"There is no keyword {min(unknown)}; expected any of {', '.join(Wishes.__annotations__)}.")
    if wishes.get("jpeg_quality", 1) <= 0:  # in the message, 0 stands for the server's own
        raise InputError(f"jpeg_quality is {wishes['jpeg_quality']}; expected 1 to 100.")
    return {name: value for name, value in wishes.items() if name != "sample_rate"}


def frame_of(frame: pb.Frame, form: PictureFormat) -> SpokenFrame:
    """A frame as it came."""
    audio = read_samples(frame.audio, "int16")
    return SpokenFrame(frame.index, frame.image, audio, frame.width, frame.height, form, frame.filler)


@contextmanager
def told() -> Iterator[None]:
    """Raise what a call's end means."""
    try:
        yield
    except grpc.RpcError as error:
        raise error_of(error) from error


def error_of(error: grpc.RpcError) -> LipstreamError:
    """What a call's end means; `error` is also a `grpc.Call`, or of gRPC's asyncio."""
    call: Any = error
    code, message = call.code(), call.details() or call.code().name
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:  # a message that is too large will be so later too
        after_ms = dict(call.trailing_metadata() or ()).get(PUSHBACK_KEY)
        return InputError(message) if after_ms is None else BusyError(message, retry_after_ms=int(after_ms))
    if kind := ERRORS.get(code):
        return kind(message)
    hint = next((f" {hint}" for sign, hint in HINTS.items() if sign in message), "")
    return ServerError(f"The server did not answer ({code.name}): {message}{hint}")


def _samples(speech: SpeechLike, file_rate_hz: int, array_rate_hz: int) -> tuple[Float32, int]:
    if isinstance(speech, str | Path):
        return np.concatenate(list(decode(speech, sample_rate_hz=file_rate_hz))), file_rate_hz
    return checked(speech), array_rate_hz


def checked(speech: object) -> Float32:
    """The speech itself, `[L]` of floats in -1..1.

    Raises:
        InputError: it is something else, or of another scale.
    """
    if not isinstance(speech, np.ndarray) or speech.dtype.kind != "f" or speech.ndim != 1:
        raise InputError("The speech is no array [L] of floats in -1..1, nor the path of a file; give one of them.")
    return within_scale(speech, "The speech")
