"""Frames of sessions, in time or late, in; which of them are to do less, or whether they may do more, out."""

from collections import Counter
from dataclasses import dataclass

LATE_MS = 40.0
"""A frame that is finished so long after it was due, two frames after its turn, is seen as a jerk."""
WINDOW_MS = 1_000.0
MOST_LATE = 0.05
"""Of a session's frames in a window; more, and more than one, is pressure."""
CALM_MS = 5_000.0
"""So long without pressure, more is tried; twice as long after every try that failed, up to `LONGEST_CALM_MS`."""
LONGEST_CALM_MS = 80_000.0


@dataclass(frozen=True, slots=True)
class Less:
    """Less is to be done."""

    late: frozenset[str]
    """The sessions under pressure."""
    spread: bool
    """Whether those are most of all: the machine is short of time, and not they alone."""


@dataclass(frozen=True, slots=True)
class More:
    """More may be done."""


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
        self._frames, self._late = Counter[str](), Counter[str]()

    def observe(self, session: str, late_ms: float, now_ms: float) -> Less | More | None:
        """Count a frame.

        Args:
            session: whose it is.
            late_ms: by how much it was finished too late; 0 or less where it was in time.
            now_ms: the time, which never goes back.

        Returns:
            What is to change; None where nothing is.
        """
        self._frames[session] += 1
        self._late[session] += late_ms > LATE_MS
        if now_ms - self._window_ms < WINDOW_MS:
            return None
        late = frozenset(one for one, count in self._late.items() if count > max(1, MOST_LATE * self._frames[one]))
        spread = 2 * len(late) > len(self._frames)
        self._window_ms = now_ms
        self._frames.clear()
        self._late.clear()
        if self._settling:
            self._settling = False
            return None
        if not late:
            return self._more(now_ms)
        self._calm_down(now_ms)
        return Less(late, spread)

    def _calm_down(self, now_ms: float) -> None:
        failed = self._tried_ms is not None and now_ms - self._tried_ms < 2 * CALM_MS
        self._calm_ms = min(2 * self._calm_ms, LONGEST_CALM_MS) if failed else self._calm_ms
        self._calm_since_ms, self._tried_ms, self._settling = now_ms, None, True

    def _more(self, now_ms: float) -> More | None:
        if now_ms - self._calm_since_ms < self._calm_ms:
            return None
        if self._tried_ms is not None and now_ms - self._tried_ms >= 2 * CALM_MS:
            self._calm_ms = CALM_MS
        self._calm_since_ms = self._tried_ms = now_ms
        return More()
