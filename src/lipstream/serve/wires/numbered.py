"""Frame numbers and sound in, the face of each finished frame out: what calls that ask for frames by number share."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lipstream.errors import InputError
from lipstream.render.crop import patch_of
from lipstream.serve.call import Call
from lipstream.serve.core import Core, Painted, Speech, Spent
from lipstream.serve.wires.asked import FULL_FRAME, OUTPUT_KEY
from lipstream.types import SAMPLE_RATE_HZ
from lipstream.video.jpeg import encode_jpeg
from lipstream.wire.recording import Recording, read_recording
from lipstream.wire.wav import is_wav, read_wav

MAX_FRAMES = 500
PATCH = "patch"
PATCH_QUALITY = 95
"""Of the JPEG of a patch, which is scaled before it is seen."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """One picture as these calls send it, and the time it took."""

    frame_id: int
    """The number that was asked for."""
    data: bytes
    """JPEG: 320 x 320 pixels of the finished frame to be drawn over `bounds`, or the whole frame."""
    bounds: tuple[float, ...]
    """Left, top, right, bottom of the face in pixels of the frame."""
    shape: str
    """Height, width and channels of the picture in `data`, as `320x320x3`."""
    prepare_ms: float
    """Loading, sound and driving picture."""
    inference_ms: float
    """Waiting for the generator."""
    composite_ms: float
    """Blending, cutting and compressing."""

    @property
    def total_ms(self) -> float:
        """All of it."""
        return self.prepare_ms + self.inference_ms + self.composite_ms


def predictions(core: Core, speech: Speech, call: Call, jpeg_quality: int) -> Iterator[Prediction]:
    """Paint pictures by number.

    Args:
        core: paints.
        speech: from `speech_by_number`, or with numbers that follow one another.
        call: its metadata `lipstream-output` chooses between `patch`, which is the default, and `frame`.
        jpeg_quality: of whole frames, 1 to 100.

    Yields:
        The pictures in order; the time of those that are painted together is told of the first.

    Raises:
        InputError: another output. LipstreamError: whatever `Core.speak` raises.
    """
    output = call.metadata.get(OUTPUT_KEY, PATCH)
    if output not in (PATCH, FULL_FRAME):
        raise InputError(f"metadata {OUTPUT_KEY} is {output[:40]!r}; expected {PATCH} or {FULL_FRAME}")
    told = _Told()
    for offset, painted in enumerate(core.speak(speech, call.gone, call.spent)):
        before_ms = core.now_ms()
        data, shape = _picture(painted, jpeg_quality if output == FULL_FRAME else None)
        call.spent.encode_ms += core.now_ms() - before_ms
        prepare_ms, inference_ms, composite_ms = told.since(call.spent)
        yield Prediction(speech.number(offset), data, painted.bounds, shape, prepare_ms, inference_ms, composite_ms)


def speech_by_number(name: str, frame_ids: Sequence[int], sound: Recording | None, call: Call) -> Speech:
    """Check what is asked for by number.

    Args:
        name: of the avatar.
        frame_ids: pictures of its clip, 1 to 500; the sound goes on from one to the next, however they jump.
        sound: what is said; None leaves it to the avatar's own speech features, or its mouth at rest.
        call: whose it is.

    Raises:
        InputError: no name, or too few, too many or negative numbers.
    """
    if not name:
        raise InputError("model_name is required")
    if not 1 <= len(frame_ids) <= MAX_FRAMES:
        raise InputError(f"frame_ids must hold 1-{MAX_FRAMES} numbers, got {len(frame_ids)}")
    if (least := min(frame_ids)) < 0:
        raise InputError(f"frame_id must be 0 or more, got {least}")
    return Speech(name, len(frame_ids), sound=sound, client=call.client, numbers=tuple(frame_ids))


def sound_of(encoded: str, frame_ids: Sequence[int], name: str, max_audio_s: float) -> Recording | None:
    """The sound of a field in base64.

    Args:
        encoded: a WAV file, or mono float32 samples at 16 kHz, little-endian; empty for none.
        frame_ids: the call's frames, of which the first says where in a recording it begins (see `read_recording`).
        name: the field's, for messages.
        max_audio_s: the longest sound.

    Raises:
        InputError: no base64, or no sound that can be used.
    """
    if not encoded or not frame_ids:
        return None
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{name} is no base64 ({error}); expected a WAV file in base64") from error
    samples, rate_hz = read_wav(data) if is_wav(data) else (data, 0)
    if len(samples) > (most := 4 * int(max_audio_s * (rate_hz or SAMPLE_RATE_HZ))):
        raise InputError(
            f"{name} holds {len(samples) // 4:,} samples; expected at most {most // 4:,}, which are {max_audio_s:g} s "
            "(server.max_audio_s): send it in parts"
        )
    return read_recording(samples, frames=len(frame_ids), start_frame=max(0, frame_ids[0]), sample_rate_hz=rate_hz)


class _Told:
    """Remembers what of a request's times was told with earlier pictures."""

    def __init__(self) -> None:
        self._told = (0.0, 0.0, 0.0)

    def since(self, spent: Spent) -> tuple[float, float, float]:
        """Preparing, inference and compositing since the last picture, in ms."""
        now = (
            spent.load_ms + spent.audio_ms + spent.visual_ms,
            spent.paint_ms,
            spent.blend_ms + spent.encode_ms,
        )
        prepare, inference, composite = (new - old for new, old in zip(now, self._told, strict=True))
        self._told = now
        return prepare, inference, composite


def _picture(painted: Painted, frame_quality: int | None) -> tuple[bytes, str]:
    """The JPEG of the whole frame in this quality, or of its patch, and its shape."""
    image = patch_of(painted.image, painted.bounds) if frame_quality is None else painted.image
    jpeg = encode_jpeg(image, quality=frame_quality or PATCH_QUALITY, avatar=painted.avatar)
    return jpeg, "x".join(map(str, image.shape))
