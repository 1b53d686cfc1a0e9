"""`POST /v1/generate`: sound in, an MP4 or a stream of JPEGs of an avatar that speaks it out, sent as it is made."""

from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lipstream.audio.read import decode
from lipstream.errors import InputError
from lipstream.pipeline.arguments import check_gain
from lipstream.rate import frames_of_samples
from lipstream.serve.call import Call
from lipstream.serve.core import Core, Speech
from lipstream.serve.encoding import Encoding
from lipstream.serve.http.incoming import HttpLimits
from lipstream.serve.http.sound import media_type_of, read_speech, save_sound, unnamed
from lipstream.serve.http.work import started
from lipstream.serve.names import check_name
from lipstream.serve.steps import taken
from lipstream.serve.wires.asked import DEFAULT_AVATAR
from lipstream.types import Image
from lipstream.video.jpeg import encode_jpeg
from lipstream.video.mp4 import SOUND_CHANNELS, SOUND_RATE_HZ, mp4_fragments
from lipstream.wire.recording import Recording

Form = Literal["mp4", "jpeg"]
MEDIA_TYPES: Mapping[Form, str] = {"mp4": "video/mp4", "jpeg": "multipart/x-mixed-replace; boundary=frame"}
PARAMETERS = ("avatar", "format", "gain", "token")
_PART = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"


@dataclass(frozen=True, slots=True)
class Wish:
    """How a speech is wanted."""

    avatar: str
    """Who speaks."""
    form: Form
    """`mp4`, or `jpeg` for the pictures alone."""
    gain: float
    """Factor of every mouth movement, 0 (closed) to 2."""


def wish_of(query: Mapping[str, str], accept: str) -> Wish:
    """Read what was asked for.

    Args:
        query: parameters of the URL.
        accept: the header of that name; it counts where the parameter `format` is missing.

    Raises:
        InputError: a parameter that is unknown, or has a value that cannot be used.
    """
    for name in query:
        if name not in PARAMETERS:
            raise InputError(f"There is no parameter {name[:40]!r}; expected any of {', '.join(PARAMETERS)}.")
    pictures = "multipart/x-mixed-replace" in accept or "image/jpeg" in accept
    form = query.get("format", "jpeg" if pictures else "mp4")
    if form not in MEDIA_TYPES:
        raise InputError(f"format is {form[:40]!r}; expected {' or '.join(MEDIA_TYPES)}.")
    try:
        gain = float(query.get("gain", "1"))
    except ValueError as error:
        raise InputError(f"gain is {query['gain'][:40]!r}; expected a number from 0 to 2.") from error
    check_gain(gain)
    return Wish(check_name(query.get("avatar", DEFAULT_AVATAR)), cast("Form", form), gain)


@dataclass(frozen=True, eq=False)
class Generate:
    """Answers the route."""

    core: Core
    """Paints."""
    workers: Executor
    """Where it is called."""
    limits: HttpLimits
    """How long a sound may be."""
    jpeg_quality: int = 75
    """Of JPEGs, 1 to 100."""

    async def __call__(self, request: Request, call: Call) -> Response:
        """Answer with what is made, from the first of it on."""
        if media_type_of(request).endswith("json"):
            raise HTTPException(415, "The body is JSON; expected sound: a file of any kind, or a form with one.")
        wish = wish_of(request.query_params, request.headers.get("accept", ""))
        with ExitStack() as stack:
            folder = stack.enter_context(TemporaryDirectory(prefix="lipstream-"))
            sound = await save_sound(request, Path(folder), self.workers)
            parts = taken(self.workers, self._spoken(sound, wish, call), stack.pop_all().close)
            return await started(parts, MEDIA_TYPES[wish.form])

    def _spoken(self, sound: Path, wish: Wish, call: Call) -> Generator[bytes, None, None]:
        pcm = read_speech(sound, self.limits.max_audio_s, call.gone)
        frames = frames_of_samples(len(pcm))
        speech = Speech(wish.avatar, frames, sound=Recording(pcm, 0, frames), gain=wish.gain, client=call.client)
        encoding = Encoding(call.spent, self.core.now_ms)
        pictures = encoding.of(self.core.speak(speech, call.gone, call.spent))
        parts = self._mp4(pictures, sound, wish.avatar) if wish.form == "mp4" else self._jpegs(pictures, wish.avatar)
        for part in parts:
            encoding.pause()
            yield part

    def _mp4(self, pictures: Iterator[Image], sound: Path, avatar: str) -> Iterator[bytes]:
        stereo = unnamed(sound, decode(sound, sample_rate_hz=SOUND_RATE_HZ, channels=SOUND_CHANNELS, warn=False))
        return mp4_fragments(pictures, stereo, avatar=avatar)

    def _jpegs(self, pictures: Iterator[Image], avatar: str) -> Iterator[bytes]:
        for image in pictures:
            jpeg = encode_jpeg(image, quality=self.jpeg_quality, avatar=avatar)
            yield _PART % (len(jpeg), jpeg)
        yield b"--frame--\r\n"
