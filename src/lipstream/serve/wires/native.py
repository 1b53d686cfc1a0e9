"""`lipstream.v1.Speech`: a speech in, its frames or its MP4 out as they are made."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass

from lipstream.errors import InputError
from lipstream.rate import frames_of_samples
from lipstream.serve.call import Call
from lipstream.serve.core import Core, Speech
from lipstream.serve.encoding import Encoding
from lipstream.serve.live.floor import Live
from lipstream.serve.wires.header import Headers, Wanted
from lipstream.serve.wires.live import converse
from lipstream.types import FRAME_SAMPLES, Float32, Image, Pcm
from lipstream.video.jpeg import encode_jpeg
from lipstream.video.mp4 import SOUND_RATE_HZ, mp4_fragments
from lipstream.wire.pb import lipstream_v1_pb2 as pb
from lipstream.wire.pcm import int16_bytes, read_samples, stereo_blocks
from lipstream.wire.recording import Recording, at_16_khz

SERVICE = pb.DESCRIPTOR.services_by_name["Speech"]


@dataclass(frozen=True, eq=False)
class Native:
    """Makes speeches into videos, whole ones and such as are being spoken."""

    core: Core
    """Paints whole speeches."""
    live: Live
    """Opens sessions for those that are being spoken."""
    headers: Headers
    """Reads what is wanted."""
    max_audio_s: float = 600
    """The longest speech."""

    def generate(self, request: pb.GenerateRequest, call: Call) -> Iterator[pb.GenerateResponse]:
        """Paint a speech; the status comes last."""
        began_ms, first_ms = self.core.now_ms(), None
        wanted = self.headers.read(request.header)
        samples = self._samples(request.audio, wanted)
        pcm = at_16_khz(samples, wanted.rate_hz)
        if not len(pcm):
            raise InputError("audio holds no sample; expected a whole speech of at least one.")
        encoding = Encoding(call.spent, self.core.now_ms)
        pictures = encoding.of(self.core.speak(_speech(wanted, pcm, call), call.gone, call.spent))
        for part in _mp4(pictures, samples, wanted) if wanted.form == "mp4" else _frames(pictures, pcm, wanted):
            encoding.pause()
            first_ms = self.core.now_ms() if first_ms is None else first_ms
            yield part
        yield pb.GenerateResponse(
            status=pb.Status(
                frames=call.spent.frames,
                samples=len(pcm),
                first_frame_ms=round((first_ms or began_ms) - began_ms),
                total_ms=round(self.core.now_ms() - began_ms),
            )
        )

    async def stream(
        self, requests: AsyncIterator[pb.StreamRequest], call: Call, workers: Executor
    ) -> AsyncGenerator[pb.StreamResponse, None]:
        """Speak while the audio is still coming."""
        answering = converse(self.live, self.headers, requests, call, workers, self.core.now_ms)
        async with aclosing(answering) as responses:
            async for response in responses:
                yield response

    def _samples(self, audio: bytes, wanted: Wanted) -> Float32:
        samples = read_samples(audio, wanted.coding)
        if len(samples) > self.max_audio_s * wanted.rate_hz:
            raise InputError(
                f"audio lasts {len(samples) / wanted.rate_hz:,.1f} s; expected at most {self.max_audio_s:g} s "
                "(server.max_audio_s): send it in parts."
            )
        return samples


def _speech(wanted: Wanted, pcm: Pcm, call: Call) -> Speech:
    frames = frames_of_samples(len(pcm))
    return Speech(
        wanted.avatar,
        frames,
        wanted.first_clip_frame,
        sound=Recording(pcm, 0, frames),
        gain=wanted.gain,
        lookahead_ms=wanted.lookahead_ms,
        client=call.client,
    )


def _mp4(pictures: Iterator[Image], samples: Float32, wanted: Wanted) -> Iterator[pb.GenerateResponse]:
    stereo = stereo_blocks(samples, wanted.rate_hz, SOUND_RATE_HZ)
    for part in mp4_fragments(pictures, stereo, avatar=wanted.avatar):
        yield pb.GenerateResponse(mp4=part)


def _frames(pictures: Iterator[Image], pcm: Pcm, wanted: Wanted) -> Iterator[pb.GenerateResponse]:
    for index, image in enumerate(pictures):
        sound = int16_bytes(pcm[index * FRAME_SAMPLES :][:FRAME_SAMPLES]).ljust(2 * FRAME_SAMPLES, b"\0")
        if wanted.form == "raw":
            picture = image.tobytes()
        else:
            picture = encode_jpeg(image, quality=wanted.jpeg_quality, avatar=wanted.avatar)
        yield pb.GenerateResponse(
            frame=pb.Frame(
                index=index,
                image=picture,
                audio=sound,
                width=image.shape[1],
                height=image.shape[0],
            )
        )
