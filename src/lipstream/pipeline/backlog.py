"""How much sound waits for its turn in, how many frames of it are to be left out, so that nobody stays late, out."""

from collections import deque

from lipstream.types import FRAME_MS, FRAME_RATE_HZ

BEHIND_MS = 200.0
"""A second with more than this is no jitter; what is less, `Drift` takes back by and by."""
LATEST_MS = 2_000.0
"""Nobody can be talked with who answers later: what is beyond it is left out, whatever is said in it."""


class Backlog:
    """What a stall of a network or a client has left in the queue in front of a speaker.

    Args:
        target_ms: the level that is to be there.
    """

    def __init__(self, target_ms: float) -> None:
        self._target_ms = target_ms
        self._levels_ms: deque[float] = deque(maxlen=FRAME_RATE_HZ)
        self.spare_frames = 0
        """Too many wait by so many: those that rest are to be left out."""
        self.overdue_frames = 0
        """Of them, so many are to be left out whatever they say."""

    def observe(self, level_ms: float) -> None:
        """Take the level of the queue, once a frame; the lowest of a second counts, for sound comes in pieces."""
        self._levels_ms.append(level_ms)
        lasting_ms = min(self._levels_ms) if len(self._levels_ms) == FRAME_RATE_HZ else 0.0
        self.overdue_frames = _frames(lasting_ms - LATEST_MS)
        beyond_frames = _frames(level_ms - self._target_ms)
        if lasting_ms > BEHIND_MS:
            self.spare_frames = _frames(lasting_ms - self._target_ms)
        self.spare_frames = min(self.spare_frames, beyond_frames)  # since then a pause may have taken it back

    def left_out(self, frames: int) -> None:
        """So many were left out: the levels before say nothing any more."""
        if frames:
            self.spare_frames -= frames
            self._levels_ms.clear()


def _frames(ms: float) -> int:
    return max(0, int(ms // FRAME_MS))
