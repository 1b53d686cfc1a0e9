"""What a server says of WebRTC and what a request asks for: plain values, which need no package to read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from lipstream.errors import InputError
from lipstream.pipeline.session import StreamSettings
from lipstream.serve.live.opening import SOURCES
from lipstream.serve.sound_in import read_steps
from lipstream.types import OPUS_RATE_HZ
from lipstream.wire.live_messages import SoundStep

PACED: Mapping[str, StreamSettings] = {name: one for name, one in SOURCES.items() if one.paced}
SWITCH = {"0": False, "1": True}

Codec = Literal["H264", "VP8"]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class IceServer:
    """A server that helps two sides to find each other (STUN), or that passes all on between them (TURN)."""

    url: str
    """As `stun:host:port` or `turn:host:port?transport=tcp`."""
    username: str | None = None
    """For TURN."""
    credential: str | None = None
    """Its password; the browser is told it too."""

    @property
    def told(self) -> dict[str, str]:
        """As a browser's RTCPeerConnection takes it."""
        login = {"username": self.username, "credential": self.credential}
        return {"urls": self.url, **{name: value for name, value in login.items() if value is not None}}

    @property
    def link(self) -> str:
        """As WHEP tells it in a `Link` header."""
        login = f'; username="{self.username}"; credential="{self.credential}"; credential-type="password"'
        return f'<{self.url}>; rel="ice-server"' + (login if self.username else "")


@dataclass(frozen=True, slots=True)
class WebRtcSettings:
    """How connections are to be."""

    ice_servers: tuple[IceServer, ...] = ()
    """At most one of each kind is used by this side."""
    public_address: str | None = None
    """By which a 1:1 NAT is known outside."""
    codecs: tuple[Codec, ...] = ("H264", "VP8")
    """Those that may be used, the best first."""
    bitrate_kbps: int = 2500
    """Of the pictures."""
    connect_timeout_ms: float = 10_000
    """A connection that does not come about in so long ends."""
    idle_timeout_ms: float = 10_000
    """One from which nothing comes for so long ends."""
    drain_ms: float = 10_000
    """How long connections have to end by themselves once the server stops."""
    max_viewers: int = 100
    """Who watch at the same time, of all sessions together."""
    sound_in: frozenset[SoundStep] = frozenset()
    """What is done to a microphone's sound unless a request says."""


DEFAULT_SETTINGS = WebRtcSettings()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a talker asks for."""

    avatar: str
    """Who speaks, or an alias."""
    settings: StreamSettings
    """How the session is to be."""
    echo: bool
    """Whether the sound comes back with the pictures; silence does otherwise."""
    steps: frozenset[SoundStep]
    """What is done to the microphone's sound."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose offer it is."""

    client: str
    """His name."""
    request_id: str
    """Of the request that brought it."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An offer that was taken."""

    connection: str
    """Names the connection, for whoever ends it; not to be guessed."""
    session: str
    """Names the session, for whoever shall watch it; not to be guessed either."""
    sdp: str
    """The answer."""


def read_wish(query: Mapping[str, str], default_avatar: str, steps: frozenset[SoundStep]) -> Wish:
    """Read the query of `POST /v1/webrtc`.

    Args:
        query: `avatar`, `source` (microphone or tts), `gain`, `echo` (0 or 1), `sound_in`; others are left aside.
        default_avatar: who speaks if nobody is named.
        steps: what is done to the sound if nothing is said.

    Raises:
        InputError: a value is none of those.
    """
    settings = _one_of("source", query.get("source", "microphone"), PACED)
    return Wish(
        avatar=query.get("avatar") or default_avatar,
        settings=replace(settings, sample_rate_hz=OPUS_RATE_HZ, gain=_number("gain", query.get("gain", "1"))),
        echo=_one_of("echo", query.get("echo", "1"), SWITCH),
        steps=read_steps(query["sound_in"]) if "sound_in" in query else steps,
    )


def _one_of(name: str, value: str, table: Mapping[str, _T]) -> _T:
    if value not in table:
        raise InputError(f"{name} is {value[:40]!r}; expected {' or '.join(table)}")
    return table[value]


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InputError(f"{name} is {value[:40]!r}; expected a number") from None
