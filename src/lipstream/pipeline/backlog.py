"""How much sound waits for its turn in, how many frames of it are to be left out, so that nobody stays late, out."""

from collections import deque

from lipstream.types import FRAME_MS, FRAME_RATE_HZ

BEHIND_MS = 120.0
"""A second with so much more than there is to be is no jitter; what is less, `Drift` takes back by and by."""
LATEST_MS = 2_000.0
"""Nobody can be talked with who answers later: what is beyond it is left out, whatever is said in it."""
_SECOND_MS = 1_000.0
_STALL_MS = 500.0
"""Between two frames: what had gathered before it says nothing of what is left after it."""
_CATCHING_UP_FRAMES = FRAME_RATE_HZ + 3
"""More in a second, and what waits is shown faster than it comes: a tenth faster, which no jitter is."""


class Backlog:
    """What a stall of a network or a client has left in the queue in front of a speaker.

    Args:
        target_ms: the level that is to be there.
    """

    def __init__(self, target_ms: float) -> None:
        self._target_ms = target_ms
        self._levels_ms: deque[tuple[float, float]] = deque()  # when, and how much; the first is a second old or older
        self.spare_frames = 0
        """Too many wait by so many: those that rest are to be left out."""
        self.overdue_frames = 0
        """Of them, so many are to be left out whatever they say."""

    def observe(self, level_ms: float, now_ms: float) -> None:
        """Take the level of the queue, once a frame.

        Args:
            level_ms: what waits; the lowest of a second counts, for sound comes in pieces.
            now_ms: when; after a stall of painting frames follow each other faster than sound comes, and while they do
                nothing is too late for good.
        """
        if self._levels_ms and now_ms - self._levels_ms[-1][0] > _STALL_MS:
            self._levels_ms.clear()
        self._levels_ms.append((now_ms, level_ms))
        while len(self._levels_ms) > 1 and self._levels_ms[1][0] <= now_ms - _SECOND_MS:
            self._levels_ms.popleft()
        lasting_ms = self._lasting_ms(now_ms)
        self.overdue_frames = _frames(lasting_ms - LATEST_MS)
        beyond_frames = _frames(level_ms - self._target_ms)
        if lasting_ms > self._target_ms + BEHIND_MS:
            self.spare_frames = _frames(lasting_ms - self._target_ms)
        self.spare_frames = min(self.spare_frames, beyond_frames)  # since then a pause may have taken it back

    def left_out(self, frames: int) -> None:
        """So many were left out: the levels before say nothing any more."""
        if frames:
            self.spare_frames -= frames
            self._levels_ms.clear()

    def _lasting_ms(self, now_ms: float) -> float:
        """What waited all of the last second; 0 where that is not known or is being caught up with."""
        whole = self._levels_ms[0][0] <= now_ms - _SECOND_MS
        if not whole or len(self._levels_ms) - 1 > _CATCHING_UP_FRAMES:
            return 0.0
        return min(level_ms for _, level_ms in self._levels_ms)


def _frames(ms: float) -> int:
    return max(0, int(ms // FRAME_MS))
