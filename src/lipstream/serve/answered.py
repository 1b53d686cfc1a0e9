"""A request that is over in, its line in the log out: failed and slow ones always, of the others one in so many."""

import itertools
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from lipstream.serve.core import Spent

OK = "OK"
IN_BAND_ERROR = "IN_BAND_ERROR"
"""Status of an answer that says in its own fields that it failed, while gRPC says OK."""

QUIET = frozenset({"/page/{file}"})
"""Routes whose ordinary requests only a log of level DEBUG has: one visit of the page asks for two dozen files."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """One request that is over."""

    service: str
    """Full name of its service, such as `monolithic.MonolithicService`; `http` for a route."""
    method: str
    """Name of the method, or the route's path with its names in braces."""
    request_id: str
    """Its id."""
    client: str
    """Who asked, empty if that could not be told."""
    status: str
    """Name of gRPC's status code, or IN_BAND_ERROR."""
    error: str
    """What went wrong, empty if nothing did."""
    duration_ms: float
    """From its arrival to its last answer."""
    spent: Spent
    """Where its time went."""
    lasting: bool = False
    """Whether it lasts as long as its client wishes, and so is never slow."""


def request_id(headers: Mapping[str, str]) -> str:
    """A request's id: the client's own, the header `x-request-id`, if that is fit for a log; else a new one."""
    sent = headers.get("x-request-id", "")
    return sent if _ID.fullmatch(sent) else secrets.token_hex(8)


class RequestLog:
    """Logs requests that are over; never what they said or showed."""

    def __init__(self, slow_request_ms: float, sample_rate: int) -> None:
        """Begin with none seen.

        Args:
            slow_request_ms: a request that took longer is slow; 0 means none is.
            sample_rate: of those that are neither slow nor failed, one in so many is logged; 0 means every one.
        """
        self._slow_ms, self._one_in = slow_request_ms or float("inf"), sample_rate or 1
        self._ordinary = itertools.count()

    def __call__(self, answered: Answered) -> None:
        """Log a request, or leave it out."""
        if answered.status != OK:
            _log.warning("request failed", extra=_fields(answered, _stages(answered.spent)))
        elif answered.duration_ms > self._slow_ms and not answered.lasting:
            _log.warning("slow request", extra=_fields(answered, _stages(answered.spent)))
        elif answered.method in QUIET:
            _log.debug("request", extra=_fields(answered, {}))
        elif next(self._ordinary) % self._one_in == 0:
            _log.info("request", extra=_fields(answered, {}))


def _fields(answered: Answered, stages: dict[str, float]) -> dict[str, object]:
    fields: dict[str, object] = {
        "request_id": answered.request_id,
        "service": answered.service,
        "method": answered.method,
        "client": answered.client,
        "status": answered.status,
        "duration_ms": round(answered.duration_ms, 1),
        "frames": answered.spent.frames,
        **stages,
    }
    return {**fields, "error": answered.error} if answered.error else fields


def _stages(spent: Spent) -> dict[str, float]:
    """The stages that took time, in ms."""
    return {name: round(taken, 1) for name, taken in asdict(spent).items() if name.endswith("_ms") and taken}
