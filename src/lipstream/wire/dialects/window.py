"""The sound of a frame's request in, the speech and the frame's place in it out.

A request carries 16 chunks of 40 ms: 8 before the frame's own chunk, that one, and 7 after it. How long the bytes are
tells how the samples are written, and no other length is taken:

    30,720 bytes  int16 at 24 kHz        61,440 bytes  float32 at 24 kHz
    20,480 bytes  int16 at 16 kHz        40,960 bytes  float32 at 16 kHz
"""

from typing import NamedTuple

import numpy as np

from lipstream.errors import InputError
from lipstream.wire.pcm import Coding, read_samples
from lipstream.wire.recording import CHUNKS_BEFORE, Recording, at_16_khz


class Written(NamedTuple):
    """How samples are written."""

    coding: Coding
    """How each one is."""
    rate_hz: int
    """How many there are a second."""


WRITTEN = {
    30_720: Written("int16", 24_000),
    61_440: Written("float32", 24_000),
    20_480: Written("int16", 16_000),
    40_960: Written("float32", 16_000),
}
"""By length in bytes, all of 16 chunks."""


def read_window(audio: bytes) -> Recording | None:
    """Read the sound of one frame.

    Args:
        audio: mono, little-endian, of a length above; float32 in -1..1. Empty for none.

    Returns:
        640 ms of speech whose ninth chunk is the frame's; None without sound.

    Raises:
        InputError: another length, NaN or infinity, or samples of another scale.
    """
    if not audio:
        return None
    if (written := WRITTEN.get(len(audio))) is None:
        forms = ", ".join(f"{size:,} ({coding} at {rate // 1000} kHz)" for size, (coding, rate) in WRITTEN.items())
        raise InputError(f"audio has {len(audio):,} bytes; expected 16 chunks of 40 ms, which are {forms}.")
    pcm = at_16_khz(read_samples(audio, written.coding), written.rate_hz)
    return Recording(np.clip(pcm, -1.0, 1.0), first_frame=CHUNKS_BEFORE, frames=1)
