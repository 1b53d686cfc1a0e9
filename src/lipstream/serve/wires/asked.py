"""The fields that the reference's composite calls share in, what is to be said out; and errors as those calls say them.

All of them answer a request that cannot be served with `success` false and a sentence in `error`, and gRPC's own status
stays OK; only a server that is full says RESOURCE_EXHAUSTED, so that clients know to come back.
"""

import functools
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lipstream.errors import BusyError, InputError, LipstreamError
from lipstream.serve.core import Painted, Speech
from lipstream.serve.rpc import Call
from lipstream.types import Contexts, Image, Visual
from lipstream.video.jpeg import encode_jpeg
from lipstream.wire.recording import Recording, read_recording
from lipstream.wire.tensors import Floats, audio_features, visual_frames

MAX_BATCH = 32
FULL_FRAME = "frame"
OUTPUT_KEY = "lipstream-output"

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, eq=False)
class Asked:
    """What every composite call asks, by the names of its fields."""

    model_id: str
    batch_size: int
    visual_frames: Floats = b""
    audio_features: Floats = b""
    raw_audio: bytes = b""
    start_frame_idx: int = 0
    sample_rate: int = 0


def speech_of(asked: Asked, call: Call, *, max_batch: int = MAX_BATCH) -> Speech:
    """Check a composite call and say what it asks.

    Args:
        asked: its fields; `raw_audio` counts before `audio_features`, without either the mouth rests.
        call: whose it is.
        max_batch: the contract's limit.

    Raises:
        InputError: a field that cannot be used.
    """
    if not asked.model_id:
        raise InputError("model_id is required")
    if not 1 <= asked.batch_size <= max_batch:
        raise InputError(f"batch_size must be 1-{max_batch}, got {asked.batch_size}")
    if asked.start_frame_idx < 0:
        raise InputError(f"start_frame_idx must be 0 or more, got {asked.start_frame_idx}")
    visual = visual_frames(asked.visual_frames, batch=asked.batch_size)
    return Speech(
        asked.model_id,
        asked.batch_size,
        asked.start_frame_idx,
        _sound(asked),
        None if visual is None else driving_crops(visual),
        call.client,
    )


def _sound(asked: Asked) -> Recording | Contexts | None:
    if asked.raw_audio:
        return read_recording(
            asked.raw_audio,
            frames=asked.batch_size,
            start_frame=asked.start_frame_idx,
            sample_rate_hz=asked.sample_rate,
        )
    return audio_features(asked.audio_features, batch=asked.batch_size)


def driving_crops(visual: Visual) -> list[Image]:
    """The masked half of `visual_frames`, `[b, 6, 320, 320]` in 0..1, as crops `[320, 320, 3]` uint8 BGR."""
    return [np.rint(frame[3:] * 255).astype(np.uint8).transpose(1, 2, 0).copy() for frame in visual]


def encoded(painted: Painted, quality: int) -> bytes:
    """The whole picture as a JPEG."""
    return encode_jpeg(painted.image, quality=quality)


def in_band(response: Callable[..., _Answer]) -> Callable[[Callable[..., _Answer]], Callable[..., _Answer]]:
    """Say what went wrong in the answer's own fields.

    Args:
        response: the answer's message, with fields `success` and `error`.
    """

    def decorate(method: Callable[..., _Answer]) -> Callable[..., _Answer]:
        @functools.wraps(method)
        def answered(self: object, request: Any, call: Call) -> _Answer:  # noqa: ANN401  any message of the contract
            try:
                return method(self, request, call)
            except (BusyError, CancelledError):
                raise
            except LipstreamError as error:
                return response(success=False, error=str(error))

        return answered

    return decorate
