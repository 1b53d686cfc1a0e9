"""An iterator in, the same items out, made ahead of their use in a thread of their own."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")


@contextmanager
def ahead(items: Iterable[Item], *, limit: int, name: str) -> Iterator[Iterator[Item]]:
    """Run `items` in a thread, at most `limit` items ahead of whoever takes them.

    An error of `items` is raised where the item would have been taken. Leaving the context stops the thread before it
    makes another item and waits for it, so no thread outlives its user, whether the work ended, failed or was
    interrupted.

    Args:
        items: what to iterate in the thread.
        limit: items that may wait.
        name: of the thread.

    Yields:
        The items, in order.
    """
    queue = _Queue[Item](limit)
    thread = threading.Thread(target=_fill, args=(queue, items), name=f"lipstream-{name}", daemon=True)
    thread.start()
    try:
        yield queue.taken()
    finally:
        queue.close()
        thread.join()


class _Queue(Generic[Item]):
    """A bounded queue that either side can end."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._ended = False
        self._error: BaseException | None = None

    def put(self, item: Item) -> bool:
        """Add an item once there is room; False if nobody wants it any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._limit)
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def end(self, error: BaseException | None = None) -> None:
        """Say that no item follows, because of `error` if there was one."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def close(self) -> None:
        """Say that no item is wanted."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def taken(self) -> Iterator[Item]:
        """The items, as they arrive."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._ended)
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item


def _fill(queue: _Queue[Item], items: Iterable[Item]) -> None:
    try:
        for item in items:
            if not queue.put(item):
                return
    except BaseException as error:  # whatever it is, it belongs to the thread that takes the items
        queue.end(error)
    else:
        queue.end()
