"""The only module that reads a clock; everything else is handed the time."""

import time


def now_ms() -> float:
    """Milliseconds on a monotonic clock with an arbitrary origin."""
    return time.perf_counter() * 1000.0


def unix_ms() -> int:
    """Milliseconds since 1970 UTC, for people to read; it may jump."""
    return time.time_ns() // 1_000_000
