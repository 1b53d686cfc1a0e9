"""Painted pictures in, the same to encode out, with the time that takes counted to their request."""

from collections.abc import Callable, Iterator

from lipstream.serve.core import Painted, Spent
from lipstream.types import Image


class Encoding:
    """Measures what is done between two pictures, but for the time until a client takes it."""

    def __init__(self, spent: Spent, now_ms: Callable[[], float]) -> None:
        """Begin with nothing encoded.

        Args:
            spent: of the request.
            now_ms: a monotonic clock.
        """
        self._spent, self._now_ms = spent, now_ms
        self._since_ms: float | None = None

    def of(self, painted: Iterator[Painted]) -> Iterator[Image]:
        """The pictures; whoever takes them encodes each before taking the next."""
        for one in painted:
            self._since_ms = self._now_ms()
            yield one.image
            self.pause()

    def pause(self) -> None:
        """Nothing is encoded until the next picture."""
        if self._since_ms is not None:
            self._spent.encode_ms += self._now_ms() - self._since_ms
            self._since_ms = None
