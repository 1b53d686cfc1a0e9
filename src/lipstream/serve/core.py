"""What a request asks an avatar to say in, its finished pictures one by one out; every wire is an adapter over this."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass

import numpy as np

from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.batch import NO_DEADLINE, Batcher
from lipstream.render.crop import Box
from lipstream.serve.registry import Registry
from lipstream.speech.articulation import clamp
from lipstream.speech.excerpt import excerpt_codes
from lipstream.types import CODE_SIZE, Codes, Contexts, Float32, Image
from lipstream.wire.recording import Recording

AHEAD_FRAMES = 32
"""Frames of one request that are prepared or painted and not yet taken: 80 MB of input."""


@dataclass(frozen=True, eq=False)
class Speech:
    """What to say, with which pictures."""

    avatar: str
    """Name of the avatar."""
    frames: int
    """How many pictures, 1 or more."""
    first_picture: int = 0
    """Number of the first picture in the driving clip, which is a loop."""
    sound: Recording | Contexts | None = None
    """A recording, or the client's own features `[frames, 32, 16, 16]`; none leaves the mouth at rest."""
    crops: Sequence[Image] | None = None
    """Driving crops `[320, 320, 3]` uint8 BGR in place of the avatar's own; what its mask covers is not looked at."""
    client: Hashable = None
    """Whose request it is: frames of all clients share the networks equally."""
    due_ms: float = NO_DEADLINE
    """When it is wanted, by the batcher's clock."""


@dataclass(slots=True)
class Spent:
    """Where a request's time went, in ms."""

    load_ms: float = 0.0
    """Until the avatar was loaded."""
    audio_ms: float = 0.0
    """Sound to codes."""
    visual_ms: float = 0.0
    """Decoding driving pictures and making the generator's view of them."""
    paint_ms: float = 0.0
    """Waiting for the generator, beyond what was done meanwhile."""
    blend_ms: float = 0.0
    """Blending patches into pictures."""


@dataclass(frozen=True, eq=False)
class Painted:
    """One finished picture."""

    number: int
    """Its number in the driving clip, not taken modulo its length."""
    image: Image
    """The whole picture, `HWC` uint8 BGR."""
    patch: Float32 | None
    """What the generator made, `[3, 320, 320]` float32 BGR in 0..1; none where the picture is shown as filmed."""
    bounds: Box
    """The box of the picture that the face's crop covers: left, top, right, bottom (half-open) in pixels."""


Waiting = tuple[int, Image, "Future[Float32] | None"]


@dataclass(frozen=True, eq=False)
class Core:
    """Says what requests ask for; blocking, so it is called in worker threads, any number of them at once."""

    registry: Registry[Avatar]
    """The loaded avatars."""
    batcher: Batcher
    """Runs their generators."""
    now_ms: Callable[[], float]
    """A monotonic clock."""

    def speak(self, speech: Speech, gone: "Future[None]", spent: Spent | None = None) -> Iterator[Painted]:
        """Paint every picture of a request.

        Args:
            speech: what to say.
            gone: done when nobody waits any more; frames that wait for the generator are withdrawn at once.
            spent: filled with where the time goes.

        Yields:
            The pictures in order.

        Raises:
            AvatarNotFoundError: there is no such avatar. AvatarError, EngineError: it cannot be loaded.
            BusyError: too many frames wait already, or every place for an avatar is in use.
            CancelledError: nobody waits any more.
        """
        spent = spent or Spent()
        watch = Stopwatch(spent, self.now_ms)
        with self.registry.lease(speech.avatar) as avatar:
            watch.lap("load_ms")
            codes = _codes(avatar, speech)
            watch.lap("audio_ms")
            waiting: deque[Waiting] = deque()
            try:
                for offset, code in enumerate(codes):
                    if gone.done():
                        raise CancelledError
                    waiting.append(self._begin(avatar, speech, offset, code, gone))
                    watch.lap("visual_ms")
                    if len(waiting) == AHEAD_FRAMES:
                        yield _finish(avatar, waiting.popleft(), watch)
                        watch.skip()
                while waiting:
                    yield _finish(avatar, waiting.popleft(), watch)
                    watch.skip()
            finally:
                for _, _, patch in waiting:
                    if patch is not None:
                        patch.cancel()
                self.registry.add_generator_ms(speech.avatar, spent.paint_ms)

    def _begin(self, avatar: Avatar, speech: Speech, offset: int, code: Float32, gone: "Future[None]") -> Waiting:
        number = speech.first_picture + offset
        image = avatar.clip.image(number)
        if not avatar.face.painted(code[None])[0]:
            return number, image, None
        if speech.crops is None:
            visual = avatar.face.visual([image], [number])[0]
        else:
            visual = avatar.face.visual_of_crops([speech.crops[offset]], [number])[0]
        patch = self.batcher.submit(avatar.face, visual, code, due_ms=speech.due_ms, client=speech.client)
        gone.add_done_callback(lambda _: patch.cancel())
        return number, image, patch


def _finish(avatar: Avatar, waiting: Waiting, watch: "Stopwatch") -> Painted:
    number, image, future = waiting
    patch = None
    if future is not None:
        patch = future.result()
        watch.lap("paint_ms")
        avatar.face.compose(image, number, patch)
        watch.lap("blend_ms")
    return Painted(number, image, patch, avatar.face.bounds(image, number))


def _codes(avatar: Avatar, speech: Speech) -> Codes:
    match speech.sound:
        case None:
            return np.zeros((speech.frames, CODE_SIZE), np.float32)
        case Recording(pcm=pcm, first_frame=first_frame):
            return excerpt_codes(avatar.speech(), pcm, first_frame, speech.frames)
        case contexts:
            return clamp(avatar.networks.articulation.run({"audio": contexts})["code"])


class Stopwatch:
    """Adds the time since its last lap to one of the stages of a `Spent`."""

    def __init__(self, spent: Spent, now_ms: Callable[[], float]) -> None:
        self._spent, self._now_ms = spent, now_ms
        self._lap_ms = now_ms()

    def lap(self, stage: str) -> None:
        """End a stage here."""
        now_ms = self._now_ms()
        setattr(self._spent, stage, getattr(self._spent, stage) + now_ms - self._lap_ms)
        self._lap_ms = now_ms

    def skip(self) -> None:
        """Leave out what has passed: the taker's time between two pictures."""
        self._lap_ms = self._now_ms()
