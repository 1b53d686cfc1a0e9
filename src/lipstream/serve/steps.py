"""Blocking work in, its results on the event loop out; it runs in worker threads, one step of an iterator at a time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class Gone(Exception):  # noqa: N818  what happened; nobody did anything wrong
    """Nobody waits for this work any more."""


async def done(workers: Executor, work: Callable[[], T]) -> T:
    """Do some work in a worker thread.

    Raises:
        Gone: nobody waits for it any more.
        Exception: whatever the work raises.
    """
    return await asyncio.wrap_future(workers.submit(_unless_gone, work))


async def taken(
    workers: Executor, items: Iterator[T], close: Callable[[], None] = lambda: None
) -> AsyncGenerator[T, None]:
    """Take the items of an iterator, making each in a worker thread when it is asked for.

    Args:
        workers: where they are made.
        items: a generator is closed in a worker thread too, once the item being made is finished.
        close: called after that.

    Yields:
        The items.

    Raises:
        Gone: nobody waits for them any more.
        Exception: whatever the iterator raises.
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
        raise Gone("the client left") from error


def _close_elsewhere(workers: Executor, items: Iterator[T], close: Callable[[], None]) -> None:
    try:
        workers.submit(_close, items, close)
    except RuntimeError:  # the server is stopping, and takes no more work
        _close(items, close)


def _close(items: Iterator[T], close: Callable[[], None]) -> None:
    try:
        if (close_items := getattr(items, "close", None)) is not None:
            close_items()
    finally:
        close()
