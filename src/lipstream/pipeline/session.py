"""The words of a session: how it is to be, what it gives; settings and sound that cannot be meant are refused."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from lipstream.audio.read import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from lipstream.errors import InputError
from lipstream.pipeline.arguments import check_gain
from lipstream.speech.codes import FULL_LOOKAHEAD_MS, LIVE_LOOKAHEAD_MS, SHORTEST_LOOKAHEAD_MS
from lipstream.types import FRAME_MS, SAMPLE_RATE_HZ, Float32, Frame

MAX_PREROLL_MS = 1_000
MAX_QUEUE_MS = 600_000


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How one session is to be; as it stands for sound that arrives in real time.

    Raises:
        InputError: a setting is out of its range.
    """

    sample_rate_hz: int = SAMPLE_RATE_HZ
    """Of what is pushed, 1,000 to 768,000."""
    lookahead_ms: int = LIVE_LOOKAHEAD_MS
    """Sound after the start of a frame that it waits for, 172 to 452; below 452 sound is resampled with less delay."""
    gain: float = 1.0
    """Factor of every mouth movement, 0 to 2."""
    first_picture: int = 0
    """Picture of the driving clip that frame 0 shows; the clip goes on with every frame, whoever speaks."""
    paced: bool = True
    """25 frames a second, fillers where there is no sound; else frames as fast as they are taken, of sound alone."""
    preroll_ms: int = 80
    """Sound that waits when speech begins, 40 to 1,000, in frames of 40: so late, less 40, may more of it be."""
    steered: bool = False
    """Whether the source's clock is its own, a microphone's: its rate is followed within 300 ppm. Only if paced."""
    queue_ms: int = 10_000
    """Sound that may wait for its turn, 1,000 to 600,000; a push beyond it waits for room."""
    client: Hashable = None
    """Whose stream it is, for equal shares of the networks where nothing is due."""

    def __post_init__(self) -> None:
        _check_range("sample rate", self.sample_rate_hz, LOWEST_RATE_HZ, HIGHEST_RATE_HZ, "Hz")
        _check_range("look-ahead", self.lookahead_ms, SHORTEST_LOOKAHEAD_MS, FULL_LOOKAHEAD_MS, "ms")
        _check_range("pre-roll", self.preroll_ms, FRAME_MS, MAX_PREROLL_MS, "ms")
        _check_range("queue", self.queue_ms, MAX_PREROLL_MS, MAX_QUEUE_MS, "ms")
        check_gain(self.gain)
        if self.first_picture < 0:
            raise InputError(f"the first picture is {self.first_picture}; expected 0 or more, the clip repeats")
        if self.steered and not self.paced:
            raise InputError("a stream without a pace cannot follow a clock; expected paced=True or steered=False")


@dataclass(frozen=True, slots=True)
class StreamFrame(Frame):
    """A frame of a stream."""

    samples: int
    """How many of its 640 samples are the speaker's."""
    filler: bool
    """No sound had arrived in time, or none is being spoken: it carries silence, and none is lost by it."""


@dataclass(frozen=True, slots=True)
class Passed:
    """When a frame passed the stations of its stream, in ms of the stream's clock."""

    came_ms: float | None
    """The first of its samples was pushed; None for a filler."""
    heard_ms: float | None
    """Its look-ahead was complete and heard; None for a filler."""
    turn_ms: float
    """It was chosen."""
    due_ms: float
    """It was to be finished."""
    painted_ms: float
    """It was finished."""
    taken_ms: float
    """It was taken."""
    repeated: bool
    """It shows the picture before it again."""
    skipped_samples: int = 0
    """Of the speaker's sound, at 16 kHz, left out before it."""

    @property
    def late_ms(self) -> float:
        """By how much it was finished too late, at most 0 where it was in time."""
        return self.painted_ms - self.due_ms


@dataclass(frozen=True, slots=True)
class StreamStats:
    """What a stream has done so far; a snapshot."""

    frames: int
    """Frames taken, fillers included."""
    filler_frames: int
    """Fillers taken."""
    played_samples: int
    """Of the speaker's sound, at 16 kHz, that left in frames."""
    dropped_samples: int
    """Of it, dropped by interruptions."""
    underruns: int
    """How often sound came too late."""
    queued_ms: int
    """Sound that waits for its turn, its look-ahead complete."""
    ppm: float
    """How much faster than declared the source is taken."""
    repeated_frames: int
    """Frames taken that showed the picture before them again."""
    skipped_samples: int
    """Of the speaker's sound, at 16 kHz, left out because a microphone's was late."""


def check_sound(sound: object) -> None:
    """Raise InputError unless it is `[n]` float32 of finite samples."""
    if not np.isfinite(check_samples(sound)).all():
        raise InputError("the sound has samples that are not numbers; expected -1..1: look at what records it")


def check_samples(sound: object) -> Float32:
    """A sound as it is; raises InputError unless it is `[n]` float32."""
    if not isinstance(sound, np.ndarray) or sound.dtype != np.float32 or sound.ndim != 1:
        got = f"{sound.dtype} {list(sound.shape)}" if isinstance(sound, np.ndarray) else type(sound).__name__
        raise InputError(f"the sound is {got}; expected [n] float32 in -1..1 of one channel, or END")
    return sound


def _check_range(what: str, value: int, lowest: int, highest: int, unit: str) -> None:
    if not lowest <= value <= highest:
        raise InputError(f"the {what} of a stream is {value} {unit}; expected {lowest} to {highest}")


FROM_FILE = StreamSettings(lookahead_ms=FULL_LOOKAHEAD_MS, paced=False)
"""All the context that the networks can use, as fast as they can."""
FROM_TTS = StreamSettings(lookahead_ms=FULL_LOOKAHEAD_MS)
"""All the context, in real time: sound that is made faster than it is spoken."""
FROM_MICROPHONE = StreamSettings(steered=True)
"""212 ms of context, in real time, by the microphone's clock."""
