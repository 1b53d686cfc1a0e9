"""Single frames of many clients in, patches out: what waits for one network is painted together, earliest due first."""

import heapq
import logging
import math
import threading
import weakref
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np

from lipstream.errors import BusyError
from lipstream.types import Float32, Patches, Visual

NO_DEADLINE = math.inf
MOST_SHARES = 1000

_log = logging.getLogger(__name__)


class Painter(Protocol):
    """A network that paints batches, such as `render.face.FaceRenderer`."""

    def generate(self, visual: Visual, codes: Float32) -> Patches:
        """Paint `[b, 6, 320, 320]` driven by `[b, ...]` as `[b, 3, 320, 320]` float32 in 0..1."""
        ...


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How frames are put together."""

    max_batch: int = 8
    """Frames of one run of a network, 1 or more."""
    window_ms: float = 2.0
    """How long a frame may wait for others while the network is idle; 0 does not wait."""
    max_waiting_frames: int = 512
    """Frames that may wait, of all clients; more are refused. A frame's input takes 2.5 MB."""


@dataclass(frozen=True, slots=True)
class BatchStats:
    """What a batcher has done since it started; a snapshot."""

    frames: int
    """Frames painted."""
    batches: int
    """Runs of a network."""
    waiting_frames: int
    """Frames that wait now."""
    refused_frames: int
    """Frames refused because too many waited."""


@dataclass(slots=True, order=True, weakref_slot=True)
class _Waiting:
    due_ms: float
    share: float
    number: int
    painter: Painter = field(compare=False)
    visual: Float32 = field(compare=False)
    drive: Float32 = field(compare=False)
    since_ms: float = field(compare=False)
    patch: "Future[Float32]" = field(compare=False, default_factory=Future)


class Batcher:
    """Runs networks for all clients on threads of its own; frames of one network share a run.

    Frames with a due time go first, the earliest before the others; frames without one share what is left equally
    between their clients. A run that fails, for want of memory or otherwise, is split in halves until the frame that
    fails is alone, so that nobody else's fails with it.
    """

    def __init__(
        self,
        limits: BatchLimits,
        now_ms: Callable[[], float],
        *,
        workers: int = 1,
        observe: Callable[[int, float, float], None] | None = None,
    ) -> None:
        """Start the threads.

        Args:
            limits: how frames are put together.
            now_ms: a monotonic clock.
            workers: networks run side by side.
            observe: told of every run: its frames, their mean wait and its own time, both in ms.
        """
        self._limits, self._now_ms, self._observe = limits, now_ms, observe
        self._changed = threading.Condition()
        self._queue: list[_Waiting] = []
        self._shares: dict[Hashable, float] = {}
        self._number = self._frames = self._batches = self._refused = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"lipstream-batch-{worker}", daemon=True)
            for worker in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(  # noqa: PLR0913  the four last are optional, and by name only
        self,
        painter: Painter,
        visual: Float32,
        drive: Float32,
        *,
        due_ms: float = NO_DEADLINE,
        client: Hashable = None,
        weight: float = 1.0,
        patience_s: float = 0.0,
    ) -> "Future[Float32]":
        """Let one frame be painted.

        Args:
            painter: the network.
            visual: `[6, 320, 320]` float32 BGR in 0..1.
            drive: what drives it: a code `[12]`, or a context of features `[32, 16, 16]`; float32.
            due_ms: when it is wanted, by the batcher's clock.
            client: whose frame it is; those without a due time get equal shares of the network.
            weight: of this client's share.
            patience_s: how long to wait for room in the queue; 0 for a frame whose refusal costs nobody anything.

        Returns:
            The patch, `[3, 320, 320]` float32 BGR in 0..1; cancelling it takes the frame out of the queue at once.

        Raises:
            BusyError: too many frames wait, or the batcher is closed. Frames with a due time and others are counted
                apart, so that no bulk of work keeps out those who are live.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room(due_ms), patience_s)
            if self._closed:
                raise BusyError("the server is stopping; ask again, or ask another one")
            if not self._has_room(due_ms):
                self._refused += 1
                raise BusyError(
                    f"{len(self._queue)} frames wait for the networks, as many as may "
                    f"(batching.max_queue_ms); ask again later"
                )
            waiting = _Waiting(
                due_ms, self._share(client, weight), self._number, painter, visual, drive, self._now_ms()
            )
            self._number += 1
            heapq.heappush(self._queue, waiting)
            self._changed.notify_all()
        # Weak, or a frame and its patch would hold each other, 4 MB, until Python looks for such circles.
        there = weakref.ref(waiting)
        waiting.patch.add_done_callback(lambda patch: self._withdraw(there()) if patch.cancelled() else None)
        return waiting.patch

    def stats(self) -> BatchStats:
        """What has been done so far."""
        with self._changed:
            return BatchStats(self._frames, self._batches, len(self._queue), self._refused)

    def close(self) -> None:
        """Refuse new frames, paint those that wait, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _has_room(self, due_ms: float) -> bool:
        live = due_ms != NO_DEADLINE
        return sum((one.due_ms != NO_DEADLINE) == live for one in self._queue) < self._limits.max_waiting_frames

    def _share(self, client: Hashable, weight: float) -> float:
        """The virtual time at which a client's next frame is served: start-time fair queueing."""
        if not self._queue:
            self._shares.clear()
        now = min((one.share for one in self._queue), default=0.0)
        if len(self._shares) > MOST_SHARES:  # those who lie behind would begin at `now` anyway
            self._shares = {one: share for one, share in self._shares.items() if share > now}
        start = max(self._shares.get(client, 0.0), now)
        self._shares[client] = start + 1.0 / weight
        return start

    def _withdraw(self, waiting: _Waiting | None) -> None:
        if waiting is None:  # nobody has it any more
            return
        with self._changed, suppress(ValueError):  # not there: its run has begun
            self._queue.remove(waiting)
            heapq.heapify(self._queue)
            self._changed.notify_all()

    def _work(self) -> None:
        while batch := self._next():
            start_ms = self._now_ms()
            _paint(batch)
            run_ms = self._now_ms() - start_ms
            with self._changed:
                self._frames += len(batch)
                self._batches += 1
            self._tell(len(batch), start_ms - float(np.mean([one.since_ms for one in batch])), run_ms)
            del batch  # or its frames would live until the next

    def _tell(self, frames: int, wait_ms: float, run_ms: float) -> None:
        try:
            if self._observe is not None:
                self._observe(frames, wait_ms, run_ms)
        except Exception:  # this thread paints for everybody
            _log.exception("a run of a network could not be counted")

    def _next(self) -> list[_Waiting]:
        """The next batch, marked as running; empty when closed and done."""
        with self._changed:
            while True:
                if not self._queue:
                    if self._closed:
                        return []
                    self._changed.wait()
                    continue
                batch = self._first_batch()
                wait_ms = min(one.since_ms for one in batch) + self._limits.window_ms - self._now_ms()
                if len(batch) < self._limits.max_batch and wait_ms > 0 and not self._closed:
                    self._changed.wait(wait_ms / 1000)
                    continue
                for one in batch:
                    self._queue.remove(one)
                heapq.heapify(self._queue)
                self._changed.notify_all()  # there is room, and other workers may find something left
                if running := [one for one in batch if one.patch.set_running_or_notify_cancel()]:
                    return running

    def _first_batch(self) -> list[_Waiting]:
        painter = self._queue[0].painter
        return heapq.nsmallest(self._limits.max_batch, (one for one in self._queue if one.painter is painter))


def _paint(batch: Sequence[_Waiting]) -> None:
    try:
        visual, drive = np.stack([one.visual for one in batch]), np.stack([one.drive for one in batch])
        painted = list(zip(batch, batch[0].painter.generate(visual, drive), strict=True))
    except Exception as error:  # it belongs to whoever asked for the frame
        if len(batch) == 1:
            batch[0].patch.set_exception(error)
            return
        half = len(batch) // 2
        _paint(batch[:half])
        _paint(batch[half:])
    else:
        for one, patch in painted:
            one.patch.set_result(patch)
