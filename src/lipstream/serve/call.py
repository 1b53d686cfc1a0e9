"""What every wire knows of a request: who asks and what it takes; and how many bytes all of them may hold together."""

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from lipstream.errors import BusyError
from lipstream.serve.access import Visitor
from lipstream.serve.core import Spent

NOBODY = Visitor("", frozenset())


@dataclass(frozen=True, eq=False)
class Call:
    """One call under way."""

    id: str
    """Its request id, the client's own (`x-request-id`) or a new one."""
    visitor: Visitor
    """Who calls, and what he may do."""
    metadata: Mapping[str, str]
    """What was sent along, by lower-case name."""
    gone: "Future[None]"
    """Done when nobody waits for the answer any more."""
    spent: Spent = field(default_factory=Spent)
    """Filled by whoever works for it with what that takes."""

    @property
    def client(self) -> str:
        """The name of whoever calls."""
        return self.visitor.name


class Allowance:
    """A number of bytes that requests under way may hold together."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes, self._held_bytes, self._lock = most_bytes, 0, threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Bytes held now."""
        return self._held_bytes

    def take(self, size_bytes: int) -> None:
        """Count a request in; raises BusyError when there is no room beside the others."""
        with self._lock:
            if self._held_bytes and self._held_bytes + size_bytes > self._most_bytes:
                raise BusyError(
                    f"requests under way hold {self._held_bytes:,} bytes and this one has {size_bytes:,}, of "
                    f"{self._most_bytes:,} allowed (server.max_bytes_in_flight_mb); ask again later"
                )
            self._held_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Count it out."""
        with self._lock:
            self._held_bytes -= size_bytes
