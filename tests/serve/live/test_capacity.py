import asyncio
from itertools import count
from typing import cast

import pytest
from fake_floor import FakeFloor
from fake_stream import InlineBatcher, InlineWorkers, run

from lipstream.errors import BusyError, EngineError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.painting import Workshop
from lipstream.serve.live.capacity import SPAN_MS, SPANS, found, frames_a_second, sessions_of
from lipstream.serve.live.opening import LiveLimits
from lipstream.serve.registry import Registry


def ticking(ms_a_look: float) -> Workshop:
    """A workshop whose clock goes on by itself whenever somebody looks: three times a frame."""
    looks = count()
    return Workshop(InlineBatcher(), InlineWorkers(), lambda: ms_a_look * next(looks))


@pytest.mark.parametrize("ms_a_look", [4.0, 8.0])
def test_the_rate_is_that_of_whole_frames(tiny: Avatar, ms_a_look: float) -> None:
    frames = asyncio.run(frames_a_second(tiny, ticking(ms_a_look)))
    assert frames == pytest.approx(1000 / (3 * ms_a_look), rel=0.2)


def test_an_avatar_that_fails_is_not_measured_on(tiny: Avatar) -> None:
    workshop = ticking(0.0)  # which would never end
    cast("InlineBatcher", workshop.batcher).error = EngineError("it is broken")

    async def test() -> None:
        with pytest.raises(EngineError, match="it is broken"):
            await frames_a_second(tiny, workshop)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(test)


@pytest.mark.parametrize(("frames", "sessions"), [(0, 1), (20, 1), (70, 1), (72, 2), (1_500, 42)])
def test_a_margin_is_left(frames: float, sessions: int) -> None:
    assert sessions_of(frames) == sessions


def test_where_too_little_was_measured_the_words_say_so() -> None:
    assert found(72) == "72 frames a second, so at most 2 at once"
    assert found(0) == (
        "at most 1 at once; the machine was too busy to measure how many it holds, or is too slow for one (0 frames a "
        "second): live.max_sessions sets how many"
    )


def test_where_nobody_said_how_many_the_first_measures(registry: Registry[Avatar]) -> None:
    async def test() -> None:
        floor = FakeFloor(registry, LiveLimits(max_sessions=0))
        floor.live._workshop = ticking(SPANS * SPAN_MS / 90)  # 30 frames in 0.8 s
        async with floor.visitor(listens=False):
            with pytest.raises(BusyError, match="1 live session is open, as many as may be"):
                await floor.visitor().__aenter__()
        assert await floor.live.measure("tiny") == "live sessions: 40 frames a second, so at most 1 at once"
        assert floor.figure("lipstream_live_sessions_most") == 1

    run(test)


def test_where_somebody_said_how_many_nothing_is_measured(registry: Registry[Avatar]) -> None:
    async def test() -> None:
        floor = FakeFloor(registry, LiveLimits(max_sessions=7))
        assert await floor.live.measure("tiny") == "live sessions: at most 7 at once"
        assert floor.batcher.codes == []

    run(test)
