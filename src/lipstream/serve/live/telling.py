"""What is to be told of a session in, the messages of lipstream.v1 that tell it out, over whatever transport."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

from lipstream.pipeline import playout
from lipstream.pipeline.playout import Event
from lipstream.serve.live.opening import SessionStats
from lipstream.serve.live.session import Session
from lipstream.serve.status import status_of
from lipstream.wire import live_messages as messages

T = TypeVar("T")
STATS_MS = 1000.0


class _Telling(Protocol):
    def __call__(self, *, frame_index: int, played_samples: int) -> messages.TextDown: ...


TOLD: dict[type[Event], _Telling] = {
    playout.Speaking: messages.Speaking,
    playout.Resting: messages.Resting,
    playout.Underrun: messages.Underrun,
    playout.Ended: messages.Ended,
}


def told(event: Event) -> messages.TextDown:
    """What happened between two frames."""
    index, played_samples = event.frame_index, event.played_samples
    if isinstance(event, playout.Interrupted):
        dropped_samples = event.dropped_samples
        return messages.Interrupted(frame_index=index, played_samples=played_samples, dropped_samples=dropped_samples)
    return TOLD[type(event)](frame_index=index, played_samples=played_samples)


class StatsTeller:
    """Says once a second how a session goes.

    Args:
        session: the session.
        now_ms: a monotonic clock.
    """

    def __init__(self, session: Session, now_ms: Callable[[], float]) -> None:
        self._session, self._now_ms = session, now_ms
        self._told_ms, self._frames = now_ms(), 0

    def due(self, *, skipped_pictures: int, behind_ms: float) -> messages.Stats | None:
        """What is to be said now, if anything is.

        Args:
            skipped_pictures: left out so far because the client was behind.
            behind_ms: by how much it is.
        """
        passed_ms = self._now_ms() - self._told_ms
        if passed_ms < STATS_MS:
            return None
        now = self._session.stats()
        frame_rate = (now.frames - self._frames) * 1000 / passed_ms
        self._told_ms, self._frames = self._now_ms(), now.frames
        return _stats(now, skipped_pictures, behind_ms, frame_rate)


def failed(error: Exception, request_id: str) -> messages.Failed:
    """Why a session is over."""
    status = status_of(error, request_id)
    code = status.grpc.name.lower()
    return messages.Failed(code=code, status=status.http, message=status.message, request_id=request_id)


async def first(*ways: Coroutine[Any, Any, T]) -> T:
    """What the first of them returns or raises; the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        results = [one.result() for one in tasks if one.done()]  # whatever went wrong with any of them is raised
        return results[0]
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _stats(now: SessionStats, skipped_pictures: int, behind_ms: float, frame_rate: float) -> messages.Stats:
    return messages.Stats(
        frames=now.frames,
        filler_frames=now.filler_frames,
        played_samples=now.played_samples,
        dropped_samples=now.dropped_samples,
        skipped_samples=now.skipped_samples,
        underruns=now.underruns,
        late_frames=now.late_frames,
        repeated_frames=now.repeated_frames,
        skipped_pictures=skipped_pictures,
        behind_ms=round(behind_ms),
        waiting_ms=now.waiting_ms,
        queued_ms=now.queued_ms,
        ppm=round(now.ppm, 1),
        frame_rate=round(frame_rate, 1),
        halved=now.halved,
        low=now.low,
        latency_ms={name.removesuffix("_ms"): round(ms, 1) for name, ms in asdict(now.latency).items()},
        sound=asdict(now.sound),
    )
