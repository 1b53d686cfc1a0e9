"""`lipstream.v1.Speech.Stream`: speech as it is spoken in, frames at their time and what happens between them out."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from functools import partial

from lipstream.errors import InputError
from lipstream.pipeline.playout import Ended, Event, Interrupted, Resting, Speaking, Underrun
from lipstream.pipeline.session import StreamFrame, StreamSettings
from lipstream.serve.call import Call
from lipstream.serve.live.floor import Live
from lipstream.serve.live.opening import Opening
from lipstream.serve.live.session import Session
from lipstream.serve.wires.header import Headers, Wanted
from lipstream.video.jpeg import encode_jpeg
from lipstream.wire.pb import lipstream_v1_pb2 as pb
from lipstream.wire.pcm import int16_bytes, read_live_samples

KINDS: dict[type[Event], tuple[pb.Event.Kind, str]] = {
    Speaking: (pb.Event.KIND_SPEAKING, "Speech begins."),
    Resting: (pb.Event.KIND_RESTING, "Nothing is being spoken."),
    Underrun: (pb.Event.KIND_UNDERRUN, "Audio came too late; frames without it follow."),
    Interrupted: (pb.Event.KIND_INTERRUPTED, "What had not been shown was dropped."),
}


async def converse(  # noqa: PLR0913, PLR0917  what a call brings, and what answers it
    live: Live,
    headers: Headers,
    requests: AsyncIterator[pb.StreamRequest],
    call: Call,
    workers: Executor,
    now_ms: Callable[[], float],
) -> AsyncGenerator[pb.StreamResponse, None]:
    """Answer one stream, from its header to its status.

    Args:
        live: opens its session.
        headers: reads the header.
        requests: the client's messages.
        call: whose they are.
        workers: where the header is read.
        now_ms: a monotonic clock.

    Yields:
        Frames, and events between them, 25 frames a second until all that was sent is shown.

    Raises:
        InputError: messages in a wrong order, or one that cannot be used.
        LipstreamError: whatever opening a session and taking from it raise.
    """
    began_ms = now_ms()
    read = partial(headers.read, await _header(requests), live=True)
    wanted = await asyncio.get_running_loop().run_in_executor(workers, read)
    async with live.open(_opening(wanted, call)) as session, _listening(requests, session, wanted):
        yield _event(pb.Event.KIND_STARTED, Event(0, 0), "Ready for audio.")
        async for item in session:
            if isinstance(item, StreamFrame):
                yield pb.StreamResponse(frame=await session.work(partial(_frame, item, wanted, session.avatar.name)))
                call.spent.frames += 1
            elif not isinstance(item, Ended):
                yield _told(item)
        yield _status(session, now_ms() - began_ms)


def _opening(wanted: Wanted, call: Call) -> Opening:
    if wanted.form == "mp4":
        raise InputError("format is MP4, which Generate alone gives; expected JPEG or RAW for Stream.")
    settings = StreamSettings(wanted.rate_hz, wanted.lookahead_ms, wanted.gain, wanted.first_clip_frame)
    return Opening(wanted.avatar, settings, call.client, "grpc")


@asynccontextmanager
async def _listening(
    requests: AsyncIterator[pb.StreamRequest], session: Session, wanted: Wanted
) -> AsyncIterator[None]:
    """Hand a client's messages to its session meanwhile; whatever is wrong with them ends it."""

    async def listen() -> None:
        try:
            async for request in requests:
                await _take(request, session, wanted)
            session.drain()
        except Exception as error:  # told to whoever takes the frames
            await session.fail(error)

    listening = asyncio.create_task(listen())
    try:
        yield
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _take(request: pb.StreamRequest, session: Session, wanted: Wanted) -> None:
    match request.WhichOneof("part"):
        case "audio":
            await session.push(read_live_samples(request.audio, wanted.coding))
        case "interrupt":
            session.interrupt()
        case "end":
            session.drain()
        case part:
            raise InputError(f"A message of a stream is {part or 'empty'}; expected audio, interrupt or end.")


async def _header(requests: AsyncIterator[pb.StreamRequest]) -> pb.Header:
    request = await anext(requests, None)
    if request is None or request.WhichOneof("part") != "start":
        got = "nothing" if request is None else request.WhichOneof("part") or "an empty message"
        raise InputError(f"The stream begins with {got}; expected start, with a header.")
    return request.start


def _frame(item: StreamFrame, wanted: Wanted, avatar: str) -> pb.Frame:
    if wanted.form == "jpeg":
        image = encode_jpeg(item.image, quality=wanted.jpeg_quality, avatar=avatar)
    else:
        image = item.image.tobytes()
    return pb.Frame(
        index=item.index,
        image=image,
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


def _status(session: Session, total_ms: float) -> pb.StreamResponse:
    stats = session.stats()
    return pb.StreamResponse(
        status=pb.Status(
            frames=stats.frames,
            filler_frames=stats.filler_frames,
            samples=stats.played_samples,
            first_frame_ms=round(stats.first_frame_ms),
            total_ms=round(total_ms),
        )
    )
