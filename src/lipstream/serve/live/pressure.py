"""Frames in time or late in, whether sessions are to do less or may do more out."""

LATE_MS = 40.0
"""A frame that is finished so long after it was due, two frames after its turn, is seen as a jerk."""
WINDOW_MS = 1_000.0
MOST_LATE = 0.05
"""Of the frames of a window; more is pressure."""
CALM_MS = 5_000.0
"""So long without pressure, more is tried; twice as long after every try that failed, up to `LONGEST_CALM_MS`."""
LONGEST_CALM_MS = 80_000.0


class Pressure:
    """Judges windows of a second; pure but for what it counts.

    Less is asked for at once, then not in the next window, whose frames were begun before; more after a calm.

    Args:
        now_ms: the time.
    """

    def __init__(self, now_ms: float) -> None:
        self._window_ms = self._calm_since_ms = now_ms
        self._tried_ms: float | None = None
        self._calm_ms = CALM_MS
        self._settling = False
        self._frames = self._late = 0

    def observe(self, late_ms: float, now_ms: float) -> int:
        """Count a frame.

        Args:
            late_ms: by how much it was finished too late; 0 or less where it was in time.
            now_ms: the time, which never goes back.

        Returns:
            1 where less is to be done, -1 where more may be, 0 where nothing changes.
        """
        self._frames += 1
        self._late += late_ms > LATE_MS
        if now_ms - self._window_ms < WINDOW_MS:
            return 0
        pressed = self._late > MOST_LATE * self._frames
        self._window_ms, self._frames, self._late = now_ms, 0, 0
        if self._settling:
            self._settling = False
            return 0
        return self._less(now_ms) if pressed else self._more(now_ms)

    def _less(self, now_ms: float) -> int:
        failed = self._tried_ms is not None and now_ms - self._tried_ms < 2 * CALM_MS
        self._calm_ms = min(2 * self._calm_ms, LONGEST_CALM_MS) if failed else self._calm_ms
        self._calm_since_ms, self._tried_ms, self._settling = now_ms, None, True
        return 1

    def _more(self, now_ms: float) -> int:
        if now_ms - self._calm_since_ms < self._calm_ms:
            return 0
        if self._tried_ms is not None and now_ms - self._tried_ms >= 2 * CALM_MS:
            self._calm_ms = CALM_MS
        self._calm_since_ms = self._tried_ms = now_ms
        return -1
