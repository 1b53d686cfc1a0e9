"""Live sessions over gRPC in, how soon and how regularly their frames come and how many fit out.

    python benchmarks/live.py --seconds 600 > benchmarks/results/NAME.live.json

Let nothing else run meanwhile; the client shares the machine and takes its frames as they come, without decoding them.
Every session is a microphone's: speech in pieces of 20 ms as it is spoken, look-ahead 212 ms, JPEG. Times are in ms, of
the client: a frame has come when its message is there. A frame is late by how much later it came than the one that came
soonest, each counted from the session's grid of 40 ms.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
from served import Server, counted, serving, speech

import lipstream
from lipstream.client import AsyncClient, SpokenEvent, SpokenFrame
from lipstream.client.live import AsyncLiveSpeech
from lipstream.clock import now_ms
from lipstream.evaluate.speed.machine import machine, versions
from lipstream.types import FRAME_MS, Pcm

PIECE_MS = 20
PIECE_SAMPLES = 320
ENOUGH_MS = 212
"""The look-ahead: with so much sound the first frame could be painted."""
REST_S = 0.5
"""Before somebody speaks."""
LATE_MS = 80.0
MOST_LATE = 0.01
"""Of the frames of a session: with more it is not held."""
QUALITIES = ("low", "medium", "high")
FREE = {"live__max_sessions": 1_000, "live__adaptive": "false"}
"""Everybody is let in and everything painted: the measurement is where it ends."""


@dataclass(eq=False)
class Visit:
    """One session, as its client sees it."""

    address: str
    avatar: str
    spoken_ms: list[float] = field(default_factory=list)
    """When each piece was sent."""
    came: list[tuple[float, int, bool]] = field(default_factory=list)
    """When each frame came, its number, and whether it holds speech."""
    silent_ms: list[float] = field(default_factory=list)
    """From each interruption to the first frame after it."""

    async def talk(self, pcm: Pcm, *, shown_frames: int | None = None) -> None:
        """Speak in real time and take every frame, to the end or until so much speech was shown; then interrupt."""
        async with AsyncClient(self.address) as client, client.stream(self.avatar) as live:
            taking = asyncio.create_task(self._take(live))
            await asyncio.sleep(REST_S)
            await self._speak(live, pcm, shown_frames)
            await live.end()
            await taking

    async def _speak(self, live: AsyncLiveSpeech, pcm: Pcm, shown_frames: int | None) -> None:
        begin_ms = now_ms()
        for number, start in enumerate(range(0, len(pcm), PIECE_SAMPLES), 1):
            await asyncio.sleep(max(0.0, begin_ms + PIECE_MS * number - now_ms()) / 1000)
            self.spoken_ms.append(now_ms())
            await live.push(pcm[start : start + PIECE_SAMPLES])
            if shown_frames is not None and sum(speaks for *_, speaks in self.came) >= shown_frames:
                self._interrupted_ms = now_ms()
                await live.interrupt()
                await asyncio.sleep(REST_S)  # a session that has nothing more to say ends without another frame
                return

    async def _take(self, live: AsyncLiveSpeech) -> None:
        interrupted = False
        async for item in live:
            if isinstance(item, SpokenEvent):
                interrupted = item.kind == "interrupted"
            elif isinstance(item, SpokenFrame):
                self.came.append((now_ms(), item.index, not item.filler))
                if interrupted:
                    self.silent_ms.append(self.came[-1][0] - self._interrupted_ms)
                    interrupted = False

    @property
    def late_ms(self) -> list[float]:
        """By how much each frame was late."""
        offsets_ms = np.array([came_ms - FRAME_MS * index for came_ms, index, _ in self.came])
        return [] if not len(offsets_ms) else (offsets_ms - offsets_ms.min()).tolist()

    @property
    def delays_ms(self) -> list[float]:
        """From the first sample of each frame with speech, as it was spoken, until the frame came."""
        begin_ms = self.spoken_ms[0] - PIECE_MS
        spoken = [came_ms for came_ms, _, speaks in self.came if speaks]
        return [came_ms - begin_ms - FRAME_MS * frame for frame, came_ms in enumerate(spoken)]

    @property
    def first_frame_ms(self) -> float:
        """From enough sound being there to the first frame of it."""
        enough_ms = self.spoken_ms[-(-ENOUGH_MS // PIECE_MS) - 1]
        return next(came_ms for came_ms, _, speaks in self.came if speaks) - enough_ms


def spread(times_ms: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and the worst."""
    p50, p95, worst = np.quantile(times_ms, [0.5, 0.95, 1.0])
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1), "worst": round(float(worst), 1)}


def share_late(visit: Visit) -> float:
    """Of its frames, those that came more than 80 ms late."""
    return float(np.mean(np.array(visit.late_ms) > LATE_MS))


def reactions(server: Server, avatar: str, repeats: int) -> dict[str, Any]:
    """How soon the first frame of a speech comes, and silence after an interruption."""
    visits = [Visit(server.grpc_address, avatar) for _ in range(repeats)]
    for number, visit in enumerate(visits):
        asyncio.run(visit.talk(speech(1_500), shown_frames=20 + number))
    return {
        "repeats": repeats,
        "first_frame_after_enough_sound_ms": spread([visit.first_frame_ms for visit in visits]),
        "interruption_to_silence_ms": spread([ms for visit in visits for ms in visit.silent_ms]),
    }


def one_session(server: Server, avatar: str, seconds: float) -> dict[str, Any]:
    """A single session for so long: how late its frames are, and what it costs the server."""
    before = server.metrics()
    visit = Visit(server.grpc_address, avatar)
    asyncio.run(visit.talk(speech(round(25 * seconds))))
    after = server.metrics()
    return {
        "seconds": seconds,
        "frames": len(visit.came),
        "late_ms": spread(visit.late_ms),
        "share_over_80_ms_late": round(share_late(visit), 6),
        "sample_to_frame_ms": spread(visit.delays_ms),
        "underruns": counted(before, after, "lipstream_live_underruns_total"),
        "cpu_cores": round(counted(before, after, "process_cpu_seconds_total") / seconds, 3),
        "memory_mb": round(after["process_resident_memory_bytes"] / 1e6, 1),
        "stage_mean_ms": _stages(before, after),
    }


def _stages(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    means = {}
    for stage in ("heard", "queued", "painted", "encoded", "sent"):
        total_s, frames = (
            counted(before, after, f'lipstream_live_stage_seconds_{what}{{stage="{stage}"}}')
            for what in ("sum", "count")
        )
        means[stage] = round(1000 * total_s / frames, 2) if frames else 0.0
    return means


def most_sessions(server: Server, avatar: str, seconds: float, most: int) -> dict[str, Any]:
    """Add one session after the other until one of them is not held, or there are `most`; each number for so long."""
    held: dict[str, Any] = {"sessions": 0}
    while held["sessions"] < most:
        visits = [Visit(server.grpc_address, avatar) for _ in range(held["sessions"] + 1)]
        asyncio.run(_all(visits, seconds))
        if any(share_late(visit) > MOST_LATE for visit in visits):
            return held
        held = {
            "sessions": len(visits),
            "late_ms": spread([ms for visit in visits for ms in visit.late_ms]),
            "sample_to_frame_ms": spread([ms for visit in visits for ms in visit.delays_ms]),
        }
    return held


async def _all(visits: Sequence[Visit], seconds: float) -> None:
    pcm = speech(round(25 * seconds))
    # Not all at the same moment, nor with the same words.
    talks = [visit.talk(np.roll(pcm, 4_000 * number)) for number, visit in enumerate(visits)]
    await asyncio.gather(*talks)


def report(avatar: str, seconds: float, step_seconds: float, repeats: int, most: int) -> dict[str, Any]:
    """Everything."""
    with serving(avatar, **FREE) as server:
        asyncio.run(Visit(server.grpc_address, avatar).talk(speech(25)))  # warms up
        reacts, one = reactions(server, avatar, repeats), one_session(server, avatar, seconds)
    held = {}
    for quality in QUALITIES:
        with serving(avatar, registry__quality=quality, **FREE) as server:
            held[quality] = most_sessions(server, avatar, step_seconds, most)
    return {
        "schema": "lipstream.live/1",
        "version": lipstream.__version__,
        "machine": machine(),
        "versions": {**versions(), "grpcio": grpc.__version__},
        "avatar": avatar,
        "reactions": reacts,
        "one_session": one,
        "most_sessions": {"seconds_each": step_seconds, "share_late_at_most": MOST_LATE, **held},
    }


def main() -> None:
    """Print the report as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatar", default="iris")
    parser.add_argument("--seconds", type=float, default=600, help="of the single session")
    parser.add_argument("--step-seconds", type=float, default=15, help="of every number of sessions")
    parser.add_argument("--repeats", type=int, default=20, help="of first frames and interruptions")
    parser.add_argument("--most", type=int, default=1_000, help="sessions at once")
    found = report(**vars(parser.parse_args()))
    json.dump(found, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
