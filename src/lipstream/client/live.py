"""Sound in as it is spoken, frames at their time and what happens between them out; a server's `Speech.Stream`."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Literal, Self

from lipstream.client.messages import PictureFormat, SpokenFrame, Wishes, checked, frame_of, header_of, told
from lipstream.errors import InputError
from lipstream.types import SAMPLE_RATE_HZ, Float32
from lipstream.wire.pb import lipstream_v1_pb2 as pb
from lipstream.wire.pcm import int16_bytes

EventKind = Literal["started", "speaking", "resting", "interrupted", "underrun"]
KINDS: dict[int, EventKind] = {
    pb.Event.KIND_STARTED: "started",
    pb.Event.KIND_SPEAKING: "speaking",
    pb.Event.KIND_RESTING: "resting",
    pb.Event.KIND_INTERRUPTED: "interrupted",
    pb.Event.KIND_UNDERRUN: "underrun",
}
INTERRUPT = pb.StreamRequest(interrupt=pb.Interrupt())
END = pb.StreamRequest(end=pb.End())
Calling = Callable[..., Any]
"""gRPC's stub of Speech.Stream."""


@dataclass(frozen=True, slots=True)
class SpokenEvent:
    """Something that happened to a live speech, between the frames that it concerns."""

    kind: EventKind
    """Ready for sound; speech begins; rest begins; what was not shown was dropped; sound came too late."""
    frame_index: int
    """The next frame's number."""
    played_samples: int
    """Of the sound sent, at 16 kHz, that left in frames before."""
    dropped_samples: int
    """Dropped by an interruption, at 16 kHz."""


class LiveSpeech:
    """A speech that is still being spoken: one thread iterates, any others push and interrupt."""

    def __init__(
        self, call: Calling, avatar: str, pictures: PictureFormat, wishes: Wishes, options: dict[str, Any]
    ) -> None:
        self._pictures = pictures
        self._requests: SimpleQueue[pb.StreamRequest | None] = SimpleQueue()
        self._requests.put(_start(avatar, pictures, wishes))
        self._call = call(iter(self._requests.get, None), **options)

    def push(self, samples: Float32) -> None:
        """Hand over the next sound, `[n]` float32 in -1..1; raises InputError if it is none."""
        self._requests.put(_sound(samples))

    def interrupt(self) -> None:
        """Drop all sound that was pushed and is not yet shown; an event answers."""
        self._requests.put(INTERRUPT)

    def end(self) -> None:
        """What was said is complete: the iteration ends when it has been shown."""
        self._requests.put(END)

    def close(self) -> None:
        """End it now."""
        self._call.cancel()
        self._requests.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[SpokenFrame | SpokenEvent]:
        """Frames and events as they come; raises what the server refuses, as `Client` does."""
        with told():
            for response in self._call:
                if (answer := _answer(response, self._pictures)) is not None:
                    yield answer


class AsyncLiveSpeech:
    """As `LiveSpeech`, for one event loop: one task iterates, any others push and interrupt."""

    def __init__(
        self, call: Calling, avatar: str, pictures: PictureFormat, wishes: Wishes, options: dict[str, Any]
    ) -> None:
        self._pictures, self._start = pictures, _start(avatar, pictures, wishes)
        self._call = call(**options)

    async def push(self, samples: Float32) -> None:
        """Hand over the next sound, once the connection has room; see `LiveSpeech.push`."""
        await self._write(_sound(samples))

    async def interrupt(self) -> None:
        """Drop all sound that was pushed and is not yet shown; an event answers."""
        await self._write(INTERRUPT)

    async def end(self) -> None:
        """What was said is complete: the iteration ends when it has been shown."""
        await self._write(END)

    async def close(self) -> None:
        """End it now."""
        self._call.cancel()

    async def __aenter__(self) -> Self:
        await self._write(self._start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[SpokenFrame | SpokenEvent]:
        """Frames and events as they come; raises what the server refuses, as `AsyncClient` does."""
        with told():
            async for response in self._call:
                if (answer := _answer(response, self._pictures)) is not None:
                    yield answer

    async def _write(self, request: pb.StreamRequest) -> None:
        if self._call.done():
            raise InputError("The speech is over, and nothing more can be said; whoever iterates is told why.")
        with told():
            await self._call.write(request)


def _start(avatar: str, pictures: PictureFormat, wishes: Wishes) -> pb.StreamRequest:
    rate_hz = wishes.get("sample_rate", SAMPLE_RATE_HZ)
    return pb.StreamRequest(start=header_of(avatar, pictures, rate_hz, wishes))


def _sound(samples: Float32) -> pb.StreamRequest:
    return pb.StreamRequest(audio=int16_bytes(checked(samples)))


def _answer(response: pb.StreamResponse, pictures: PictureFormat) -> SpokenFrame | SpokenEvent | None:
    """None for the status, which is the end."""
    if response.HasField("frame"):
        return frame_of(response.frame, pictures)
    event = response.event
    if event.kind not in KINDS:
        return None
    return SpokenEvent(KINDS[event.kind], event.frame_index, event.played_samples, event.dropped_samples)
