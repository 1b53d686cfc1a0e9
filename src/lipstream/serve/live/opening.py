"""The words of live sessions: what a client asks for, what a server allows, what a session tells of itself."""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

from lipstream.pipeline.session import StreamSettings, StreamStats

State = Literal["idle", "speaking", "draining", "closed"]
"""Nobody speaks; speech is shown; no more sound is taken, and what was pushed is shown to its end; it is over."""
Transport = Literal["grpc", "websocket", "webrtc"]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client asks for."""

    avatar: str
    """Who speaks, or an alias."""
    settings: StreamSettings
    """How the session is to be."""
    client: Hashable
    """Whose it is."""
    transport: Transport
    """How it comes."""


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """What the sessions of a server may take."""

    max_sessions: int = 0
    """Open at once; 0 is as many as measured."""
    max_waiting_ms: float = 600_000.0
    """Sound of one session that was pushed and not heard."""
    idle_ms: float = math.inf
    """A session to which nothing comes for so long ends."""
    max_duration_ms: float = math.inf
    """A session that is so old ends."""


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
