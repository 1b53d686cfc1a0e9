"""A client of the reference's WebSocket dialects, written from their tables alone: nothing of lipstream is used."""

import base64
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

MAGIC = 0x12345678


@dataclass(frozen=True)
class Reply:
    """What a binary message says."""

    kind: int
    frame_id: int
    content: bytes
    """A JPEG, or the text of an error."""
    bounds: tuple[float, ...] = ()
    processing_ms: int = 0
    video_type: str = ""


def binary_request(name: bytes, frame_id: int, audio: bytes) -> bytes:
    return struct.pack("<I", len(name)) + name + struct.pack("<II", frame_id, len(audio)) + audio


def checked_request(frame_id: int, audio: bytes) -> bytes:
    return struct.pack("<IBII", MAGIC, 1, frame_id, len(audio)) + audio + struct.pack("<I", zlib.crc32(audio))


def json_request(frame_id: int, audio: bytes, **more: object) -> str:
    return json.dumps({"frame_id": frame_id, "audio_override": base64.b64encode(audio).decode(), **more})


def action_request(frame_id: int, audio: bytes, **more: object) -> str:
    sound = base64.b64encode(audio).decode()
    return json.dumps({"action": "generate_frame", "frame_id": frame_id, "audio_data": sound, **more})


def read_binary(message: str | bytes) -> Reply:
    """The first byte tells which of three messages it is."""
    assert isinstance(message, bytes)
    kind = message[0]
    if kind == 2:
        frame_id, type_bytes = struct.unpack_from("<iB", message, 1)
        video_type = message[6 : 6 + type_bytes].decode()
        (size,) = struct.unpack_from("<I", message, 6 + type_bytes)
        assert len(message) == 10 + type_bytes + size
        return Reply(kind, frame_id, message[10 + type_bytes :], video_type=video_type)
    frame_id, processing_ms, size = struct.unpack_from("<III", message, 1)
    content, rest = message[13 : 13 + size], message[13 + size :]
    assert len(content) == size
    if kind == 0:
        assert rest == b""
        return Reply(kind, frame_id, content, processing_ms=processing_ms)
    assert kind == 1
    (bounds_bytes,) = struct.unpack_from("<I", rest)
    assert len(rest) == 4 + bounds_bytes
    bounds = struct.unpack_from(f"<{bounds_bytes // 4}f", rest, 4)
    return Reply(kind, frame_id, content, bounds, processing_ms)


def read_checked(message: str | bytes) -> Reply:
    assert isinstance(message, bytes)
    magic, kind, frame_id, size = struct.unpack_from("<IBII", message)
    content = message[13 : 13 + size]
    assert magic == MAGIC
    assert len(message) == 17 + size
    assert struct.unpack_from("<I", message, 13 + size)[0] == zlib.crc32(content)
    return Reply(kind, frame_id, content)


def read_json(message: str | bytes) -> dict[str, Any]:
    assert isinstance(message, str)
    read: dict[str, Any] = json.loads(message)
    return read
