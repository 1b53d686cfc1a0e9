"""`lipstream.v1.Speech.Stream`: speech as it is spoken in, frames at their time and what happens between them out."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from lipstream.errors import BusyError, InputError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.painting import Workshop
from lipstream.pipeline.playout import END, Ended, Event, Interrupted, Resting, Speaking, Underrun
from lipstream.pipeline.session import StreamFrame, StreamSettings
from lipstream.pipeline.stream import Stream
from lipstream.serve.core import Core
from lipstream.serve.rpc import Call
from lipstream.serve.wires.header import Headers, Wanted
from lipstream.types import Float32
from lipstream.video.jpeg import encode_jpeg
from lipstream.wire.pb import lipstream_v1_pb2 as pb
from lipstream.wire.pcm import int16_bytes, read_samples

MOST_WAITING_SAMPLES = 16_000 * 600
"""Sound of one stream that was sent and is not yet heard: 38 MB, ten minutes at 16 kHz."""
KINDS: dict[type[Event], tuple[pb.Event.Kind, str]] = {
    Speaking: (pb.Event.KIND_SPEAKING, "Speech begins."),
    Resting: (pb.Event.KIND_RESTING, "Nothing is being spoken."),
    Underrun: (pb.Event.KIND_UNDERRUN, "Audio came too late; frames without it follow."),
    Interrupted: (pb.Event.KIND_INTERRUPTED, "What had not been shown was dropped."),
}


async def converse(
    core: Core, headers: Headers, requests: AsyncIterator[pb.StreamRequest], call: Call, workers: Executor
) -> AsyncGenerator[pb.StreamResponse, None]:
    """Answer one stream, from its header to its status.

    Args:
        core: its registry, batcher and clock are used.
        headers: reads the header.
        requests: the client's messages.
        call: whose they are.
        workers: for whatever takes longer than an event loop may wait.

    Yields:
        Frames, and events between them, 25 frames a second until all that was sent is shown.

    Raises:
        InputError: messages in a wrong order, or one that cannot be used.
        LipstreamError: whatever loading the avatar and painting raise.
    """
    workshop = Workshop(core.batcher, workers, core.now_ms)
    began_ms = core.now_ms()
    wanted = await workshop.work(partial(headers.read, await _header(requests), live=True))
    if wanted.form == "mp4":
        raise InputError("format is MP4, which Generate alone gives; expected JPEG or RAW for Stream.")
    settings = StreamSettings(
        wanted.rate_hz, wanted.lookahead_ms, wanted.gain, wanted.first_clip_frame, client=call.client
    )
    async with _leased(core, workshop, wanted.avatar, call) as avatar, Stream(avatar, workshop, settings) as stream:
        listening = _Listening(stream, wanted, core.now_ms)
        reading = asyncio.create_task(listening.read(requests))
        try:
            yield _event(pb.Event.KIND_STARTED, Event(0, 0), "Ready for audio.")
            first_ms: float | None = None
            async for item in stream:
                if isinstance(item, StreamFrame):
                    first_ms = core.now_ms() if first_ms is None and item.samples else first_ms
                    yield pb.StreamResponse(frame=await workshop.work(partial(_frame, item, wanted)))
                    call.spent.frames += 1
                elif isinstance(item, Ended):
                    break
                else:
                    yield _told(item)
            else:
                await reading  # raises why it closed the stream
            yield _status(stream, (first_ms or 0) - (listening.first_audio_ms or 0), core.now_ms() - began_ms)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


@dataclass(eq=False)
class _Listening:
    """Hands a client's messages to the stream; reads on while sound waits, so that an interruption need not."""

    stream: Stream
    wanted: Wanted
    now_ms: Callable[[], float]
    first_audio_ms: float | None = None
    waiting_samples: int = 0
    ended: bool = False

    async def read(self, requests: AsyncIterator[pb.StreamRequest]) -> None:
        """Read to the end; whatever is wrong closes the stream."""
        try:
            async with asyncio.TaskGroup() as pushes:  # they wait for each other, in order
                async for request in requests:
                    if (push := self._take(request)) is not None:
                        pushes.create_task(push)
                        await asyncio.sleep(0)  # it has begun before the next message, which may interrupt it
                if not self.ended:
                    await self.stream.push(END)
        except BaseExceptionGroup as errors:
            await self.stream.close()
            raise errors.exceptions[0] from errors

    def _take(self, request: pb.StreamRequest) -> Coroutine[None, None, None] | None:
        match request.WhichOneof("part"):
            case "audio" if not self.ended:
                return self._push(read_samples(request.audio, self.wanted.coding))
            case "interrupt":
                self.stream.interrupt()
                return None
            case "end" if not self.ended:
                self.ended = True
                return self.stream.push(END)
            case part:
                after = " after end" if self.ended else ""
                raise InputError(
                    f"A message of a stream is {part or 'empty'}{after}; expected audio, interrupt or end."
                )

    async def _push(self, samples: Float32) -> None:
        self.first_audio_ms = self.now_ms() if self.first_audio_ms is None else self.first_audio_ms
        if self.waiting_samples + len(samples) > MOST_WAITING_SAMPLES:
            raise BusyError(f"{self.waiting_samples:,} samples wait to be heard; send audio about as it is spoken.")
        self.waiting_samples += len(samples)
        await self.stream.push(samples)
        self.waiting_samples -= len(samples)


async def _header(requests: AsyncIterator[pb.StreamRequest]) -> pb.Header:
    request = await anext(requests, None)
    if request is None or request.WhichOneof("part") != "start":
        got = "nothing" if request is None else request.WhichOneof("part") or "an empty message"
        raise InputError(f"The stream begins with {got}; expected start, with a header.")
    return request.start


@asynccontextmanager
async def _leased(core: Core, workshop: Workshop, name: str, call: Call) -> AsyncIterator[Avatar]:
    """An avatar that stays loaded; leases are taken and given back in workers, for they may load and close."""
    with_lease = ExitStack()

    def enter() -> Avatar:
        avatar = with_lease.enter_context(core.registry.lease(name))
        with_lease.callback(lambda: core.registry.add_frames(name, call.spent.frames))
        return avatar

    try:
        yield await workshop.work(enter)
    finally:
        await workshop.work(with_lease.close)


def _frame(item: StreamFrame, wanted: Wanted) -> pb.Frame:
    jpeg = wanted.form == "jpeg"
    return pb.Frame(
        index=item.index,
        image=encode_jpeg(item.image, quality=wanted.jpeg_quality) if jpeg else item.image.tobytes(),
        audio=int16_bytes(item.audio),
        filler=item.filler,
        width=item.image.shape[1],
        height=item.image.shape[0],
    )


def _told(event: Event) -> pb.StreamResponse:
    kind, detail = KINDS[type(event)]
    return _event(kind, event, detail)


def _event(kind: pb.Event.Kind, event: Event, detail: str) -> pb.StreamResponse:
    dropped_samples = event.dropped_samples if isinstance(event, Interrupted) else 0
    return pb.StreamResponse(
        event=pb.Event(
            kind=kind,
            frame_index=event.frame_index,
            played_samples=event.played_samples,
            dropped_samples=dropped_samples,
            detail=detail,
        )
    )


def _status(stream: Stream, first_frame_ms: float, total_ms: float) -> pb.StreamResponse:
    stats = stream.stats()
    return pb.StreamResponse(
        status=pb.Status(
            frames=stats.frames,
            filler_frames=stats.filler_frames,
            samples=stats.played_samples,
            first_frame_ms=round(max(0.0, first_frame_ms)),
            total_ms=round(total_ms),
        )
    )
