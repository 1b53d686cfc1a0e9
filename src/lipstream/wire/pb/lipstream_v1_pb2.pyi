from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AudioFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIO_FORMAT_UNSPECIFIED: _ClassVar[AudioFormat]
    AUDIO_FORMAT_INT16: _ClassVar[AudioFormat]
    AUDIO_FORMAT_FLOAT32: _ClassVar[AudioFormat]

class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORMAT_UNSPECIFIED: _ClassVar[Format]
    FORMAT_JPEG: _ClassVar[Format]
    FORMAT_RAW: _ClassVar[Format]
    FORMAT_MP4: _ClassVar[Format]

class Quality(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUALITY_UNSPECIFIED: _ClassVar[Quality]
    QUALITY_LOW: _ClassVar[Quality]
    QUALITY_MEDIUM: _ClassVar[Quality]
    QUALITY_HIGH: _ClassVar[Quality]
AUDIO_FORMAT_UNSPECIFIED: AudioFormat
AUDIO_FORMAT_INT16: AudioFormat
AUDIO_FORMAT_FLOAT32: AudioFormat
FORMAT_UNSPECIFIED: Format
FORMAT_JPEG: Format
FORMAT_RAW: Format
FORMAT_MP4: Format
QUALITY_UNSPECIFIED: Quality
QUALITY_LOW: Quality
QUALITY_MEDIUM: Quality
QUALITY_HIGH: Quality

class Header(_message.Message):
    __slots__ = ("avatar", "audio_format", "sample_rate_hz", "format", "quality", "gain", "lookahead_ms", "jpeg_quality", "first_clip_frame")
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FORMAT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    GAIN_FIELD_NUMBER: _ClassVar[int]
    LOOKAHEAD_MS_FIELD_NUMBER: _ClassVar[int]
    JPEG_QUALITY_FIELD_NUMBER: _ClassVar[int]
    FIRST_CLIP_FRAME_FIELD_NUMBER: _ClassVar[int]
    avatar: str
    audio_format: AudioFormat
    sample_rate_hz: int
    format: Format
    quality: Quality
    gain: float
    lookahead_ms: int
    jpeg_quality: int
    first_clip_frame: int
    def __init__(self, avatar: _Optional[str] = ..., audio_format: _Optional[_Union[AudioFormat, str]] = ..., sample_rate_hz: _Optional[int] = ..., format: _Optional[_Union[Format, str]] = ..., quality: _Optional[_Union[Quality, str]] = ..., gain: _Optional[float] = ..., lookahead_ms: _Optional[int] = ..., jpeg_quality: _Optional[int] = ..., first_clip_frame: _Optional[int] = ...) -> None: ...

class GenerateRequest(_message.Message):
    __slots__ = ("header", "audio")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    header: Header
    audio: bytes
    def __init__(self, header: _Optional[_Union[Header, _Mapping]] = ..., audio: _Optional[bytes] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("frame", "mp4", "status")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    MP4_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    frame: Frame
    mp4: bytes
    status: Status
    def __init__(self, frame: _Optional[_Union[Frame, _Mapping]] = ..., mp4: _Optional[bytes] = ..., status: _Optional[_Union[Status, _Mapping]] = ...) -> None: ...

class StreamRequest(_message.Message):
    __slots__ = ("start", "audio", "interrupt", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    INTERRUPT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: Header
    audio: bytes
    interrupt: Interrupt
    end: End
    def __init__(self, start: _Optional[_Union[Header, _Mapping]] = ..., audio: _Optional[bytes] = ..., interrupt: _Optional[_Union[Interrupt, _Mapping]] = ..., end: _Optional[_Union[End, _Mapping]] = ...) -> None: ...

class Interrupt(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class End(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StreamResponse(_message.Message):
    __slots__ = ("frame", "event", "status")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    frame: Frame
    event: Event
    status: Status
    def __init__(self, frame: _Optional[_Union[Frame, _Mapping]] = ..., event: _Optional[_Union[Event, _Mapping]] = ..., status: _Optional[_Union[Status, _Mapping]] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("index", "image", "audio", "filler", "width", "height")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    FILLER_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    index: int
    image: bytes
    audio: bytes
    filler: bool
    width: int
    height: int
    def __init__(self, index: _Optional[int] = ..., image: _Optional[bytes] = ..., audio: _Optional[bytes] = ..., filler: _Optional[bool] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("kind", "frame_index", "played_samples", "dropped_samples", "detail")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Event.Kind]
        KIND_STARTED: _ClassVar[Event.Kind]
        KIND_SPEAKING: _ClassVar[Event.Kind]
        KIND_RESTING: _ClassVar[Event.Kind]
        KIND_INTERRUPTED: _ClassVar[Event.Kind]
        KIND_UNDERRUN: _ClassVar[Event.Kind]
    KIND_UNSPECIFIED: Event.Kind
    KIND_STARTED: Event.Kind
    KIND_SPEAKING: Event.Kind
    KIND_RESTING: Event.Kind
    KIND_INTERRUPTED: Event.Kind
    KIND_UNDERRUN: Event.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    PLAYED_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    kind: Event.Kind
    frame_index: int
    played_samples: int
    dropped_samples: int
    detail: str
    def __init__(self, kind: _Optional[_Union[Event.Kind, str]] = ..., frame_index: _Optional[int] = ..., played_samples: _Optional[int] = ..., dropped_samples: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class Status(_message.Message):
    __slots__ = ("frames", "filler_frames", "samples", "first_frame_ms", "total_ms")
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    FILLER_FRAMES_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    FIRST_FRAME_MS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MS_FIELD_NUMBER: _ClassVar[int]
    frames: int
    filler_frames: int
    samples: int
    first_frame_ms: int
    total_ms: int
    def __init__(self, frames: _Optional[int] = ..., filler_frames: _Optional[int] = ..., samples: _Optional[int] = ..., first_frame_ms: _Optional[int] = ..., total_ms: _Optional[int] = ...) -> None: ...

class Avatar(_message.Message):
    __slots__ = ("name", "aliases", "width", "height", "clip_frames", "qualities", "licence", "subject", "loaded", "memory_bytes", "device")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CLIP_FRAMES_FIELD_NUMBER: _ClassVar[int]
    QUALITIES_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    LOADED_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    name: str
    aliases: _containers.RepeatedScalarFieldContainer[str]
    width: int
    height: int
    clip_frames: int
    qualities: _containers.RepeatedScalarFieldContainer[Quality]
    licence: str
    subject: str
    loaded: bool
    memory_bytes: int
    device: str
    def __init__(self, name: _Optional[str] = ..., aliases: _Optional[_Iterable[str]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., clip_frames: _Optional[int] = ..., qualities: _Optional[_Iterable[_Union[Quality, str]]] = ..., licence: _Optional[str] = ..., subject: _Optional[str] = ..., loaded: _Optional[bool] = ..., memory_bytes: _Optional[int] = ..., device: _Optional[str] = ...) -> None: ...

class ListAvatarsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAvatarsResponse(_message.Message):
    __slots__ = ("avatars", "default_avatar")
    AVATARS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_AVATAR_FIELD_NUMBER: _ClassVar[int]
    avatars: _containers.RepeatedCompositeFieldContainer[Avatar]
    default_avatar: str
    def __init__(self, avatars: _Optional[_Iterable[_Union[Avatar, _Mapping]]] = ..., default_avatar: _Optional[str] = ...) -> None: ...

class GetAvatarRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetAvatarResponse(_message.Message):
    __slots__ = ("avatar",)
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    avatar: Avatar
    def __init__(self, avatar: _Optional[_Union[Avatar, _Mapping]] = ...) -> None: ...

class LoadAvatarRequest(_message.Message):
    __slots__ = ("name", "device")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    name: str
    device: str
    def __init__(self, name: _Optional[str] = ..., device: _Optional[str] = ...) -> None: ...

class LoadAvatarResponse(_message.Message):
    __slots__ = ("avatar", "load_ms")
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    LOAD_MS_FIELD_NUMBER: _ClassVar[int]
    avatar: Avatar
    load_ms: int
    def __init__(self, avatar: _Optional[_Union[Avatar, _Mapping]] = ..., load_ms: _Optional[int] = ...) -> None: ...

class UnloadAvatarRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class UnloadAvatarResponse(_message.Message):
    __slots__ = ("was_loaded",)
    WAS_LOADED_FIELD_NUMBER: _ClassVar[int]
    was_loaded: bool
    def __init__(self, was_loaded: _Optional[bool] = ...) -> None: ...

class StatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StatsResponse(_message.Message):
    __slots__ = ("avatars", "loaded_avatars", "max_avatars", "memory_bytes", "max_memory_bytes", "hits", "misses", "evictions", "uptime_ms")
    AVATARS_FIELD_NUMBER: _ClassVar[int]
    LOADED_AVATARS_FIELD_NUMBER: _ClassVar[int]
    MAX_AVATARS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    EVICTIONS_FIELD_NUMBER: _ClassVar[int]
    UPTIME_MS_FIELD_NUMBER: _ClassVar[int]
    avatars: _containers.RepeatedCompositeFieldContainer[AvatarStats]
    loaded_avatars: int
    max_avatars: int
    memory_bytes: int
    max_memory_bytes: int
    hits: int
    misses: int
    evictions: int
    uptime_ms: int
    def __init__(self, avatars: _Optional[_Iterable[_Union[AvatarStats, _Mapping]]] = ..., loaded_avatars: _Optional[int] = ..., max_avatars: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., max_memory_bytes: _Optional[int] = ..., hits: _Optional[int] = ..., misses: _Optional[int] = ..., evictions: _Optional[int] = ..., uptime_ms: _Optional[int] = ...) -> None: ...

class AvatarStats(_message.Message):
    __slots__ = ("name", "loaded", "device", "memory_bytes", "requests", "frames", "generator_ms", "in_use", "last_used_unix_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LOADED_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_MS_FIELD_NUMBER: _ClassVar[int]
    IN_USE_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    loaded: bool
    device: str
    memory_bytes: int
    requests: int
    frames: int
    generator_ms: int
    in_use: int
    last_used_unix_ms: int
    def __init__(self, name: _Optional[str] = ..., loaded: _Optional[bool] = ..., device: _Optional[str] = ..., memory_bytes: _Optional[int] = ..., requests: _Optional[int] = ..., frames: _Optional[int] = ..., generator_ms: _Optional[int] = ..., in_use: _Optional[int] = ..., last_used_unix_ms: _Optional[int] = ...) -> None: ...
