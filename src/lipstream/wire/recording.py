"""The audio of a call in, the speech and the place of the call's frames in it out.

Clients of the reference send one of two things in `raw_audio`, and nothing says which:

- the *N+15 form*: exactly (batch + 15) chunks of 640 samples, 8 before the first frame and 7 after the last one, so
  that frame j is chunk j + 8;
- a *recording*, of any other length. Frame j is at sample 640 (start + j), if the first frame lies inside. If it does
  not, a recording of at most 640 (batch + 1) samples is the segment of these frames alone, frame j at 640 j; a longer
  one has ended before them, and they are silent.

Lengths are judged at 16 kHz, after resampling: n samples at r Hz become 16,000 n / r, rounded half up. Chunks of 40 ms
at 8, 11.025, 22.05, 24, 32, 44.1, 48, 96 or 192 kHz are thus the N+15 form too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from lipstream.errors import InputError
from lipstream.types import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32, Pcm
from lipstream.wire.tensors import read_floats

CHUNKS_BEFORE = 8
"""Chunks of the N+15 form before the first frame's own."""
CHUNKS_AROUND = 15
"""Chunks of the N+15 form that are not a frame's own."""
LOWEST_RATE_HZ = 8_000  # lower ones would let a small message fill much memory: 1 kHz becomes 16 times as much
HIGHEST_RATE_HZ = 192_000
LOUDEST = 16.0
"""Peak from which on samples are no mistake in level but another scale, such as -32768..32767."""

_CHUNK_BYTES = 4 * FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class Recording:
    """Speech, and which of its frames are asked for."""

    pcm: Pcm
    """`[L]` float32 in -1..1 at 16 kHz; beyond its end is silence."""
    first_frame: int
    """The first frame asked for, counted from the start of `pcm`; may lie beyond its end."""
    frames: int
    """How many."""


def read_recording(raw_audio: bytes, *, frames: int, start_frame: int = 0, sample_rate_hz: int = 0) -> Recording:
    """Read the field `raw_audio` by the rules above.

    Args:
        raw_audio: mono float32, little-endian, -1..1; what is slightly louder is clipped.
        frames: frames of the call (`batch_size`), at least 1.
        start_frame: the call's first frame (`start_frame_idx`).
        sample_rate_hz: of `raw_audio`, 8,000 to 192,000; 0 means 16,000.

    Raises:
        InputError: no whole number of samples, NaN or infinity, samples of another scale, a rate outside these
            limits, or a negative start.
    """
    if start_frame < 0:
        raise InputError(f"start_frame_idx is {start_frame:,}; expected 0 or more: count frames from 0.")
    samples = within_scale(read_floats(raw_audio, "raw_audio"), "raw_audio")
    pcm = np.clip(at_16_khz(samples, sample_rate_hz), -1.0, 1.0)
    return Recording(pcm, _first_frame(len(pcm), frames, start_frame), frames)


def read_chunks(audio_chunks: Sequence[bytes], *, frames: int) -> Recording:
    """Read the field `audio_chunks`: the N+15 form as a list, with any number of further chunks at its end.

    Args:
        audio_chunks: chunks of 640 mono float32 samples at 16 kHz, little-endian, -1..1; louder ones are clipped.
        frames: frames of the call (`frame_count`), at least 1.

    Raises:
        InputError: too few chunks, a chunk of another length, NaN or infinity, or samples of another scale.
    """
    needed = frames + CHUNKS_AROUND
    if len(audio_chunks) < needed:
        raise InputError(
            f"Insufficient audio chunks: expected frame_count + {CHUNKS_AROUND} = {needed}, got {len(audio_chunks)}"
        )
    for index, chunk in enumerate(audio_chunks):
        if len(chunk) != _CHUNK_BYTES:
            raise InputError(
                f"Invalid audio format: chunk {index} has {len(chunk):,} bytes, "
                f"expected {_CHUNK_BYTES:,} ({FRAME_SAMPLES} float32)"
            )
    samples = within_scale(read_floats(b"".join(audio_chunks), "audio_chunks"), "audio_chunks")
    return Recording(np.clip(samples, -1.0, 1.0), CHUNKS_BEFORE, frames)


def _first_frame(samples: int, frames: int, start_frame: int) -> int:
    """Where the frames of a call begin in audio of `samples` at 16 kHz."""
    if samples == FRAME_SAMPLES * (frames + CHUNKS_AROUND):
        return CHUNKS_BEFORE
    # The first frame decides for all: else a recording that ends in the middle of a batch would start anew there.
    outside = FRAME_SAMPLES * start_frame >= samples
    return 0 if outside and samples <= FRAME_SAMPLES * (frames + 1) else start_frame


def within_scale(samples: Float32, name: str) -> Float32:
    """The samples, if they are numbers of the right scale; `name` is their field's in the message.

    Raises:
        InputError: NaN or infinity, or samples of another scale than -1..1.
    """
    peak = np.abs(samples).max(initial=0.0)
    if not np.isfinite(peak):
        raise InputError(f"{name} holds NaN or infinity; expected float32 samples in -1..1: check how it is made.")
    if peak > LOUDEST:
        raise InputError(
            f"{name} has samples up to {peak:,.0f}; expected float32 in -1..1: divide 16-bit samples by 32768."
        )
    return samples


def at_16_khz(samples: Float32, rate_hz: int) -> Pcm:
    """The samples at 16 kHz.

    Args:
        samples: `[n]` float32.
        rate_hz: theirs, 8,000 to 192,000; 0 means 16,000.

    Raises:
        InputError: another rate.
    """
    rate_hz = rate_hz or SAMPLE_RATE_HZ
    if rate_hz == SAMPLE_RATE_HZ:
        return samples
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise InputError(
            f"sample_rate is {rate_hz:,}; expected {LOWEST_RATE_HZ:,} to {HIGHEST_RATE_HZ:,} Hz, or 0 for 16,000."
        )
    resampled: Pcm = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    return resampled
