"""The binary layout of the reference's second server and of its proxy; everything is little-endian.

request   u32 bytes of name | name, UTF-8 | u32 frame_id | u32 bytes of audio | audio
picture   u8 1 | u32 frame_id | u32 ms | u32 bytes of JPEG | JPEG | u32 bytes of bounds | f32 bounds ...
error     u8 0 | u32 0 | u32 ms | u32 bytes of text | text, UTF-8
filmed    u8 2 | i32 frame_id | u8 bytes of type | type | u32 bytes of JPEG | JPEG     (asked for by JSON)
"""

import struct
from dataclasses import dataclass

from lipstream.errors import InputError
from lipstream.wire.dialects.asked import DEFAULT_MODEL, Answer, GenerateFrame, Shown, Told, VideoFrame

FAILED, PICTURE, FILMED = 0, 1, 2
"""The first byte of every answer."""
LEAST_BYTES = 12
"""Of a request without name and sound."""
MOST_U32 = 2**32 - 1
_U32 = struct.Struct("<I")
_HEAD = struct.Struct("<BIII")


@dataclass(frozen=True, slots=True)
class BinaryMessage:
    """One request."""

    content: bytes
    """The whole of it."""
    dialect = "binary"

    def asked(self) -> GenerateFrame:
        """Read it.

        Raises:
            InputError: it is shorter or longer than it says, or the name is no UTF-8.
        """
        content = self.content
        if len(content) < LEAST_BYTES:
            raise InputError(f"The message has {len(content)} bytes; expected at least {LEAST_BYTES}.")
        (name_bytes,) = _U32.unpack_from(content)
        if name_bytes > len(content) - LEAST_BYTES:
            raise InputError(f"The name has {name_bytes:,} bytes; the message has no more than {len(content):,}.")
        frame_id, audio_bytes = struct.unpack_from("<II", content, 4 + name_bytes)
        expected = LEAST_BYTES + name_bytes + audio_bytes
        if len(content) != expected:
            raise InputError(f"The message has {len(content):,} bytes; its lengths make {expected:,}.")
        return GenerateFrame(frame_id, content[LEAST_BYTES + name_bytes :], self._name(name_bytes) or DEFAULT_MODEL)

    def answer(self, answer: Answer, told: Told) -> bytes:
        """Write a picture."""
        if not isinstance(answer, Shown):
            raise TypeError(f"{type(answer).__name__} has no binary form")
        jpeg, bounds = answer.jpeg, struct.pack(f"<{len(answer.bounds)}f", *answer.bounds)
        head = _HEAD.pack(PICTURE, answer.frame_id, _u32(told.processing_ms), len(jpeg))
        return b"".join((head, jpeg, _U32.pack(len(bounds)), bounds))

    def failed(self, error: str, told: Told) -> bytes:
        """Write an error; its frame_id is always 0."""
        text = error.encode()
        return _HEAD.pack(FAILED, 0, _u32(told.processing_ms), len(text)) + text

    def _name(self, name_bytes: int) -> str:
        try:
            return self.content[4 : 4 + name_bytes].decode()
        except UnicodeDecodeError as error:
            raise InputError(f"The name is no UTF-8 ({error.reason} at byte {error.start}).") from error


def filmed(frame: VideoFrame) -> bytes:
    """Write a picture as it was filmed, which JSON asks for."""
    kind = frame.video_type.encode()
    head = struct.pack("<BiB", FILMED, frame.frame_id, len(kind))
    return b"".join((head, kind, _U32.pack(len(frame.jpeg)), frame.jpeg))


def _u32(number: float) -> int:
    return min(round(number), MOST_U32)
