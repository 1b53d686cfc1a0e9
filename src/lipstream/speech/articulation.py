"""Codes in, codes out: gain, limits, and the fade to the closed mouth where nobody speaks; pure functions."""

import numpy as np
from numpy.typing import NDArray

from lipstream.types import ARTICULATION, Codes, Float32

HOLD_FRAMES = 4
"""The mouth stays with the sound this long after speech: 160 ms."""
LEAD_FRAMES = 3
"""And is back this long before speech: 120 ms."""
FADE_FRAMES = 5
"""Frames strictly between closed and open, on both sides."""
FADE_BEHIND = HOLD_FRAMES + FADE_FRAMES
FADE_AHEAD = LEAD_FRAMES + FADE_FRAMES

_OPENING = ("jaw", "lip_gap", "upper_lip", "lower_lip", "teeth_gap")
_LIP_PRESS, _LIP_GAP = ARTICULATION.index("lip_press"), ARTICULATION.index("lip_gap")
SEALED_FROM, SEALED_AT = 0.25, 0.6
"""Of `lip_press`: where lips begin to be drawn shut, and are. That they press is heard more surely than their gap,
which comes out as the mean of what may be. Chosen by the held-out sentences that decide (studio/README.md)."""


def _per_dimension(value: float, exceptions: dict[str, float]) -> Float32:
    return np.array([exceptions.get(name, value) for name in ARTICULATION], np.float32)


# What speech reaches, with a little room; beyond it no generator was trained.
_LOWEST = _per_dimension(-0.15, {"lip_width": -1.7, "corner_left": -0.5, "corner_right": -0.5})
_HIGHEST = _per_dimension(1.5, {})


def amplify(codes: Codes, gain: float) -> Codes:
    """Scale how far the mouth opens, around rest; closures, width and rounding stay.

    Lips that press together are opened no further by a gain above 1, or what is left of their gap would show.

    Args:
        codes: `[n, 12]` float32.
        gain: 1 changes nothing, 0 keeps the mouth from opening.

    Returns:
        `[n, 12]` float32.
    """
    opens = _per_dimension(0.0, dict.fromkeys(_OPENING, gain - 1.0))
    free = 1.0 - np.clip(codes[:, _LIP_PRESS, None], 0.0, 1.0) if gain > 1.0 else 1.0
    return (codes * (1.0 + opens * free)).astype(np.float32)


def seal(codes: Codes) -> Codes:
    """Let lips meet that press together: `lip_gap` falls to 0 as `lip_press` says that they do.

    Args:
        codes: `[n, 12]` float32.

    Returns:
        `[n, 12]` float32.
    """
    part = np.clip((codes[:, _LIP_PRESS] - SEALED_FROM) / (SEALED_AT - SEALED_FROM), 0.0, 1.0)
    sealed = codes.copy()
    sealed[:, _LIP_GAP] *= 1.0 - part * part * (3.0 - 2.0 * part)
    return sealed


def clamp(codes: Codes) -> Codes:
    """Limit codes, `[n, 12]` float32, to what speech reaches."""
    return np.clip(codes, _LOWEST, _HIGHEST)


def fade(codes: Codes, weights: Float32) -> Codes:
    """Draw codes, `[n, 12]` float32, to the closed mouth at rest by `[n]` weights: 1 keeps a code, 0 is rest."""
    return codes * weights[:, None]


def fade_weights(speaking: NDArray[np.bool_], *, ahead_frames: int = FADE_AHEAD) -> Float32:
    """How much of the mouth's movement each frame keeps.

    1 from 120 ms before speech to 160 ms after it, 0 far from speech, five frames between. Where the future is not
    known that far, the weight rises later and at once.

    Args:
        speaking: `[n]` bool, whether somebody speaks in a frame; outside nobody does.
        ahead_frames: How many frames after a frame may be looked at.

    Returns:
        `[n]` float32 in 0..1; weight i depends on frames i - 9 to i + min(8, `ahead_frames`).
    """
    offsets = np.arange(-FADE_BEHIND, FADE_AHEAD + 1)  # of a frame with speech, from the faded frame
    after = 1.0 - (-offsets - HOLD_FRAMES) / (FADE_FRAMES + 1)
    before = 1.0 - (offsets - LEAD_FRAMES) / (FADE_FRAMES + 1)
    envelope = np.clip(np.minimum(after, before), 0.0, 1.0) * (offsets <= ahead_frames)
    padded = np.pad(speaking, (FADE_BEHIND, FADE_AHEAD))
    around = np.lib.stride_tricks.sliding_window_view(padded, offsets.size)
    weights: Float32 = (around * envelope).max(axis=1).astype(np.float32)
    return weights
