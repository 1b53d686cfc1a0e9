"""A recording and a few of its frames in, the codes of those frames alone out."""

from collections.abc import Iterator

import numpy as np

from lipstream.speech.drive import Speech
from lipstream.types import FRAME_SAMPLES, Float32, Pcm

BEFORE_FRAMES = 50
"""Heard before the first wanted frame: nine for its context, the rest so that the voice detector has settled."""
ALIGNED_FRAMES = 20
"""Mel windows repeat every 5 frames, the voice detector's chunks every 4: an excerpt that begins there is cut alike."""
AFTER_FRAMES = 12
"""Heard after the last: 480 ms, of which its context takes 452."""
BLOCK_FRAMES = 50
"""Heard at a time, so that the first pictures need not wait for the last sound."""


def excerpt_codes(speech: Speech, pcm: Pcm, first_frame: int, frames: int) -> Iterator[Float32]:
    """Hear no more of a recording than some of its frames need.

    Args:
        speech: a fresh converter.
        pcm: the recording, `[L]` float32 in -1..1 at 16 kHz.
        first_frame: 0 or more.
        frames: how many; those beyond the recording's end are silent.

    Yields:
        Their codes, `[k, 12]` float32, or what else drives the generator, as soon as they have been heard; as the
        whole recording would give them but for what the voice detector remembers.
    """
    start = max(0, first_frame - BEFORE_FRAMES) // ALIGNED_FRAMES * ALIGNED_FRAMES
    end = first_frame + frames + AFTER_FRAMES
    heard = pcm[start * FRAME_SAMPLES : end * FRAME_SAMPLES]
    missing = (first_frame + frames - start) * FRAME_SAMPLES - len(heard)
    heard = np.pad(heard, (0, max(0, missing)))
    before, left = first_frame - start, frames
    for codes in _in_blocks(speech, heard):
        wanted = codes[before:][:left]
        before, left = max(0, before - len(codes)), left - len(wanted)
        if len(wanted):
            yield wanted


def _in_blocks(speech: Speech, pcm: Pcm) -> Iterator[Float32]:
    block = BLOCK_FRAMES * FRAME_SAMPLES
    for start in range(0, len(pcm), block):
        yield speech.push(pcm[start : start + block])
    yield speech.finish()
