"""What is to be told of a session in, the messages of lipstream.v1 that tell it out."""

from dataclasses import asdict
from typing import Protocol

from lipstream.pipeline import playout
from lipstream.pipeline.playout import Event
from lipstream.serve.live.opening import SessionStats
from lipstream.serve.live.session import Session
from lipstream.serve.status import status_of
from lipstream.serve.ws.framing import Framing
from lipstream.wire import live_messages as messages


class _Telling(Protocol):
    def __call__(self, *, frame_index: int, played_samples: int) -> messages.TextDown: ...


TOLD: dict[type[Event], _Telling] = {
    playout.Speaking: messages.Speaking,
    playout.Resting: messages.Resting,
    playout.Underrun: messages.Underrun,
    playout.Ended: messages.Ended,
}


def started(session: Session, start: messages.Start, framing: Framing) -> messages.Started:
    """That a session is open, and what will come."""
    return messages.Started(
        session=session.id,
        avatar=session.avatar.name,
        width=framing.width,
        height=framing.height,
        picture=start.picture,
        codec=framing.codec,
        sound=start.sound,
        sound_delay_samples=framing.sound_delay_samples,
        lookahead_ms=session.settings.lookahead_ms,
    )


def told(event: Event) -> messages.TextDown:
    """What happened between two frames."""
    index, played_samples = event.frame_index, event.played_samples
    if isinstance(event, playout.Interrupted):
        dropped_samples = event.dropped_samples
        return messages.Interrupted(frame_index=index, played_samples=played_samples, dropped_samples=dropped_samples)
    return TOLD[type(event)](frame_index=index, played_samples=played_samples)


def stats(now: SessionStats, *, skipped_pictures: int, behind_ms: float, frame_rate: float) -> messages.Stats:
    """How a session goes.

    Args:
        now: as the session counts.
        skipped_pictures: left out so far because the client was behind.
        behind_ms: by how much it is.
        frame_rate: frames a second lately.
    """
    return messages.Stats(
        frames=now.frames,
        filler_frames=now.filler_frames,
        played_samples=now.played_samples,
        dropped_samples=now.dropped_samples,
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


def failed(error: Exception, request_id: str) -> messages.Failed:
    """Why a session is over."""
    status = status_of(error, request_id)
    code = status.grpc.name.lower()
    return messages.Failed(code=code, status=status.http, message=status.message, request_id=request_id)
