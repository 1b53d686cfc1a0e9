"""`POST /v1/legacy/infer`: the batch call of the reference as JSON, to compare with the same over gRPC.

Numbers as text are five times as long and parsed by one thread that holds up all others: a second for a batch of 25.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, StrictInt, StrictStr, ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from lipstream.errors import InputError
from lipstream.serve.call import Call
from lipstream.serve.core import Core, Painted
from lipstream.serve.steps import done
from lipstream.serve.wires.asked import DEFAULT_AVATAR, Asked, answer_batch
from lipstream.types import Float32
from lipstream.wire.tensors import Floats

MAX_BATCH = 25
FAILED = {"output_frames": [], "inference_time_ms": 0.0, "success": False}
"""What an error of this route says besides its sentence."""
DECIMALS = 8  # of numbers from 0 to 1: beyond float32 where a pixel is bright, and 5e-9 off where it is dark
_AT_A_TIME = 10_240  # numbers written as text, 2 ms: other threads run between


class LegacyRequest(BaseModel):
    """The body."""

    model_config = ConfigDict(frozen=True)

    batch_size: StrictInt
    """Frames, 1 to 25."""
    model_id: StrictStr = DEFAULT_AVATAR
    """Who speaks."""
    visual_frames: Any = ()
    """`[b, 6, 320, 320]` or `[1, 6, 320, 320]` numbers, nested or flat; empty for the avatar's own pictures."""
    audio_features: Any = ()
    """`[b, 32, 16, 16]` or one of them for all frames, nested or flat; empty for a mouth at rest."""
    start_frame_idx: StrictInt = 0
    """Number of the first picture in the driving clip."""


@dataclass(frozen=True, eq=False)
class LegacyInfer:
    """Answers the route."""

    core: Core
    """Paints."""
    workers: Executor
    """Where JSON is read and written, and mouths are painted."""

    async def __call__(self, request: Request, call: Call) -> Response:
        """Answer with the mouths of a batch."""
        request.state.exchange.error_fields = FAILED
        body = bytearray()
        async for part in request.stream():
            body += part
        return await done(self.workers, partial(self._infer, body, call))

    def _infer(self, body: bytearray, call: Call) -> Response:
        asked = read_request(body)
        body.clear()
        answered = answer_batch(self.core, asked, call, _numbers, max_batch=MAX_BATCH, mouths_only=True)
        fields = to_json({"success": True, "error": "", "inference_time_ms": answered.inference_ms})
        content = b"".join([fields[:-1], b',"output_frames":[', b",".join(answered.pictures), b"]}"])
        return Response(content, media_type="application/json")


def read_request(body: bytes | bytearray) -> Asked:
    """Read a body.

    Raises:
        InputError: it is no JSON, a field is of another type, or holds something else than numbers.
    """
    try:
        request = LegacyRequest.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"])) or "The body"
        raise InputError(f"{place}: {fault['msg']}; expected JSON as /docs describes.") from error
    return Asked(
        request.model_id,
        request.batch_size,
        visual_frames=_floats(request.visual_frames, "visual_frames"),
        audio_features=_floats(request.audio_features, "audio_features"),
        start_frame_idx=request.start_frame_idx,
    )


def _floats(value: object, name: str) -> Floats:
    try:
        numbers = np.asarray(value, np.float32).ravel()
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{name} is no array of numbers; expected them flat, or nested all to one depth.") from error
    return cast("Sequence[float]", numbers)


def _numbers(painted: Painted) -> bytes:
    """A mouth, `[3, 320, 320]` in 0..1, as JSON's numbers with commas between."""
    return b",".join(_texts(cast("Float32", painted.patch)))  # there always is one, as mouths are all that is asked


def _texts(patch: Float32) -> Iterator[bytes]:
    numbers = np.round(patch.ravel().astype(np.float64), DECIMALS)
    for start in range(0, len(numbers), _AT_A_TIME):
        yield to_json(numbers[start : start + _AT_A_TIME].tolist())[1:-1]
