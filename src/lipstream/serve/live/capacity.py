"""An avatar in, how many sessions of it this machine holds out, measured."""

import asyncio
import os

import numpy as np

from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.painting import Workshop
from lipstream.types import FRAME_RATE_HZ, FRAME_SAMPLES
from lipstream.video.jpeg import encode_jpeg

LINES_A_CORE = 4
"""Frames that are on their way at once: enough to keep every core and a whole batch busy."""
SPAN_MS = 200.0
SPANS = 4
"""The first warms up; of the others the best counts, for whatever else the machine did it may not do again."""
MARGIN = 0.7
"""Of what it can do at its best, a machine is asked to do no more than this."""


async def frames_a_second(avatar: Avatar, workshop: Workshop) -> float:
    """Run the whole way of a frame, from its sound to its JPEG, as often as the machine can for 0.8 s.

    Raises:
        LipstreamError: the avatar cannot do that.
    """
    finished_ms: list[float] = []
    begin_ms = workshop.now_ms()
    end_ms = begin_ms + SPANS * SPAN_MS
    sound = np.random.default_rng(5).normal(0, 0.1, FRAME_SAMPLES).astype(np.float32)
    code = avatar.drive.rest + np.float32(0.5)  # a mouth that moves

    async def line(number: int) -> None:
        speech, picture = avatar.speech(), 10 * number
        while workshop.now_ms() < end_ms:
            await workshop.work(lambda: speech.push(sound))
            due_ms = workshop.now_ms()
            image = await workshop.paint(avatar.clip, avatar.face, picture, code, due_ms=due_ms, client=number)
            await workshop.work(lambda image=image: encode_jpeg(image, quality=75))  # type: ignore[misc]
            finished_ms.append(workshop.now_ms())
            picture += 1

    try:
        async with asyncio.TaskGroup() as lines:  # of which none goes on if one fails
            for number in range(LINES_A_CORE * (os.cpu_count() or 1)):
                lines.create_task(line(number))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    counts, _ = np.histogram(finished_ms, SPANS, (begin_ms, end_ms))
    return float(counts[1:].max()) * 1000 / SPAN_MS


def sessions_of(frames: float) -> int:
    """How many sessions so many frames a second are enough for, 1 or more."""
    return max(1, int(frames * MARGIN / FRAME_RATE_HZ))


def found(frames: float) -> str:
    """What so many frames a second mean, for people to read."""
    most = f"at most {sessions_of(frames)} at once"
    if frames * MARGIN >= FRAME_RATE_HZ:
        return f"{frames:.0f} frames a second, so {most}"
    return (
        f"{most}; the machine was too busy to measure how many it holds, or is too slow for one ({frames:.0f} frames a "
        "second): live.max_sessions sets how many"
    )
