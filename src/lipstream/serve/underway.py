"""gRPC calls as they begin and end in, whether any is under way and whether its client still waits out."""

import asyncio
from concurrent.futures import Future
from typing import Any, TypeAlias

import grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # generic only for type checkers


class Underway:
    """The calls under way on one event loop, each until its status has been sent."""

    def __init__(self) -> None:
        self.calls, self._idle, self.stopping = 0, asyncio.Event(), asyncio.Event()
        self._idle.set()

    def enter(self) -> None:
        """One more."""
        self.calls += 1
        self._idle.clear()

    def leave(self) -> None:
        """One less."""
        self.calls -= 1
        if self.calls == 0:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until there is none."""
        await self._idle.wait()


class Stay:
    """One client's call from its begin to its end; it makes one request, or a stream of them."""

    def __init__(self, context: Context, underway: Underway) -> None:
        self.context, self._underway = context, underway
        self._gone: Future[None] = Future()
        underway.enter()
        context.add_done_callback(self._leave)  # type: ignore[arg-type]  # its stub wants another shape

    def request(self) -> "Future[None]":
        """Begin a request; done when nobody waits for its answer any more."""
        self._gone = Future()
        return self._gone

    def _leave(self, *_: object) -> None:
        end(self._gone)
        self._underway.leave()


def end(gone: "Future[None]") -> None:
    """Say that nobody waits any more."""
    if not gone.done():
        gone.set_result(None)
