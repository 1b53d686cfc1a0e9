"""Bytes of mono sound in, checked samples out; and samples back into bytes and into the stereo of a file."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import soxr

from lipstream.errors import InputError
from lipstream.types import Float32
from lipstream.wire.recording import within_scale
from lipstream.wire.tensors import read_floats

Coding = Literal["int16", "float32"]
FULL_SCALE = 32768.0


def read_samples(audio: bytes, coding: Coding) -> Float32:
    """Read the field `audio` of lipstream.v1.

    Args:
        audio: mono, little-endian.
        coding: int16, or float32 in -1..1, of which what is slightly louder is clipped.

    Returns:
        `[n]` float32 in -1..1.

    Raises:
        InputError: no whole number of samples, NaN or infinity, or samples of another scale.
    """
    if coding == "float32":
        return np.clip(within_scale(read_floats(audio, "audio"), "audio"), -1.0, 1.0)
    if len(audio) % 2:
        raise InputError(f"audio has {len(audio):,} bytes; expected whole samples of 2 bytes (int16, little-endian).")
    return np.frombuffer(audio, "<i2").astype(np.float32) / np.float32(FULL_SCALE)


def read_live_samples(audio: bytes, coding: Coding) -> Float32:
    """Read sound that is still being spoken: as `read_samples`, but NaN and infinity are NaN, for the session to count.

    Raises:
        InputError: no whole number of samples, or samples of another scale.
    """
    if coding == "int16":
        return read_samples(audio, coding)
    samples = read_floats(audio, "audio")
    numbers = np.isfinite(samples)
    within_scale(samples[numbers], "audio")
    return np.clip(np.where(numbers, samples, np.float32(np.nan)), -1.0, 1.0)


def int16_bytes(samples: Float32) -> bytes:
    """Samples in -1..1 as int16, little-endian."""
    scaled = np.rint(samples * np.float32(FULL_SCALE)).clip(-FULL_SCALE, FULL_SCALE - 1)
    return bytes(scaled.astype("<i2").data)


def stereo_blocks(samples: Float32, rate_hz: int, wanted_hz: int) -> Iterator[Float32]:
    """Mono samples as a file has them: at its rate, in two equal channels, a second at a time.

    Args:
        samples: `[n]` float32.
        rate_hz: theirs.
        wanted_hz: the file's.

    Yields:
        `[k, 2]` float32 in -1..1.
    """
    resampler = soxr.ResampleStream(rate_hz, wanted_hz, 1, dtype="float32", quality="HQ")
    for start in range(0, len(samples), rate_hz):
        block = resampler.resample_chunk(samples[start : start + rate_hz], last=start + rate_hz >= len(samples))
        yield np.repeat(np.clip(block, -1.0, 1.0)[:, None], 2, axis=1)
