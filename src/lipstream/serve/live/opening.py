"""The words of live sessions: what a client asks for, what a server allows, what a session tells of itself."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from lipstream.errors import InputError
from lipstream.pipeline.playout import Event
from lipstream.pipeline.session import FROM_FILE, FROM_MICROPHONE, FROM_TTS, Passed, StreamSettings, StreamStats
from lipstream.serve.sound_in import SoundView
from lipstream.wire.live_messages import Source

State = Literal["idle", "speaking", "draining", "closed"]
"""Nobody speaks; speech is shown; no more sound is taken, and what was pushed is shown to its end; it is over."""
Transport = Literal["grpc", "websocket", "webrtc"]
Stage = Literal["heard", "queued", "painted", "encoded", "sent"]
"""Stations of a frame, as `Latency` has them."""


SOURCES: Mapping[Source, StreamSettings] = {"microphone": FROM_MICROPHONE, "tts": FROM_TTS, "file": FROM_FILE}
"""How a session is to be, by where its sound comes from."""
HIGHEST_RATE_HZ = 192_000
"""Of a client's sound; no microphone has more."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client asks for.

    Raises:
        InputError: its sound has a higher rate than live sound has.
    """

    avatar: str
    """Who speaks, or an alias."""
    settings: StreamSettings
    """How the session is to be."""
    client: Hashable
    """Whose it is."""
    transport: Transport
    """How it comes."""

    def __post_init__(self) -> None:
        if self.settings.sample_rate_hz > HIGHEST_RATE_HZ:
            got_hz = self.settings.sample_rate_hz
            raise InputError(
                f"live sound has {got_hz:,} Hz; expected at most {HIGHEST_RATE_HZ:,}: send it at a lower rate"
            )


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """What the sessions of a server may take."""

    max_sessions: int = 100
    """Open at once; 0 is as many as are measured to fit."""
    max_waiting_ms: float = 600_000.0
    """Sound of one session that was pushed and not heard."""
    idle_ms: float = math.inf
    """A session to which nothing comes for so long ends."""
    max_duration_ms: float = math.inf
    """A session that is so old ends."""
    adaptive: bool = True
    """Whether they do less while frames are late."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Where the time of one session's frames went lately, in ms; averages of about 25 frames."""

    heard_ms: float = 0.0
    """From the arrival of a frame's first sample until its look-ahead had come and was heard."""
    queued_ms: float = 0.0
    """Then, until it was the frame's turn."""
    painted_ms: float = 0.0
    """Then, until its picture was finished."""
    encoded_ms: float = 0.0
    """What the transport gave `Session.work` to do, a frame."""
    sent_ms: float = 0.0
    """From the frame being taken until the next one was asked for, less `encoded_ms`."""


@dataclass(frozen=True, slots=True)
class SessionStats(StreamStats):
    """What a session has done so far; a snapshot."""

    waiting_ms: int
    """Sound that was pushed and not heard."""
    first_frame_ms: float
    """From the first sound being pushed to the first frame of it being taken; 0 before."""
    latency: Latency
    """Where the time goes."""
    sound: SoundView
    """What the last second of its sound is like."""
    late_frames: int
    """Frames taken that were finished more than 40 ms too late."""
    halved: bool
    """Whether it shows 12.5 pictures a second, each twice; its sound keeps its time."""
    low: bool
    """Whether a smaller network of the avatar paints it."""


@dataclass(frozen=True, slots=True)
class Floor:
    """What is going on; a snapshot."""

    sessions: Mapping[tuple[Transport, State], int]
    """How many are open, by transport and state."""
    most: int
    """How many may be; 0 while that was not measured."""
    slowed: int
    """How many show half the pictures."""
    low: bool
    """Whether smaller networks paint, where avatars have them."""
    viewers: int
    """Who watch a session that is not theirs."""


class Observer(Protocol):
    """Is told what sessions do."""

    def showed(self, session: str, passed: Passed) -> None:
        """A frame of the session of this id was taken."""
        ...

    def left(self, stages: Mapping[Stage, float]) -> None:
        """It has left; what the stations after it was taken took, in ms."""
        ...

    def told(self, event: Event) -> None:
        """An event was taken."""
        ...
