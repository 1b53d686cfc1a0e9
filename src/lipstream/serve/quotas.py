"""A key and the time in, leave to start a request or a refusal out."""

import math
import threading
from dataclasses import dataclass

from lipstream.errors import BusyError
from lipstream.serve.keys import Key

MINUTE_MS = 60_000


@dataclass(slots=True)
class _Use:
    """What a key is doing."""

    running: int = 0
    """Requests and streams under way."""
    spent: float = 0.0
    """Requests that still count against the rate at `at_ms`; they fade at the key's rate."""
    at_ms: float = 0.0
    """When `spent` was so."""


class Quotas:
    """Holds every key to its concurrency and its rate; pure but for its memory, any number of threads at once.

    The rate is a token bucket that holds a minute's requests. Limits that change in the keys file count at once.
    """

    def __init__(self) -> None:
        self._uses: dict[str, _Use] = {}
        self._lock = threading.Lock()

    def enter(self, key: Key, now_ms: float) -> None:
        """Count a request in; `leave` counts it out.

        Args:
            key: whose it is.
            now_ms: a time that never goes back.

        Raises:
            BusyError: the key has as many under way as it may, or asks more often than it may; nothing is counted.
        """
        with self._lock:
            use = self._uses.setdefault(key.name, _Use(at_ms=now_ms))
            if key.max_concurrent is not None and use.running >= key.max_concurrent:
                raise BusyError(
                    f"The key {key.name} has {use.running} requests under way, and may have {key.max_concurrent}; "
                    "end one of them first."
                )
            if key.per_minute is not None:
                _spend(use, key.name, key.per_minute, now_ms)
            use.running += 1

    def count(self, key: Key, now_ms: float) -> None:
        """Count a further request of one that is in; raises BusyError if the key asks more often than it may."""
        if key.per_minute is not None:
            with self._lock:
                _spend(self._uses.setdefault(key.name, _Use(at_ms=now_ms)), key.name, key.per_minute, now_ms)

    def leave(self, key: Key) -> None:
        """Count a request out that `enter` counted in."""
        with self._lock:
            self._uses[key.name].running -= 1

    def running(self, key: Key) -> int:
        """How many requests of a key are under way."""
        with self._lock:
            return self._uses.get(key.name, _Use()).running


def _spend(use: _Use, name: str, per_minute: int, now_ms: float) -> None:
    """Take one request from a key's bucket."""
    spent = max(0.0, use.spent - (now_ms - use.at_ms) * per_minute / MINUTE_MS)
    use.at_ms, use.spent = now_ms, min(spent, float(per_minute))
    if use.spent + 1 > per_minute:
        wait_ms = math.ceil((use.spent + 1 - per_minute) * MINUTE_MS / per_minute)
        raise BusyError(
            f"The key {name} asked {per_minute} times within a minute, as often as it may; ask again in "
            f"{wait_ms / 1000:.1f} s.",
            retry_after_ms=wait_ms,
        )
    use.spent += 1
