"""The binary layout with a magic number and a checksum; everything is little-endian.

request   u32 0x12345678 | u8 1    | u32 frame_id | u32 bytes of audio | audio | u32 CRC-32 of the audio
picture   u32 0x12345678 | u8 2    | u32 frame_id | u32 bytes of JPEG  | JPEG  | u32 CRC-32 of the JPEG
error     u32 0x12345678 | u8 0x7F | u32 frame_id | u32 bytes of text  | UTF-8 | u32 CRC-32 of the text
"""

import struct
from dataclasses import dataclass
from zlib import crc32

from lipstream.errors import InputError
from lipstream.wire.dialects.asked import Answer, GenerateFrame, Shown, Told

MAGIC = 0x12345678
MAGIC_BYTES = MAGIC.to_bytes(4, "little")
AUDIO, PICTURE, FAILED = 1, 2, 0x7F
"""Types of messages."""
_HEAD = struct.Struct("<IBII")
_CRC = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class CheckedMessage:
    """One request."""

    content: bytes
    """The whole of it; begins with the magic number."""
    dialect = "checked"

    def asked(self) -> GenerateFrame:
        """Read it.

        Raises:
            InputError: it is no request, shorter or longer than it says, or its checksum is another one.
        """
        around = _HEAD.size + _CRC.size
        if len(self.content) < around:
            raise InputError(f"The message has {len(self.content)} bytes; expected at least {around}.")
        _, kind, frame_id, audio_bytes = _HEAD.unpack_from(self.content)
        if kind != AUDIO:
            raise InputError(f"The message has type {kind:#x}; expected {AUDIO:#x}, a request.")
        if len(self.content) != around + audio_bytes:
            raise InputError(
                f"The message has {len(self.content):,} bytes; its length of audio makes {around + audio_bytes:,}."
            )
        audio = self.content[_HEAD.size : -_CRC.size]
        (sent,) = _CRC.unpack_from(self.content, len(self.content) - _CRC.size)
        if sent != crc32(audio):
            raise InputError(f"The CRC-32 is {sent:#010x}; that of the audio is {crc32(audio):#010x}: send it again.")
        return GenerateFrame(frame_id, audio, placed=False)

    def answer(self, answer: Answer, told: Told) -> bytes:  # noqa: ARG002  has no place for it
        """Write a picture."""
        if not isinstance(answer, Shown):
            raise TypeError(f"{type(answer).__name__} has no binary form")
        return _message(PICTURE, answer.frame_id, answer.jpeg)

    def failed(self, error: str, told: Told) -> bytes:  # noqa: ARG002  has no place for it
        """Write an error; its frame_id is the request's, 0 if that is cut off."""
        return _message(FAILED, self._frame_id, error.encode())

    @property
    def _frame_id(self) -> int:
        return int(_HEAD.unpack_from(self.content)[2]) if len(self.content) >= _HEAD.size else 0


def _message(kind: int, frame_id: int, content: bytes) -> bytes:
    return b"".join((_HEAD.pack(MAGIC, kind, frame_id, len(content)), content, _CRC.pack(crc32(content))))
