"""The phones of a recording in, the frames of video that show them and the shapes they ask of the lips out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipstream.types import FRAME_MS

SILENCE = "SIL"


def _names(spaced: str) -> frozenset[str]:
    return frozenset(spaced.split())


OPEN_VOWELS = _names("AA AE AH AO AW AY")
MIDDLE_VOWELS = _names("E EY EH ER AX O OW OY OE")
CLOSE_VOWELS = _names("IY IH IX UW UH UE")
VOWELS = OPEN_VOWELS | MIDDLE_VOWELS | CLOSE_VOWELS
CLOSED = _names("P B M")
"""Phones whose lips touch each other."""
TUCKED = _names("F V")
"""Phones whose lower lip touches the upper teeth."""
LED_BY_ROUNDING = _names("UW OW")
"""Phones before which the lips are seen to round."""


@dataclass(frozen=True, slots=True)
class SpokenPhone:
    """One phone of a recording."""

    symbol: str
    """ARPAbet, with E, O, IX, UE, OE, RR and X for what English lacks; `SIL` is silence."""
    start_ms: float
    """Where it starts in its recording."""
    end_ms: float
    """Where it ends."""

    @property
    def middle_ms(self) -> float:
        """Half way through."""
        return (self.start_ms + self.end_ms) / 2


def frame_at(time_ms: float, frames: int) -> int:
    """The frame, of `frames`, whose span of 40 ms holds a time."""
    return int(np.clip(time_ms // FRAME_MS, 0, frames - 1))


def frames_inside(phone: SpokenPhone, frames: int) -> NDArray[np.intp]:
    """The frames, of `frames`, whose middles lie inside a phone; where none does, the one that shows its middle."""
    middles_ms = (np.arange(frames) + 0.5) * FRAME_MS
    inside = np.flatnonzero((middles_ms >= phone.start_ms) & (middles_ms < phone.end_ms))
    return inside if len(inside) else np.array([frame_at(phone.middle_ms, frames)])


def voiced_frames(phones: Sequence[SpokenPhone], frames: int) -> NDArray[np.bool_]:
    """Whether the middle of each of `frames` frames lies inside a phone that is not silence."""
    middles_ms = (np.arange(frames) + 0.5) * FRAME_MS
    spoken = np.zeros(frames, np.bool_)
    for phone in phones:
        if phone.symbol != SILENCE:
            spoken |= (middles_ms >= phone.start_ms) & (middles_ms < phone.end_ms)
    return spoken
