"""Blocking work in, its results on the event loop out; it runs in worker threads, one step of an iterator at a time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import aclosing
from functools import partial
from typing import TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

T = TypeVar("T")


async def done(workers: Executor, work: Callable[[], T]) -> T:
    """Do some work in a worker thread.

    Raises:
        ClientDisconnect: nobody waits for it any more.
        Exception: whatever the work raises.
    """
    return await asyncio.wrap_future(workers.submit(_unless_gone, work))


async def taken(
    workers: Executor, items: Generator[T, None, None], close: Callable[[], None]
) -> AsyncGenerator[T, None]:
    """Take the items of a generator, making each in a worker thread when it is asked for.

    Args:
        workers: where they are made.
        items: closed in a worker thread too, once the item being made is finished.
        close: called after that.

    Yields:
        The items.

    Raises:
        ClientDisconnect: nobody waits for them any more.
        Exception: whatever the generator raises.
    """
    step: Future[T | None] = Future()
    step.set_result(None)
    try:
        while True:
            step = workers.submit(_unless_gone, partial(next, items, None))
            item = await asyncio.wrap_future(step)
            if item is None:
                return
            yield item
    finally:
        # Whoever leaves does not wait: a step that runs, of which nobody sees the end, is followed by the closing.
        step.add_done_callback(lambda _: _close_elsewhere(workers, items, close))


def _unless_gone(work: Callable[[], T]) -> T:
    try:
        return work()
    except CancelledError as error:  # would look as if the task on the event loop were cancelled
        raise ClientDisconnect from error


def _close_elsewhere(workers: Executor, items: Generator[T, None, None], close: Callable[[], None]) -> None:
    try:
        workers.submit(_close, items, close)
    except RuntimeError:  # the server is stopping, and takes no more work
        _close(items, close)


def _close(items: Generator[T, None, None], close: Callable[[], None]) -> None:
    try:
        items.close()
    finally:
        close()


class Streamed(Response):
    """An answer that leaves as it is made."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None], media_type: str) -> None:
        """Prepare; `started` makes one.

        Args:
            first: its first bytes.
            rest: those that follow.
            media_type: what it is.
        """
        super().__init__(media_type=media_type, headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._first, self._rest = first, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  Starlette's
        """Send it."""
        async with aclosing(self._rest) as rest:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self._first, "more_body": True})
            async for part in rest:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def started(parts: AsyncGenerator[bytes, None], media_type: str) -> Streamed:
    """Wait for the first part of an answer, so that what fails before it has a status of its own."""
    return Streamed(await anext(parts), parts, media_type)
