"""The header of a lipstream.v1 call in, how its speech is wanted out, every field checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from lipstream.avatar.manifest import Manifest
from lipstream.errors import InputError
from lipstream.pipeline.arguments import check_gain
from lipstream.serve.avatars import Avatars
from lipstream.serve.manifests import Manifests, network_of
from lipstream.serve.names import check_name
from lipstream.serve.wires.asked import DEFAULT_AVATAR
from lipstream.speech.codes import FULL_LOOKAHEAD_MS, LIVE_LOOKAHEAD_MS, SHORTEST_LOOKAHEAD_MS
from lipstream.types import SAMPLE_RATE_HZ
from lipstream.wire.pb import lipstream_v1_pb2 as pb
from lipstream.wire.pcm import Coding
from lipstream.wire.recording import HIGHEST_RATE_HZ, LOWEST_RATE_HZ

_T = TypeVar("_T")
Form = Literal["jpeg", "raw", "mp4"]
CODINGS: dict[int, Coding] = {
    pb.AUDIO_FORMAT_UNSPECIFIED: "int16",
    pb.AUDIO_FORMAT_INT16: "int16",
    pb.AUDIO_FORMAT_FLOAT32: "float32",
}
FORMS: dict[int, Form] = {
    pb.FORMAT_UNSPECIFIED: "jpeg",
    pb.FORMAT_JPEG: "jpeg",
    pb.FORMAT_RAW: "raw",
    pb.FORMAT_MP4: "mp4",
}
QUALITIES = {"low": pb.QUALITY_LOW, "medium": pb.QUALITY_MEDIUM, "high": pb.QUALITY_HIGH}
QUALITY_NAMES: dict[int, str] = {number: name for name, number in QUALITIES.items()}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a speech is sent and wanted back."""

    avatar: str
    """Who speaks, no alias."""
    coding: Coding
    """Of the samples sent."""
    rate_hz: int
    """Theirs."""
    form: Form
    """Of the frames."""
    gain: float
    """Factor of every mouth movement, 0 (closed) to 2."""
    lookahead_ms: int
    """Sound after the start of a frame that its mouth may depend on, 172 to 452."""
    jpeg_quality: int
    """Of JPEGs, 1 to 100."""
    first_clip_frame: int
    """Frame of the driving clip that frame 0 shows."""


@dataclass(frozen=True, eq=False)
class Headers:
    """Reads headers by what this server has to offer."""

    avatars: Avatars
    """Who can be shown."""
    manifests: Manifests
    """What those have."""
    quality: str = "auto"
    """In which avatars are loaded here: `low`, `medium`, `high`; `auto` is medium."""
    jpeg_quality: int = 75
    """Where the header leaves it open, 1 to 100."""

    def read(self, header: pb.Header, *, live: bool = False) -> Wanted:
        """Check a header.

        Args:
            header: as it came.
            live: whether the audio comes as it is spoken, for the look-ahead where the header leaves it open.

        Raises:
            InputError: a field that cannot be used, or a quality that is not loaded here.
            AvatarNotFoundError: no avatar of that name. AvatarError: one that is damaged; both only where the header
                asks for another quality than this server's.
        """
        avatar = self.avatars.registry.resolve(check_name(header.avatar or DEFAULT_AVATAR))
        self._check_quality(header.quality, avatar)
        gain = header.gain if header.HasField("gain") else 1.0
        check_gain(gain)
        if header.first_clip_frame < 0:
            raise InputError(f"first_clip_frame is {header.first_clip_frame}; expected 0 or more.")
        if not 0 <= header.jpeg_quality <= 100:
            raise InputError(f"jpeg_quality is {header.jpeg_quality}; expected 1 to 100, or 0 for the server's.")
        return Wanted(
            avatar,
            _row(CODINGS, header.audio_format, "audio_format"),
            _rate_hz(header.sample_rate_hz),
            _row(FORMS, header.format, "format"),
            gain,
            _lookahead_ms(header, LIVE_LOOKAHEAD_MS if live else FULL_LOOKAHEAD_MS),
            header.jpeg_quality or self.jpeg_quality,
            header.first_clip_frame,
        )

    def _check_quality(self, asked: int, avatar: str) -> None:
        runs = "medium" if self.quality == "auto" else self.quality
        if asked == pb.QUALITY_UNSPECIFIED or QUALITY_NAMES.get(asked) == runs:
            return
        quality = _row(QUALITY_NAMES, asked, "quality")
        if not _alike(self.manifests.of(avatar), quality, runs):
            raise InputError(
                f"quality is {quality}, and this server loads avatars in quality {runs} (registry.quality): leave the "
                "field unset, or ask a server that loads them so."
            )


def _alike(manifest: Manifest, quality: str, other: str) -> bool:
    """Whether two qualities mean the same network, as where an avatar has only one."""
    return network_of(manifest, quality) == network_of(manifest, other)


def _row(table: Mapping[int, _T], number: int, field: str) -> _T:
    if number not in table:
        known = ", ".join(map(str, sorted(table)))
        raise InputError(f"{field} is {number}; expected one of {known}, as the .proto names them.")
    return table[number]


def _rate_hz(sent: int) -> int:
    rate_hz = sent or SAMPLE_RATE_HZ
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise InputError(
            f"sample_rate_hz is {rate_hz:,}; expected {LOWEST_RATE_HZ:,} to {HIGHEST_RATE_HZ:,}, or 0 for 16,000."
        )
    return rate_hz


def _lookahead_ms(header: pb.Header, default_ms: int) -> int:
    lookahead_ms = header.lookahead_ms if header.HasField("lookahead_ms") else default_ms
    if not SHORTEST_LOOKAHEAD_MS <= lookahead_ms <= FULL_LOOKAHEAD_MS:
        raise InputError(
            f"lookahead_ms is {lookahead_ms}; expected {SHORTEST_LOOKAHEAD_MS} to {FULL_LOOKAHEAD_MS}: more gives "
            "better lips, less a shorter delay."
        )
    return lookahead_ms
