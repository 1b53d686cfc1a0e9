"""Messages of `lipstream.v1` in, their text or bytes out, and back; no sockets."""

import struct
from functools import cache
from typing import Annotated, Any

from pydantic import Discriminator, TypeAdapter, ValidationError

from lipstream.errors import InputError
from lipstream.types import OPUS_RATE_HZ
from lipstream.wire.live_messages import Down, FrameMessage, Sound, Start, TextDown, TextUp, Up

SUBPROTOCOL = "lipstream.v1"
MOST_TEXT_BYTES = 16_384
MOST_BINARY_BYTES = 2**20
SOUND, FRAME = 1, 2
FILLER, KEY, REPEATED = 1, 2, 4
_SOUND = struct.Struct("<B3s")  # type, zeros
_FRAME = struct.Struct("<BBHIQHHHH")  # type, flags, bytes of sound, index, position, samples, width, height, 0
_SHOWN_CHARACTERS = 60


def encode(message: Up | Down) -> str | bytes:
    """A message as it travels: text, or bytes."""
    match message:
        case Sound():
            return _SOUND.pack(SOUND, b"") + message.data
        case FrameMessage():
            flags = FILLER * message.filler | KEY * message.key | REPEATED * message.repeated
            header = _FRAME.pack(
                FRAME,
                flags,
                len(message.sound),
                message.index,
                message.position_samples,
                message.samples,
                message.width,
                message.height,
                0,
            )
            return b"".join((header, message.sound, message.picture))
        case _:
            return _texts().dump_json(message).decode()


def read_up(message: str | bytes) -> Up:
    """Read what a client sent.

    Raises:
        InputError: it is none of its messages, or too large for one.
    """
    if isinstance(message, bytes):
        return _read_sound(message)
    _check_size(len(message.encode()), MOST_TEXT_BYTES, "text")
    try:
        read: TextUp = _texts_up().validate_json(message)
    except ValidationError as error:
        raise InputError(f"A message is refused: {_complaint(error)}; docs/protocol.md has them all.") from error
    if isinstance(read, Start) and read.coding == "opus" and read.rate_hz != OPUS_RATE_HZ:
        raise InputError(f"sample_rate_hz is {read.rate_hz} for Opus; expected {OPUS_RATE_HZ}, or none at all.")
    return read


def read_down(message: str | bytes) -> Down | None:
    """Read what a server sent; None if it is of a type that this version does not know.

    Raises:
        InputError: it is broken.
    """
    if isinstance(message, bytes):
        return _read_frame(message)
    try:
        read: TextDown = _texts_down().validate_json(message)
    except ValidationError as error:
        if error.errors()[0]["type"] == "union_tag_invalid":
            return None
        raise InputError(
            f"The server sent what makes no sense: {_complaint(error)}; ask a lipstream server."
        ) from error
    return read


def _read_sound(message: bytes) -> Sound:
    _check_size(len(message), MOST_BINARY_BYTES, "bytes")
    header, data = message[: _SOUND.size], message[_SOUND.size :]
    if header != _SOUND.pack(SOUND, b""):
        got = header.hex(" ") or "nothing"
        raise InputError(f"A binary message begins with {got}; expected 01 00 00 00 and sound.")
    return Sound(data)


def _read_frame(message: bytes) -> FrameMessage | None:
    if message[:1] != bytes([FRAME]):
        if message:
            return None
        raise InputError("The server sent an empty message; expected a frame: ask a lipstream server.")
    if len(message) < _FRAME.size:
        raise InputError(f"A frame has {len(message)} bytes; expected {_FRAME.size} or more: it was cut off.")
    _, flags, sound_bytes, index, position, samples, width, height, _ = _FRAME.unpack_from(message)
    picture_at = _FRAME.size + sound_bytes
    if len(message) < picture_at:
        raise InputError(f"A frame has {len(message)} bytes; expected {picture_at} or more: it was cut off.")
    return FrameMessage(
        index=index,
        position_samples=position,
        samples=samples,
        width=width,
        height=height,
        filler=bool(flags & FILLER),
        key=bool(flags & KEY),
        repeated=bool(flags & REPEATED),
        sound=message[_FRAME.size : picture_at],
        picture=message[picture_at:],
    )


def _check_size(size_bytes: int, most_bytes: int, kind: str) -> None:
    if size_bytes > most_bytes:
        raise InputError(f"A message of {kind} holds {size_bytes:,} bytes; expected at most {most_bytes:,}: send less.")


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"][1:])) or "it"
    if first["type"] == "missing":
        return f"{where} is missing"
    return f"{where} is {repr(first['input'])[:_SHOWN_CHARACTERS]} ({first['msg']})"


@cache
def _texts_up() -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[TextUp, Discriminator("type")])


@cache
def _texts_down() -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[TextDown, Discriminator("type")])


@cache
def _texts() -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[TextUp | TextDown, Discriminator("type")])
