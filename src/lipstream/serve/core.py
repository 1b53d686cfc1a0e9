"""What a request asks an avatar to say in, its finished pictures one by one out; every wire is an adapter over this."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace

import numpy as np

from lipstream.audio.window import own_contexts
from lipstream.errors import InputError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.batch import NO_DEADLINE, Batcher
from lipstream.render.crop import Box
from lipstream.serve.registry import Registry
from lipstream.speech.codes import FULL_LOOKAHEAD_MS
from lipstream.speech.excerpt import excerpt_codes
from lipstream.types import SAMPLE_RATE_HZ, Contexts, Float32, Image, Visual
from lipstream.wire.recording import Recording

AHEAD_FRAMES = 32
"""Frames of one request that are prepared or painted and not yet taken: 80 MB of input."""
BUSY_FRAMES = 8
"""Frames that keep the generator busy while one before them is blended and encoded."""
PATIENCE_S = 30.0
"""How long a request that has begun waits for room in the batcher's queue."""


@dataclass(frozen=True, eq=False)
class Speech:
    """What to say, with which pictures."""

    avatar: str
    """Name of the avatar."""
    frames: int
    """How many pictures, 1 or more."""
    first_picture: int | None = None
    """Number of the first picture in the driving clip, which is a loop; None is where the avatar begins by itself."""
    sound: Recording | Contexts | None = None
    """A recording, or the client's own features `[frames, 32, 16, 16]`; without either the avatar's own speech features
    move the mouth, or it rests where there are none."""
    visual: Visual | None = None
    """The client's own view of the pictures, `[frames, 6, 320, 320]`; see `visual_of_sent` of the avatar's face."""
    gain: float = 1.0
    """Factor of every mouth movement, 0 (closed) to 2; of a recording."""
    lookahead_ms: int = FULL_LOOKAHEAD_MS
    """Sound after the start of a frame that its mouth may depend on, 172 to 452; of a recording."""
    client: Hashable = None
    """Whose request it is: frames of all clients share the networks equally."""
    due_ms: float = NO_DEADLINE
    """When it is wanted, by the batcher's clock."""
    numbers: Sequence[int] | None = None
    """Number of every picture, where they do not follow one another from `first_picture`."""
    mouths_only: bool = False
    """Paint every mouth, at rest too, and blend none: the pictures stay as filmed."""

    def number(self, offset: int) -> int:
        """The number of the picture that shows frame `offset` of the request."""
        return (self.first_picture or 0) + offset if self.numbers is None else self.numbers[offset]


@dataclass(slots=True)
class Spent:
    """What a request took, in ms, and what it gave."""

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
    encode_ms: float = 0.0
    """Encoding pictures, added by whoever does it before asking for the next picture."""
    frames: int = 0
    """Pictures finished."""


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
    avatar: str = ""
    """Who is shown, for the mark in what is sent."""


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
    max_audio_s: float = 600
    """The longest recording."""

    def speak(self, speech: Speech, gone: "Future[None]", spent: Spent | None = None) -> Iterator[Painted]:
        """Paint every picture of a request.

        Args:
            speech: what to say.
            gone: done when nobody waits any more; frames that wait for the generator are withdrawn at once.
            spent: filled with what it takes.

        Yields:
            The pictures in order.

        Raises:
            InputError: the recording is too long.
            AvatarNotFoundError: there is no such avatar. AvatarError, EngineError: it cannot be loaded.
            BusyError: too many frames wait already, or every place for an avatar is in use.
            CancelledError: nobody waits any more.
        """
        self._check_length(speech.sound)
        spent = spent or Spent()
        watch = Stopwatch(spent, self.now_ms)
        with self.registry.lease(speech.avatar) as avatar:
            watch.lap("load_ms")
            if speech.first_picture is None:
                speech = replace(speech, first_picture=avatar.first_picture)
            waiting: deque[Waiting] = deque()
            gone.add_done_callback(lambda _: _withdraw(waiting.copy()))
            try:
                for offset, code in enumerate(_codes(avatar, speech)):
                    watch.lap("audio_ms")
                    if gone.done():
                        raise CancelledError
                    waiting.append(self._begin(avatar, speech, offset, code))
                    watch.lap("visual_ms")
                    while len(waiting) == AHEAD_FRAMES or _is_ready(waiting):
                        yield _next(avatar, speech, waiting, watch)
                        watch.skip()
                while waiting:
                    yield _next(avatar, speech, waiting, watch)
                    watch.skip()
            finally:
                _withdraw(waiting)
                waiting.clear()
                self.registry.add_generator_ms(speech.avatar, spent.paint_ms, spent.frames)

    def _check_length(self, sound: Recording | Contexts | None) -> None:
        if isinstance(sound, Recording) and len(sound.pcm) > self.max_audio_s * SAMPLE_RATE_HZ:
            raise InputError(
                f"the sound is {len(sound.pcm) / SAMPLE_RATE_HZ:,.1f} s long; expected at most {self.max_audio_s:g} s "
                "(server.max_audio_s): send it in parts"
            )

    def _begin(self, avatar: Avatar, speech: Speech, offset: int, code: Float32) -> Waiting:
        number = speech.number(offset)
        image = avatar.clip.image(number)
        if not speech.mouths_only and not avatar.face.painted(code[None])[0]:
            return number, image, None
        if speech.visual is None:
            visual = avatar.face.visual([image], [number])[0]
        else:
            visual = avatar.face.visual_of_sent(speech.visual[offset : offset + 1], [number])[0]
        # A request may be refused at its first frame; one that was taken waits for room instead.
        patience_s = PATIENCE_S if offset else 0.0
        patch = self.batcher.submit(
            avatar.face, visual, code, due_ms=speech.due_ms, client=speech.client, patience_s=patience_s
        )
        return number, image, patch


def _withdraw(waiting: Iterable[Waiting]) -> None:
    """Let frames that nobody will take leave the batcher's queue."""
    for _, _, patch in waiting:
        if patch is not None:
            patch.cancel()


def _is_ready(waiting: Sequence[Waiting]) -> bool:
    """Whether the first may leave now: it is painted, and the generator has enough to do meanwhile."""
    busy_frames = sum(1 for _, _, patch in waiting if patch is not None and not patch.done())
    return busy_frames >= BUSY_FRAMES and ((patch := waiting[0][2]) is None or patch.done())


def _next(avatar: Avatar, speech: Speech, waiting: deque[Waiting], watch: "Stopwatch") -> Painted:
    """The first that waits, finished; until then it can be withdrawn."""
    painted = _finish(avatar, speech, waiting[0], watch)
    waiting.popleft()
    return painted


def _finish(avatar: Avatar, speech: Speech, waiting: Waiting, watch: "Stopwatch") -> Painted:
    number, image, future = waiting
    patch = None
    if future is not None:
        patch = future.result()
        watch.lap("paint_ms")
        if not speech.mouths_only:
            avatar.face.compose(image, number, patch)
            watch.lap("blend_ms")
    watch.spent.frames += 1
    return Painted(number, image, patch, avatar.face.bounds(image, number), avatar.name)


def _codes(avatar: Avatar, speech: Speech) -> Iterator[Float32]:
    """What drives the generator in every frame: its code, `[12]`, or of an imported avatar features."""
    match speech.sound:
        case None:
            yield from _own_codes(avatar, [speech.number(offset) for offset in range(speech.frames)])
        case Recording(pcm=pcm, first_frame=first_frame):
            converter = avatar.speech(gain=speech.gain, lookahead_ms=speech.lookahead_ms)
            for codes in excerpt_codes(converter, pcm, first_frame, speech.frames):
                yield from codes
        case sent:
            yield from avatar.drive.of_contexts(sent)


def _own_codes(avatar: Avatar, numbers: Sequence[int]) -> Float32:
    """What is said at these pictures where no sound is sent."""
    if avatar.speech_features is None:
        return np.stack([avatar.drive.rest] * len(numbers))
    return avatar.drive.of_contexts(own_contexts(avatar.speech_features, numbers))


class Stopwatch:
    """Adds the time since its last lap to one of the stages of a `Spent`."""

    def __init__(self, spent: Spent, now_ms: Callable[[], float]) -> None:
        self.spent, self._now_ms = spent, now_ms
        self._lap_ms = now_ms()

    def lap(self, stage: str) -> None:
        """End a stage here."""
        now_ms = self._now_ms()
        setattr(self.spent, stage, getattr(self.spent, stage) + now_ms - self._lap_ms)
        self._lap_ms = now_ms

    def skip(self) -> None:
        """Leave out what has passed: the taker's time between two pictures."""
        self._lap_ms = self._now_ms()
