"""The bytes of a WAV file in, mono float32 samples and their rate out.

The standard library's `wave` knows whole numbers alone, and PyAV would take a playlist for one and open what it names.
"""

import struct
from collections.abc import Iterator

import numpy as np

from lipstream.errors import InputError
from lipstream.types import Float32

EXTENSIBLE = 0xFFFE
"""Coding whose true kind, PCM (1) or float (3), stands further on."""
MAX_CHANNELS = 32
_EXPECTED = "expected 8, 16, 24 or 32-bit PCM, or 32 or 64-bit float"


def is_wav(data: bytes) -> bool:
    """Whether bytes begin as a WAV file does."""
    return data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE"


def read_wav(data: bytes) -> tuple[bytes, int]:
    """Read a WAV file; one that breaks off gives what is there of it.

    Args:
        data: the file.

    Returns:
        Its samples, the mean of its channels, as little-endian float32, 1.0 for full scale; and its rate in Hz.

    Raises:
        InputError: no WAV file, no samples, or a coding other than PCM and float.
    """
    if not is_wav(data):
        raise InputError(f"{len(data):,} bytes do not begin as a WAV file does; send one")
    coding: tuple[int, int, int, int] | None = None
    for name, body in _chunks(data):
        if name == b"fmt ":
            coding = _coding(body)
        elif name == b"data" and coding is not None:
            kind, channels, rate_hz, bits = coding
            samples = _samples(body, kind, bits)
            samples = samples[: len(samples) // channels * channels].reshape(-1, channels)
            if not len(samples):
                break
            mean = samples.mean(axis=1, dtype=np.float32)
            return mean.astype("<f4", copy=False).tobytes(), rate_hz
    raise InputError("the WAV file holds no samples; record it again")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and body of every chunk; the last may be shorter than it says, as in files that were streamed."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _coding(body: bytes) -> tuple[int, int, int, int]:
    """Kind, channels, rate in Hz and bits of a sample."""
    if len(body) < 16:
        raise InputError(f"the WAV file's header has {len(body)} bytes, expected 16 or more; record it again")
    kind, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if kind == EXTENSIBLE and len(body) >= 26:
        (kind,) = struct.unpack_from("<H", body, 24)
    if not 1 <= channels <= MAX_CHANNELS:
        raise InputError(f"the WAV file has {channels} channels; expected 1 to {MAX_CHANNELS}")
    if rate_hz == 0:
        raise InputError("the WAV file says 0 samples a second; record it again")
    return kind, channels, rate_hz, bits


def _samples(body: bytes, kind: int, bits: int) -> Float32:
    """All samples of all channels, `[n]` float32."""
    width = max(1, bits // 8)
    body = body[: len(body) // width * width]
    match kind, bits:
        case (1, 8):
            return (np.frombuffer(body, np.uint8).astype(np.float32) - np.float32(128)) * np.float32(2**-7)
        case (1, 24):
            threes = np.frombuffer(body, np.uint8).reshape(-1, 3)
            fours = np.pad(threes, ((0, 0), (1, 0)))
            return fours.view("<i4")[:, 0].astype(np.float32) * np.float32(2**-31)
        case (1, 16 | 32):
            return np.frombuffer(body, f"<i{width}").astype(np.float32) * np.float32(0.5 ** (bits - 1))
        case (3, 32 | 64):
            return np.frombuffer(body, f"<f{width}").astype(np.float32)
    raise InputError(f"the WAV file has coding {kind} of {bits} bits; {_EXPECTED}")
