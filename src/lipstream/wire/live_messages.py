"""The messages of the native stream `lipstream.v1`, one dataclass each: what a client says in, what it is told out.

docs/protocol.md says what they mean, `live_codec` how they look as text and bytes.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from lipstream.types import FRAME_RATE_HZ, FRAME_SAMPLES, OPUS_RATE_HZ, SAMPLE_RATE_HZ

Source = Literal["microphone", "tts", "file"]
SoundCoding = Literal["s16le", "f32le", "opus"]
SoundStep = Literal["echo", "noise", "gain"]
PictureForm = Literal["jpeg", "h264"]
SoundForm = Literal["s16le", "opus", "none"]


class _FromClient:
    """Read to the letter."""

    __slots__ = ()
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _FromServer:
    """What a client does not know, it leaves aside."""

    __slots__ = ()
    __pydantic_config__: ClassVar = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(_FromClient):
    """The first message of a client: who speaks, and how."""

    type: Literal["start"] = "start"
    avatar: str = ""
    """Name or alias; empty: the server's default."""
    source: Source = "microphone"
    """Where the sound comes from."""
    coding: SoundCoding = "s16le"
    """Of the sound sent."""
    sound_in: tuple[SoundStep, ...] = ()
    """What is done to it before it is heard."""
    sample_rate_hz: int | None = None
    """Of the sound sent; None: 16,000, or 48,000 for Opus."""
    picture: PictureForm = "jpeg"
    """Form of the pictures."""
    sound: SoundForm = "s16le"
    """Form of the sound that comes back."""
    gain: float = 1.0
    """Factor of every mouth movement, 0 to 2."""
    lookahead_ms: int | None = None
    """Sound after a frame's start that its mouth may depend on, 172 to 452; None: as the source has it."""
    preroll_ms: int = 80
    """Sound that is gathered before speech begins, 40 to 1,000."""
    first_clip_frame: int = 0
    """Frame of the driving clip that frame 0 shows."""
    max_width: Annotated[int, Field(ge=64, le=8192)] | None = None
    """Wider pictures are made this wide, in pixels; None leaves them as they are."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] | None = None
    """Of JPEGs; None: the server's."""
    bitrate_kbps: Annotated[int, Field(ge=100, le=20_000)] = 1500
    """Of H.264."""

    @property
    def rate_hz(self) -> int:
        """Of the sound sent, whether said or not."""
        return self.sample_rate_hz or (OPUS_RATE_HZ if self.coding == "opus" else SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt(_FromClient):
    """Drop all sound that was sent and is not yet shown."""

    type: Literal["interrupt"] = "interrupt"


@dataclass(frozen=True, slots=True, kw_only=True)
class End(_FromClient):
    """What was said is complete."""

    type: Literal["end"] = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFrame(_FromClient):
    """The next picture shall need none before it."""

    type: Literal["key_frame"] = "key_frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(_FromClient):
    """Answer this."""

    type: Literal["ping"] = "ping"
    sent_ms: float
    """Any number; the client's clock, to know the round trip by."""


@dataclass(frozen=True, slots=True)
class Sound:
    """The next sound of a client."""

    data: bytes
    """Samples as Start says, or one Opus packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(_FromServer):
    """Ready for sound; what will come, and in what form."""

    type: Literal["started"] = "started"
    session: str
    """Names the session, for whoever shall watch it; not to be guessed."""
    avatar: str
    """Who speaks, no alias."""
    width: int
    """Of the pictures, in pixels."""
    height: int
    """Of the pictures, in pixels."""
    frame_rate: int = FRAME_RATE_HZ
    """Frames a second."""
    frame_samples: int = FRAME_SAMPLES
    """Samples a frame."""
    sample_rate_hz: int = SAMPLE_RATE_HZ
    """Of the sound that comes back."""
    picture: PictureForm | Literal["vp8", ""]
    """Form of the pictures; vp8, and none, over WebRTC alone."""
    codec: str
    """As WebCodecs names it, empty for JPEG."""
    sound: SoundForm
    """Form of the sound."""
    sound_delay_samples: int
    """By how much the decoded sound lies behind its picture."""
    lookahead_ms: int
    """Sound after a frame's start that it waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(_FromServer):
    """What all events between frames have."""

    type: str
    frame_index: int
    """The next frame's number."""
    played_samples: int
    """Of the client's sound, at 16 kHz, that left in frames before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaking(Told):
    """The frames from here on show speech."""

    type: Literal["speaking"] = "speaking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting(Told):
    """The frames from here on are at rest."""

    type: Literal["resting"] = "resting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Underrun(Told):
    """Sound came too late."""

    type: Literal["underrun"] = "underrun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(Told):
    """What had not been shown was dropped."""

    type: Literal["interrupted"] = "interrupted"
    dropped_samples: int
    """How much that was, at 16 kHz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Told):
    """Everything before an End was sent."""

    type: Literal["ended"] = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong(_FromServer):
    """The answer to Ping."""

    type: Literal["pong"] = "pong"
    sent_ms: float
    """The ping's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats(_FromServer):
    """How the session goes, once a second."""

    type: Literal["stats"] = "stats"
    frames: int
    """Made so far, fillers included."""
    filler_frames: int
    """Fillers of them."""
    played_samples: int
    """Of the client's sound, at 16 kHz, that left in frames."""
    dropped_samples: int
    """Of it, dropped by interruptions."""
    skipped_samples: int
    """Of it, left out because a microphone's sound was late."""
    underruns: int
    """How often sound came too late."""
    late_frames: int
    """Finished more than 40 ms too late."""
    repeated_frames: int
    """Frames that showed the picture before them on, because the server has too much to do."""
    skipped_pictures: int
    """Pictures left out because the client takes them too slowly."""
    behind_ms: int
    """By how much it takes them too slowly."""
    waiting_ms: int
    """Sound that was sent and is not yet heard."""
    queued_ms: int
    """Sound that was heard and waits for its turn."""
    ppm: float
    """How much faster than declared the source is taken."""
    frame_rate: float
    """Frames sent in the last second."""
    halved: bool
    """Whether the server has so much to do that every picture is shown twice; sound keeps its time."""
    low: bool
    """Whether it has so much to do that a smaller network paints."""
    latency_ms: dict[str, float]
    """Where a frame's time goes, averages of about a second."""
    sound: dict[str, float]
    """What the last second of the client's sound is like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(_FromServer):
    """Why the session is over; the last message."""

    type: Literal["error"] = "error"
    code: str
    """A word for programs, such as `not_found`."""
    status: int
    """The HTTP status of the same mistake; the close code is 4000 more."""
    message: str
    """What was got, what was expected, what to do."""
    request_id: str
    """By which the server's log has more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMessage:
    """A picture with the sound that belongs to it."""

    index: int
    """Its number: it is due 40 ms after the one before."""
    position_samples: int
    """Of the client's sound, at 16 kHz, that left in frames before this one."""
    samples: int
    """How many of its 640 are the client's."""
    width: int
    """Of the picture, in pixels."""
    height: int
    """Of the picture, in pixels."""
    filler: bool = False
    """It carries silence, and none of the client's sound is lost by it."""
    key: bool = False
    """Its picture needs none before it."""
    repeated: bool = False
    """It holds no picture: the last one is shown on."""
    sound: bytes
    """640 samples in the form that Start asked for, or nothing."""
    picture: bytes
    """A JPEG, or an access unit of H.264."""


TextUp = Start | Interrupt | End | KeyFrame | Ping
TextDown = Started | Speaking | Resting | Underrun | Interrupted | Ended | Pong | Stats | Failed
Up = TextUp | Sound
Down = TextDown | FrameMessage
