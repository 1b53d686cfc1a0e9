"""An error in, how gRPC, HTTP and WebSocket say it out: one table for every wire."""

from concurrent.futures import CancelledError
from typing import NamedTuple

import grpc

from lipstream.errors import (
    AccessError,
    AvatarNotFoundError,
    BusyError,
    EngineError,
    InputError,
    LipstreamError,
    MissingExtraError,
    SessionNotFoundError,
    SessionOverError,
    UnknownCallerError,
)
from lipstream.serve.steps import Gone


class Status(NamedTuple):
    """How an error is said."""

    grpc: grpc.StatusCode
    """By gRPC."""
    http: int
    """By HTTP."""
    message: str
    """In words for whoever called."""
    retry_after_ms: int = 1000
    """After how long it is worth asking again, where it may be mended by then."""

    @property
    def websocket(self) -> int:
        """By WebSocket: a code of its private range, 4000 and that of HTTP."""
        return 4000 + self.http


STATUSES: tuple[tuple[type[BaseException], grpc.StatusCode, int], ...] = (
    (UnknownCallerError, grpc.StatusCode.UNAUTHENTICATED, 401),
    (AccessError, grpc.StatusCode.PERMISSION_DENIED, 403),
    (AvatarNotFoundError, grpc.StatusCode.NOT_FOUND, 404),
    (SessionNotFoundError, grpc.StatusCode.NOT_FOUND, 404),
    (SessionOverError, grpc.StatusCode.DEADLINE_EXCEEDED, 408),
    (BusyError, grpc.StatusCode.RESOURCE_EXHAUSTED, 503),
    (EngineError, grpc.StatusCode.UNAVAILABLE, 503),
    (InputError, grpc.StatusCode.INVALID_ARGUMENT, 400),
    (MissingExtraError, grpc.StatusCode.UNIMPLEMENTED, 501),
    (LipstreamError, grpc.StatusCode.FAILED_PRECONDITION, 409),
    (Gone, grpc.StatusCode.CANCELLED, 499),
    (CancelledError, grpc.StatusCode.CANCELLED, 499),
)
"""The first that fits counts; anything else is INTERNAL, 500."""


def status_of(error: BaseException, request_id: str) -> Status:
    """How to say an error; what was not raised on purpose is told by its request's id alone, and stands in the log."""
    for kind, code, http in STATUSES:
        if isinstance(error, kind):
            told = Status(code, http, str(error) or kind.__name__)
            return told._replace(retry_after_ms=error.retry_after_ms) if isinstance(error, BusyError) else told
    return Status(grpc.StatusCode.INTERNAL, 500, f"The server failed; its log has more under request {request_id}.")
