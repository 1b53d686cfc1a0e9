"""Sentences that were never rendered, for tests that need their form."""

import numpy as np

from lipstream.evaluate.phones import SpokenPhone
from lipstream.evaluate.truth import TruthClip
from lipstream.types import ARTICULATION, CODE_SIZE, FRAME_SAMPLES, Float32


def tone(frames: int, quiet: range) -> Float32:
    """A tone of so many frames, nothing in the quiet ones, `[640 frames - 100]` float32."""
    pcm = (0.3 * np.sin(np.arange(frames * FRAME_SAMPLES) * 0.1)).astype(np.float32)
    pcm[quiet.start * FRAME_SAMPLES : quiet.stop * FRAME_SAMPLES] = 0
    short: Float32 = pcm[:-100]
    return short


def clip(frames: int, quiet: range, *, rendered: bool) -> TruthClip:
    """A sentence with a pause, whose lips open widest in its frame 5."""
    codes = np.zeros((frames, CODE_SIZE), np.float32)
    codes[5:6, ARTICULATION.index("lip_gap")] = 1.0
    return TruthClip(
        pcm=tone(frames, quiet),
        codes=codes,
        phones=(SpokenPhone("HH", 0.0, 60.0), SpokenPhone("AH", 60.0, 90.0), SpokenPhone("SIL", 90.0, 1e6)),
        frame_index=list(range(frames)),
        opening_px=np.zeros(frames if rendered else 0, np.float32),
    )
