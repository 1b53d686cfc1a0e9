"""A request's bytes in, its answer's bytes out, or the status that gRPC tells in its place."""

from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status as StatusMessage
from grpc_status import rpc_status

from lipstream.errors import InputError
from lipstream.serve.call import Call
from lipstream.serve.status import Status
from lipstream.serve.underway import Context

Metadata = tuple[tuple[str, str | bytes], ...]
PUSHBACK_KEY = "grpc-retry-pushback-ms"
"""Trailer of an answer: after how long the same may be asked again."""
T = TypeVar("T")


def answered(request_class: type[Message], answer: Callable[[Any, Call], T], raw: bytes, call: Call) -> T:
    """Parse a request, and answer it.

    Raises:
        InputError: the bytes are no such message.
        Exception: what the answering raises.
    """
    try:
        request = request_class.FromString(raw)
    except DecodeError as error:
        raise InputError(
            f"{len(raw):,} bytes are no {request_class.DESCRIPTOR.full_name}: {error}; send that message"
        ) from error
    return answer(request, call)


def serialised(answer: Callable[[bytes, Call], Message], raw: bytes, call: Call) -> tuple[bytes, str]:
    """An answer's bytes, and what it says of itself went wrong."""
    message = answer(raw, call)
    return message.SerializeToString(), error_in(message)


def error_in(message: Message) -> str:
    """What an answer with a field `success` says went wrong, empty if nothing did."""
    if getattr(message, "success", True):
        return ""
    return getattr(message, "error", "") or "no reason given"


async def abort(context: Context, status: Status) -> None:
    """End a call with an error; one that may be tried again says when."""
    trailing: Metadata = ()
    if status.grpc is grpc.StatusCode.RESOURCE_EXHAUSTED:
        delay, detail, after_ms = Duration(), Packed(), status.retry_after_ms
        delay.FromMilliseconds(after_ms)
        detail.Pack(RetryInfo(retry_delay=delay))
        message = StatusMessage(code=status.grpc.value[0], message=status.message, details=[detail])
        trailing = (*rpc_status.to_status(message).trailing_metadata, (PUSHBACK_KEY, str(after_ms)))
    await context.abort(status.grpc, status.message, trailing)
