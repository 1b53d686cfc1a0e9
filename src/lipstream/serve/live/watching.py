"""Frames that a speaker's transport takes in, the same for whoever watches out; it waits for none of them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from lipstream.pipeline.session import StreamFrame

MOST_WAITING = 5
"""Frames that wait for one watcher, 200 ms; whoever is slower misses the oldest."""


class Watchers:
    """Those who watch one session; belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: list[deque[StreamFrame]] = []
        self._came = asyncio.Event()
        self._over = False

    async def frames(self) -> AsyncIterator[StreamFrame]:
        """The frames from now on, until there are no more."""
        mine: deque[StreamFrame] = deque(maxlen=MOST_WAITING)
        self._waiting.append(mine)
        try:
            while True:
                while mine:
                    yield mine.popleft()
                if self._over:
                    return
                await self._came.wait()
        finally:
            self._waiting = [one for one in self._waiting if one is not mine]

    def show(self, frame: StreamFrame) -> None:
        """Let everybody have a frame."""
        for one in self._waiting:
            one.append(frame)
        self._tell()

    def end(self) -> None:
        """Let everybody know that there are no more."""
        self._over = True
        self._tell()

    def _tell(self) -> None:
        self._came.set()
        self._came = asyncio.Event()
