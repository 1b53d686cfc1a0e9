"""Heard frames in, as they come; what is shown next out: sound, or a filler that bridges, and what happened."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import numpy as np

from lipstream.pipeline.hearing import Heard
from lipstream.types import CODE_SIZE, FRAME_SAMPLES, Float32, Pcm

HOLD_FRAMES = 2
"""Where sound is missing the mouth first stays as it is: 80 ms, which a short gap does not outlast."""
EASE_FRAMES = 5
"""Then it eases to rest: 200 ms."""
REST_FRAMES = 8
"""Frames at rest, 320 ms, until the face counts as resting: pauses within a sentence are shorter."""
CLOSED: Float32 = np.zeros(CODE_SIZE, np.float32)
"""The articulation of a closed mouth."""
FADE_SAMPLES = 160
"""Where frames are left out, sound fades over within 10 ms, so that nothing clicks."""


class End(Enum):
    """The type of END."""

    END = "end"


END: Final = End.END
"""Marks in the stream of sound that what was said is complete: no more is needed to show its last frames."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A frame that is shown."""

    index: int
    """Its number, from 0 without gaps."""
    code: Float32
    """Its articulation `[12]`, or what else drives the generator; float32."""
    audio: Pcm
    """Its sound, `[640]` float32 at 16 kHz."""
    samples: int
    """How many of them are the speaker's: 0 to 640."""
    filler: bool
    """No sound had arrived in time, or none is being spoken: what it carries is silence."""
    came_ms: float | None = None
    """When the first of its samples came; None for a filler."""
    heard_ms: float | None = None
    """When its look-ahead was complete and heard; None for a filler."""
    skipped_samples: int = 0
    """Of the speaker's, left out before it."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, between the frames that it concerns."""

    frame_index: int
    """The next frame's number."""
    played_samples: int
    """Of the speaker's sound, at 16 kHz, that left in frames before."""


class Speaking(Event):
    """The frames from here on show speech."""

    __slots__ = ()


class Resting(Event):
    """The frames from here on are at rest."""

    __slots__ = ()


class Underrun(Event):
    """Sound came too late: fillers follow, until enough has arrived again."""

    __slots__ = ()


class Ended(Event):
    """Everything before an END has been shown."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Interrupted(Event):
    """Everything that had been pushed and not been shown was dropped."""

    dropped_samples: int
    """How much that was, at 16 kHz."""


class Playout:
    """Chooses one frame after the other; knows no time but that of its calls, a frame each.

    Args:
        preroll_frames: frames of sound that are there before the first one is shown, 1 or more: the more, the later a
            piece of sound may come. After an under-run, which is a later piece still, they are gathered again.
        rest: what drives a mouth at rest; the closed mouth's articulation, unless given.
    """

    def __init__(self, preroll_frames: int, rest: Float32 = CLOSED) -> None:
        self._preroll_frames = preroll_frames
        self._rest = rest
        self._queue: deque[Heard] = deque()
        self._queued_frames = 0  # ever
        self._taken_frames = 0  # ever
        self._ends: deque[int] = deque()  # frames ever queued before each END that has not been told of
        self._playing = False
        self._speaking = self._pause = False
        self._code = rest
        self._fillers = 0
        self._rests = 0
        self._index = 0
        self._played_samples = 0
        self.underruns = 0
        """How often sound came too late."""

    @property
    def queued_frames(self) -> int:
        """Frames of sound that wait."""
        return len(self._queue)

    @property
    def queued_samples(self) -> int:
        """Samples of the speaker's in them, and left out before them."""
        return sum(heard.samples + heard.skipped_samples for heard in self._queue)

    @property
    def playing(self) -> bool:
        """Whether the last frame had sound, and more of it is expected."""
        return self._playing

    @property
    def ready(self) -> bool:
        """Whether the next frame has sound."""
        if not self._queue or self.ended:
            return False
        return self._playing or bool(self._ends) or len(self._queue) >= self._preroll_frames

    @property
    def ended(self) -> bool:
        """Whether there is an END to be told of before any other sound."""
        return bool(self._ends) and self._ends[0] == self._taken_frames

    def put(self, heard: Sequence[Heard]) -> None:
        """Append frames of sound."""
        self._queue.extend(heard)
        self._queued_frames += len(heard)

    def end(self) -> None:
        """Append an END."""
        self._ends.append(self._queued_frames)

    def next(self, *, bridge: bool) -> list[Shown | Event]:
        """What is shown now, the events before and after it included.

        Args:
            bridge: whether a filler is shown where there is no sound.
        """
        steps: list[Shown | Event] = self._take_ends()
        if self.ready:
            steps += self._show_sound()
            steps += self._take_ends()
        elif bridge:
            steps += self._show_filler()
        return steps

    def skip(self, frames: int, *, saying: int) -> int:
        """Leave out the next frames of sound, as long as they are of a pause; but no pause as a whole.

        Args:
            frames: at most so many.
            saying: so many of them whatever they say.

        Returns:
            How many were; none before an END, which is said to the end.
        """
        skipped: list[Heard] = []
        while len(skipped) < frames and len(self._queue) > 1 and not self._ends:
            if len(skipped) >= saying and not (self._pause and self._queue[0].pause):
                break
            skipped.append(self._queue.popleft())
        if skipped:
            self._taken_frames += len(skipped)
            head = self._queue[0]
            samples = head.skipped_samples + sum(one.samples + one.skipped_samples for one in skipped)
            audio = _faded(skipped[0].audio, head.audio)
            self._queue[0] = replace(head, audio=audio, skipped_samples=samples)
        return len(skipped)

    def drop(self, last: Shown | None, played_samples: int, *, speaking: bool) -> int:
        """Drop what waits, and what was chosen and not seen; the mouth eases to rest from what was seen last.

        Args:
            last: the frame seen last.
            played_samples: of the speaker's sound that left with what was seen.
            speaking: whether Speaking was the last that was told of speech and rest.

        Returns:
            How many ENDs were among it.
        """
        ends = len(self._ends)
        self._queue.clear()
        self._ends.clear()
        self._queued_frames = self._taken_frames = 0
        self._playing, self._speaking, self._pause = False, speaking, False
        self._code = self._rest if last is None else last.code
        self._index = 0 if last is None else last.index + 1
        self._fillers, self._rests = HOLD_FRAMES, 0
        self._played_samples = played_samples
        return ends

    def _take_ends(self) -> list[Shown | Event]:
        steps: list[Shown | Event] = []
        while self.ended:
            self._ends.popleft()
            self._playing = False
            steps.append(Ended(self._index, self._played_samples))
        return steps

    def _show_sound(self) -> list[Shown | Event]:
        heard = self._queue.popleft()
        self._taken_frames += 1
        self._playing, self._fillers, self._code, self._pause = True, 0, heard.code, heard.pause
        return self._show(heard, filler=False)

    def _show_filler(self) -> list[Shown | Event]:
        steps: list[Shown | Event] = []
        if self._playing:
            self._playing = False
            self.underruns += 1
            steps.append(Underrun(self._index, self._played_samples))
        self._fillers += 1
        eased = min(max(self._fillers - HOLD_FRAMES, 0), EASE_FRAMES) / EASE_FRAMES
        code = self._rest + (self._code - self._rest) * np.float32(1.0 - eased)
        return steps + self._show(Heard(code, np.zeros(FRAME_SAMPLES, np.float32), 0), filler=True)

    def _show(self, heard: Heard, *, filler: bool) -> list[Shown | Event]:
        told = self._tell_voice(not self._is_rest(heard))
        came_ms, heard_ms, skipped_samples = heard.came_ms, heard.heard_ms, heard.skipped_samples
        shown = Shown(self._index, heard.code, heard.audio, heard.samples, filler, came_ms, heard_ms, skipped_samples)
        self._index += 1
        self._played_samples += heard.samples
        return [*told, shown]

    def _is_rest(self, heard: Heard) -> bool:
        return bool((heard.code == self._rest).all())

    def _tell_voice(self, moves: bool) -> list[Event]:
        """Speech is told of at once, rest only after a while: hysteresis."""
        self._rests = 0 if moves else self._rests + 1
        if moves and not self._speaking:
            self._speaking = True
            return [Speaking(self._index, self._played_samples)]
        if self._speaking and self._rests >= REST_FRAMES:
            self._speaking = False
            return [Resting(self._index, self._played_samples)]
        return []


def _faded(before: Pcm, after: Pcm) -> Pcm:
    """A frame's sound that begins as another would have."""
    weight = np.linspace(0.0, 1.0, FADE_SAMPLES, dtype=np.float32)
    begin = before[:FADE_SAMPLES] * (1 - weight) + after[:FADE_SAMPLES] * weight
    return np.concatenate([begin, after[FADE_SAMPLES:]])
