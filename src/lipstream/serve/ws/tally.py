"""Messages as they are answered in, how much was asked of one server out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lipstream.wire.dialects.asked import Stats


@dataclass(slots=True)
class Tally:
    """Counts what is asked over the sockets of one server; belongs to its event loop."""

    json: int = 0
    """Messages in JSON."""
    binary: int = 0
    """Messages in one of the binary layouts."""
    failed: int = 0
    """Messages of both kinds that were answered with an error."""
    pictures: int = 0
    """Pictures painted."""
    taken_ms: float = 0.0
    """What all messages took."""
    clients: int = 0
    """Sockets that are open."""

    def stats(self) -> Stats:
        """As clients are told."""
        return Stats(self.binary, self.json, self.taken_ms / (self.total or 1), self.clients)

    @property
    def total(self) -> int:
        """Messages of both kinds."""
        return self.json + self.binary

    @contextmanager
    def client(self) -> Iterator[None]:
        """Count a socket that is open."""
        self.clients += 1
        try:
            yield
        finally:
            self.clients -= 1

    def add(self, dialect: str, taken_ms: float, pictures: int) -> None:
        """Count a message that was answered, perhaps with an error."""
        if dialect == "json":
            self.json += 1
        else:
            self.binary += 1
        self.taken_ms += taken_ms
        self.pictures += pictures
