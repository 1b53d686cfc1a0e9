"""What the reference's WebSocket dialects ask, and what they are answered, whatever bytes say it."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

DEFAULT_MODEL = "default_model"
"""Who speaks where a message names nobody."""


@dataclass(frozen=True, slots=True)
class GenerateFrame:
    """One picture that says the sound around it."""

    frame_id: int
    """Number of the picture in the driving clip, 0 to 4,294,967,295."""
    audio: bytes = b""
    """16 chunks of 40 ms, of which the ninth is the frame's own (see `window.read_window`); empty for none."""
    model_name: str = DEFAULT_MODEL
    """Name of the avatar."""
    placed: bool = True
    """Whether the answer can say where the picture belongs."""


@dataclass(frozen=True, slots=True)
class GenerateBatch:
    """Pictures without sound."""

    frame_ids: tuple[int, ...]
    """Their numbers."""
    model_name: str = DEFAULT_MODEL
    """Name of the avatar."""


@dataclass(frozen=True, slots=True)
class GetStats:
    """How much was asked of this server."""


@dataclass(frozen=True, slots=True)
class SwitchProtocol:
    """Whether binary messages are understood."""

    test: bool = False
    """Whether it is the proxy's question."""


@dataclass(frozen=True, slots=True)
class ListModels:
    """Which avatars are loaded."""


@dataclass(frozen=True, slots=True)
class GetMetadata:
    """What an avatar is."""

    model_name: str = DEFAULT_MODEL
    """Its name."""


@dataclass(frozen=True, slots=True)
class GetVideoFrame:
    """A picture as it was filmed."""

    frame_id: int
    """Its number, 0 to 2,147,483,647."""
    video_type: str = ""
    """Which view of it; empty for the whole picture."""
    model_name: str = DEFAULT_MODEL
    """Name of the avatar."""


Asked: TypeAlias = GenerateFrame | GenerateBatch | GetStats | SwitchProtocol | ListModels | GetMetadata | GetVideoFrame


@dataclass(frozen=True, slots=True)
class Shown:
    """A finished picture."""

    frame_id: int
    """The number that was asked for."""
    jpeg: bytes
    """The face, to be drawn over `bounds`, or the whole picture."""
    bounds: tuple[float, ...]
    """Left, top, right, bottom of the face in pixels of the whole picture."""
    shape: str
    """Height, width and channels of `jpeg`, as `320x320x3`."""
    prepare_ms: float = 0.0
    """Loading, sound and driving picture."""
    inference_ms: float = 0.0
    """Waiting for the generator."""
    composite_ms: float = 0.0
    """Blending, cutting and compressing."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Finished pictures."""

    frames: tuple[Shown, ...]
    """In the order of their numbers' asking, 1 or more."""


@dataclass(frozen=True, slots=True)
class Stats:
    """How much was asked of this server."""

    binary_requests: int
    """Messages in one of the binary layouts."""
    json_requests: int
    """All others."""
    average_ms: float
    """Mean time of a message, from its arrival to its answer."""
    connected_clients: int
    """Sockets that are open."""


@dataclass(frozen=True, slots=True)
class Models:
    """Avatars that are loaded."""

    names: tuple[str, ...]
    """Their names."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What an avatar is."""

    model_name: str
    """Its name, as it was asked for."""
    frames: int
    """Pictures of its driving clip."""
    videos: tuple[str, ...]
    """What `GetVideoFrame.video_type` may be."""
    bounds: tuple[float, ...]
    """Left, top, right, bottom of the face in the first picture, in pixels."""


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A picture as it was filmed."""

    frame_id: int
    """Its number, 0 to 2,147,483,647."""
    video_type: str
    """Which view of it, at most 255 bytes of UTF-8."""
    jpeg: bytes
    """The picture."""


Answer: TypeAlias = Shown | Batch | Stats | SwitchProtocol | Models | Metadata | VideoFrame


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer tells besides."""

    request_id: str
    """The message's id."""
    processing_ms: float
    """Time that the message took, 0 or more."""
    pictures: int
    """Pictures painted by this server for these dialects since it started."""


class Opened(Protocol):
    """One message, as far as to know in which form it is answered."""

    @property
    def dialect(self) -> str:
        """Its dialect's name: json, binary or checked."""
        ...

    def asked(self) -> Asked:
        """What it asks; raises InputError if that cannot be told."""
        ...

    def answer(self, answer: Answer, told: Told) -> str | bytes:
        """Write what it is answered."""
        ...

    def failed(self, error: str, told: Told) -> str | bytes:
        """Write why it is not answered."""
        ...
