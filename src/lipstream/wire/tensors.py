"""Float32 fields of a message in, checked arrays for the networks out; and such arrays back into bytes of a message."""

from collections.abc import Sequence

import numpy as np

from lipstream.errors import InputError
from lipstream.types import CONTEXT_ROWS, CROP_SIZE, FEATURE_SIZE, Contexts, Float32, Patches, Visual

FRAME_FLOATS = 6 * CROP_SIZE * CROP_SIZE  # 614,400
"""Numbers of one frame of `visual_frames`, 2,457,600 bytes."""
CONTEXT_FLOATS = CONTEXT_ROWS * FEATURE_SIZE  # 8,192
"""Numbers of one window of `audio_features`, 32,768 bytes."""

Floats = bytes | Sequence[float]
"""A field of float32: `bytes`, little-endian, or `repeated float`."""


def visual_frames(field: Floats, *, batch: int) -> Visual | None:
    """Read the field `visual_frames`.

    Args:
        field: `batch` frames, or one frame for all of them, each `[6, 320, 320]`: the reference crop, then the masked
            crop, BGR in 0..1.
        batch: frames of the call, at least 1.

    Returns:
        `[batch, 6, 320, 320]` float32, clipped to 0..1, read-only; None if the field is empty.

    Raises:
        InputError: another number of values, or NaN among them.
    """
    values = _frames_of(field, "visual_frames", FRAME_FLOATS, batch)
    if values is None:
        return None
    frames = np.clip(values, 0.0, 1.0).reshape(-1, 6, CROP_SIZE, CROP_SIZE)
    if np.isnan(frames).any():
        raise InputError("visual_frames holds NaN; expected numbers from 0 to 1: divide 8-bit pixels by 255.")
    return np.broadcast_to(frames, (batch, *frames.shape[1:]))


def audio_features(field: Floats, *, batch: int) -> Contexts | None:
    """Read the field `audio_features`.

    Args:
        field: `batch` windows of 16 feature rows, or one for all frames as older clients send it.
        batch: frames of the call, at least 1.

    Returns:
        `[batch, 32, 16, 16]` float32, read-only; None if the field is empty.

    Raises:
        InputError: another number of values, or NaN or infinity among them.
    """
    values = _frames_of(field, "audio_features", CONTEXT_FLOATS, batch)
    if values is None:
        return None
    if not np.isfinite(values).all():
        raise InputError("audio_features holds NaN or infinity; expected the numbers of a speech encoder: check it.")
    return np.broadcast_to(values.reshape(-1, 32, 16, 16), (batch, 32, 16, 16))


def mouth_region(patch: Float32) -> bytes:
    """The bytes of a RawMouthRegion: `[3, 320, 320]` float32 BGR in 0..1 as 1,228,800 bytes, little-endian."""
    return np.asarray(patch, "<f4").tobytes()


def packed_floats(number: int, values: Patches | Float32) -> bytes:
    """A `repeated float` field as it is on the wire, for `message.MergeFromString`.

    Extending the field itself makes an object of every number: 0.14 s a million, against 0.3 ms.

    Args:
        number: the field's number, at least 1.
        values: float32 of any shape, written in C order.
    """
    data = np.asarray(values, "<f4").tobytes()
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def read_floats(field: Floats, name: str) -> Float32:
    """The numbers of a field, `[n]` float32, read-only where it is bytes; `name` is its name in the message.

    Raises:
        InputError: bytes that are no whole number of float32.
    """
    if not isinstance(field, bytes):
        return np.asarray(field, np.float32)  # a copy, made by protobuf at once: 1 ms for two frames
    if len(field) % 4:
        raise InputError(
            f"{name} has {len(field):,} bytes; expected a multiple of 4 (float32, little-endian): send whole numbers."
        )
    return np.frombuffer(field, "<f4").astype(np.float32, copy=False)


def _frames_of(field: Floats, name: str, floats_each: int, batch: int) -> Float32 | None:
    """The numbers of a field that has one set of them for every frame or for all; None if it is empty."""
    values = read_floats(field, name)
    if len(values) == 0:
        return None
    if len(values) not in (floats_each, batch * floats_each):
        raise InputError(
            f"{name} has {_amount(field, len(values))}; expected {_amount(field, batch * floats_each)} for a batch of "
            f"{batch}, or {_amount(field, floats_each)} that serve all its frames: send one of the two."
        )
    return values


def _amount(field: Floats, floats: int) -> str:
    return f"{floats * 4:,} bytes" if isinstance(field, bytes) else f"{floats:,} numbers"


def _varint(value: int) -> bytes:
    """Base 128, the lowest seven bits first, the eighth set on all bytes but the last."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
