"""The fields that the reference's calls share in, the pictures they ask for out; and errors as those calls say them.

All of them answer a request that cannot be served with `success` false and a sentence in `error`, and gRPC's own status
stays OK; only a server that is full says RESOURCE_EXHAUSTED, so that clients know to come back.
"""

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from lipstream.errors import BusyError, InputError, LipstreamError
from lipstream.serve.call import Call
from lipstream.serve.core import Painted, Speech, Spent
from lipstream.types import Contexts
from lipstream.video.jpeg import encode_jpeg
from lipstream.wire.recording import Recording, read_recording
from lipstream.wire.tensors import Floats, audio_features, visual_frames

MAX_BATCH = 32
FULL_FRAME = "frame"
OUTPUT_KEY = "lipstream-output"
DEFAULT_AVATAR = "default_model"
"""Who speaks where a contract has no field for it."""

_Answer = TypeVar("_Answer")


class Speaker(Protocol):
    """Paints what a request asks for: `Core` here, or `Remote` by the networks of another process."""

    @property
    def now_ms(self) -> Callable[[], float]:
        """A monotonic clock."""
        ...

    def speak(self, speech: Speech, gone: "Future[None]", spent: Spent | None = None) -> Iterator[Painted]:
        """Paint every picture of a request, in order; see `Core.speak`."""
        ...


@dataclass(frozen=True, eq=False)
class Asked:
    """What the batch calls ask, by the names of their fields."""

    model_id: str
    """Name of the avatar."""
    batch_size: int
    """Frames, 1 or more."""
    visual_frames: Floats = b""
    """`[batch_size, 6, 320, 320]` float32 BGR in 0..1; see `wire.tensors`."""
    audio_features: Floats = b""
    """`[batch_size, 8192]` float32; see `wire.tensors`."""
    raw_audio: bytes = b""
    """`[L]` float32 in -1..1, little-endian; see `wire.recording`."""
    start_frame_idx: int = 0
    """Number of the first frame, 0 or more."""
    sample_rate: int = 0
    """Of `raw_audio` in Hz; 0 means 16,000."""

    @classmethod
    def of(cls, request: Any, start_frame_idx: int) -> "Asked":  # noqa: ANN401  three messages with the same fields
        """Read a request that carries features and recordings as bytes."""
        return cls(
            request.model_id,
            request.batch_size,
            request.visual_frames,
            request.audio_features,
            request.raw_audio,
            start_frame_idx,
            request.sample_rate,
        )


@dataclass(eq=False)
class BatchAnswer:
    """The pictures of a batch call, and the times that its answer tells, in ms."""

    spent: Spent
    pictures: list[bytes] = field(default_factory=list)
    total_ms: float = 0.0

    @property
    def inference_ms(self) -> float:
        """Making the generator's input, and waiting for it."""
        return self.spent.visual_ms + self.spent.paint_ms

    @property
    def composite_ms(self) -> float:
        """Blending and compressing."""
        return self.spent.blend_ms + self.spent.encode_ms

    def composite(self, gpu: int) -> dict[str, Any]:
        """The fields of a CompositeBatchResponse of monolithic and of compositing, which are the same.

        Args:
            gpu: number of the GPU that painted, -1 for none.
        """
        return {
            "composited_frames": self.pictures,
            "inference_time_ms": self.inference_ms,
            "composite_time_ms": self.composite_ms,
            "total_time_ms": self.total_ms,
            "audio_processing_ms": self.spent.audio_ms,
            "model_loaded": True,
            "model_load_time_ms": self.spent.load_ms,
            "success": True,
            "gpu_id": gpu,
        }


def answer_batch(  # noqa: PLR0913  the two last are optional, and by name only
    speaker: Speaker,
    asked: Asked,
    call: Call,
    encode: Callable[[Painted], bytes],
    *,
    max_batch: int = MAX_BATCH,
    mouths_only: bool = False,
) -> BatchAnswer:
    """Paint what a batch call asks for.

    Args:
        speaker: who paints.
        asked: its fields.
        call: whose it is.
        encode: how a picture is sent.
        max_batch: the contract's limit.
        mouths_only: whether mouths are wanted in place of frames.

    Raises:
        InputError: a field that cannot be used.
        LipstreamError: whatever `Core.speak` raises.
    """
    answered, start_ms = BatchAnswer(call.spent), speaker.now_ms()
    speech = speech_of(asked, call, max_batch=max_batch, mouths_only=mouths_only)
    for painted in speaker.speak(speech, call.gone, answered.spent):
        before_ms = speaker.now_ms()
        answered.pictures.append(encode(painted))
        call.spent.encode_ms += speaker.now_ms() - before_ms
    answered.total_ms = speaker.now_ms() - start_ms
    return answered


def speech_of(asked: Asked, call: Call, *, max_batch: int = MAX_BATCH, mouths_only: bool = False) -> Speech:
    """Check a batch call and say what it asks.

    Args:
        asked: its fields; `raw_audio` counts before `audio_features`, without either see `Speech.sound`.
        call: whose it is.
        max_batch: the contract's limit.
        mouths_only: whether mouths are wanted in place of frames.

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
        sound=_sound(asked),
        visual=visual,
        client=call.client,
        mouths_only=mouths_only,
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


@dataclass(frozen=True, slots=True)
class WholeFrames:
    """How whole frames are sent where the contract leaves it open."""

    jpeg_quality: int = 75
    """Of JPEGs, 1 to 100."""
    raw: bool = False
    """Whether they are sent as they are, `HWC` uint8 BGR, in place of JPEG."""

    def encode(self, painted: Painted) -> bytes:
        """A picture's bytes."""
        return (
            painted.image.tobytes()
            if self.raw
            else encode_jpeg(painted.image, quality=self.jpeg_quality, avatar=painted.avatar)
        )


JPEGS = WholeFrames()


def attempt(work: Callable[[], _Answer], failed: Callable[[str], _Answer]) -> _Answer:
    """Do some work, and answer with a sentence when it fails in a way that the caller should know.

    Args:
        work: makes the answer.
        failed: makes the answer that says why there is none.

    Raises:
        BusyError: the server is full. CancelledError: nobody waits any more.
    """
    try:
        return work()
    except (BusyError, CancelledError):
        raise
    except LipstreamError as error:
        return failed(str(error))


def in_band(response: Callable[..., _Answer]) -> Callable[[Callable[..., _Answer]], Callable[..., _Answer]]:
    """Say what went wrong in the answer's own fields.

    Args:
        response: the answer's message, with fields `success` and `error`.
    """

    def decorate(method: Callable[..., _Answer]) -> Callable[..., _Answer]:
        @functools.wraps(method)
        def answered(self: object, request: Any, call: Call) -> _Answer:  # noqa: ANN401  any message of the contract
            return attempt(lambda: method(self, request, call), lambda error: response(success=False, error=error))

        return answered

    return decorate
