"""Signals that arrive while modules load in, the same signals right after it out.

In the middle of an import, what a signal raises is swallowed, turned into another error, or aborts the process.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
ENDINGS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that end the process: Ctrl-C, asked to end, its terminal closed."""


@contextmanager
def held() -> Iterator[None]:
    """Hold back the signals that end the process; the first that came acts on leaving, a second one at once."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if came:
            os._exit(128 + number)
        came.append(number)

    handlers = {number: signal.getsignal(number) for number in ENDINGS}
    taken = {number: handler for number, handler in handlers.items() if handler not in {signal.SIG_IGN, None}}
    try:
        for number in taken:
            signal.signal(number, note)
    except ValueError:  # another thread than the main one, which signals do not reach
        taken = {}
    try:
        yield
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
