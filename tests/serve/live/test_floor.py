import asyncio
import gc
import math
import threading
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_floor import FakeFloor, Visitor
from fake_stream import run, settle
from fakes import FlatGenerator
from numpy.typing import NDArray

from lipstream.avatar.bundle import open_bundle
from lipstream.avatar.eviction import Limits, least_frequently_used
from lipstream.errors import AvatarNotFoundError, BusyError, EngineError, SessionNotFoundError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.playout import END
from lipstream.pipeline.session import FROM_FILE, FROM_MICROPHONE, FROM_TTS, Passed
from lipstream.render.face import FaceRenderer
from lipstream.serve.live.opening import LiveLimits
from lipstream.serve.live.pressure import LATE_MS
from lipstream.serve.placement import Device
from lipstream.serve.registry import Registry
from lipstream.types import Float32, Pcm


@pytest.fixture
def floor(tiny: Avatar) -> FakeFloor:
    """Of an avatar whose pictures are shown as filmed, for tests that look at none."""
    still = replace(tiny, face=Still())  # type: ignore[arg-type]
    return FakeFloor(with_another(still, still))


@pytest.fixture
def painting(registry: Registry[Avatar]) -> FakeFloor:
    """Of one that is painted."""
    return FakeFloor(registry)


class Still:
    """A face that is not painted."""

    def painted(self, codes: Float32) -> NDArray[np.bool_]:
        return np.zeros(len(codes), bool)


def with_another(tiny: Avatar, other: Avatar) -> Registry[Avatar]:
    """Knows two avatars, tiny and another."""
    return Registry(
        lambda name, _: tiny if name == "tiny" else other,
        lambda _: None,
        lambda _: 1,
        limits=Limits(count=2),
        policy=least_frequently_used(1),
        devices=[Device("cpu")],
        now_ms=lambda: 0.0,
        unix_ms=lambda: 0,
    )


class Broken:
    """A network that fails."""

    name = device = precision = "none"

    def run(self, _: object) -> dict[str, Float32]:
        raise EngineError("it is broken")


async def says_all(floor: FakeFloor, visitor: Visitor, pcm: Pcm) -> None:
    """What was pushed comes back to the sample."""
    await visitor.speak(pcm)
    visitor.session.drain()
    await floor.time.pass_ms(1_000)
    assert visitor.error is None
    assert np.array_equal(visitor.sound[-len(pcm) :], pcm)


def test_an_open_session_is_found_by_its_id_and_by_nothing_else(floor: FakeFloor) -> None:
    async def test() -> None:
        async with floor.visitor() as one, floor.visitor() as two:
            assert one.session.id != two.session.id
            assert floor.live.session(one.session.id) is one.session
            with pytest.raises(SessionNotFoundError, match="there is no session"):
                floor.live.session(one.session.id[:-1])
        with pytest.raises(SessionNotFoundError):
            floor.live.session(two.session.id)

    run(test)


def test_beyond_the_most_nobody_is_let_in_until_somebody_leaves(registry: Registry[Avatar]) -> None:
    async def test() -> None:
        floor = FakeFloor(registry, LiveLimits(max_sessions=2))
        async with floor.visitor():
            async with floor.visitor(transport="webrtc"):
                with pytest.raises(BusyError, match="2 live sessions are open, as many as may be"):
                    await floor.visitor(transport="websocket").__aenter__()
                assert floor.figure("lipstream_live_sessions", transport="webrtc", state="idle") == 1
                assert floor.figure("lipstream_live_openings_total", transport="websocket", outcome="refused") == 1
            async with floor.visitor():
                pass
        assert floor.live.floor().sessions == {}
        assert floor.in_use == 0

    run(test)


def test_who_asks_for_nobody_takes_no_place(registry: Registry[Avatar]) -> None:
    async def test() -> None:
        floor = FakeFloor(registry, LiveLimits(max_sessions=1))
        for _ in range(3):
            with pytest.raises(AvatarNotFoundError, match="nobody"):
                await floor.visitor(avatar="nobody").__aenter__()
        assert floor.figure("lipstream_live_openings_total", transport="grpc", outcome="opened") == 0
        async with floor.visitor():
            pass

    run(test)


def test_sessions_never_hear_each_other(floor: FakeFloor, hello: Pcm) -> None:
    async def test() -> None:
        said = [hello, -hello[5_000:], hello[::-1].copy(), np.roll(hello, 9_000) * np.float32(0.5)]
        settings = [FROM_TTS, replace(FROM_MICROPHONE, steered=False), FROM_TTS, FROM_TTS]
        async with (
            floor.visitor(settings=settings[0], client="same") as one,
            floor.visitor(settings=settings[1], client="same") as two,
            floor.visitor(settings=settings[2]) as three,
            floor.visitor(settings=settings[3]) as four,
        ):
            visitors = (one, two, three, four)
            for start in range(0, len(hello), 1_000):
                for visitor, pcm in zip(visitors, said, strict=True):
                    await visitor.session.push(pcm[start : start + 1_000])
                await floor.time.pass_ms(62)
            three.session.interrupt()
            for visitor in visitors:
                visitor.session.drain()
            await floor.time.pass_ms(2_000)
            for visitor, pcm in zip(visitors, said, strict=True):
                heard = len(visitor.sound)
                assert np.array_equal(visitor.sound, pcm[:heard])
                assert heard == len(pcm) or visitor is three

    run(test)


@pytest.mark.parametrize("broken", ["generator", "speech encoder"])
def test_an_avatar_that_fails_fails_alone(tiny: Avatar, tiny_path: Path, hello: Pcm, broken: str) -> None:
    async def test() -> None:
        if broken == "generator":
            other = replace(tiny, name="other", face=FaceRenderer(open_bundle(tiny_path), Broken()))
        else:
            other = replace(tiny, name="other", drive=replace(tiny.drive, encoder=Broken()))  # type: ignore[type-var]
        floor = FakeFloor(with_another(tiny, other))
        async with floor.visitor() as well, floor.visitor(avatar="other") as ill:
            await well.speak(hello[:4_000])
            await ill.session.push(hello[:16_000]) if ill.error is None else None
            await settle()
            await floor.time.pass_ms(40)
            assert isinstance(ill.error, EngineError)
            await says_all(floor, well, hello[4_000:10_000])

    run(test)


def test_a_client_that_vanishes_in_mid_word_leaves_the_others_and_nothing_behind(floor: FakeFloor, hello: Pcm) -> None:
    async def test() -> None:
        async with floor.visitor() as stays:
            vanishing = Visiting(floor, hello)
            await floor.time.pass_ms(400)
            vanishing.task.cancel()
            await settle()
            assert vanishing.task.cancelled()
            assert sum(floor.live.floor().sessions.values()) == 1
            await says_all(floor, stays, hello)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert floor.in_use == 0

    run(test)


class Visiting:
    """A client in a task of its own that speaks and takes, such as a transport's."""

    def __init__(self, floor: FakeFloor, pcm: Pcm) -> None:
        self.floor, self.pcm = floor, pcm
        self.task = asyncio.create_task(self.visit())

    async def visit(self) -> None:
        async with self.floor.visitor(listens=False) as visitor:
            await visitor.session.push(self.pcm)
            async for _ in visitor.session:
                pass


def test_a_reader_that_stalls_stalls_nobody_else(floor: FakeFloor, hello: Pcm) -> None:
    async def test() -> None:
        async with floor.visitor() as reads, floor.visitor(listens=False) as stalls:
            await anext(stalls.session)
            await stalls.session.push(np.tile(hello, 2))
            await says_all(floor, reads, hello)
            assert reads.session.stats().late_frames == 0
            assert floor.live.floor().slowed == 0
            stalls.listening = asyncio.create_task(stalls.listen())  # it reads again, and hears all that was said
            stalls.session.drain()
            for _ in range(150):
                await floor.time.pass_ms(40)
            assert np.array_equal(stalls.sound, np.tile(hello, 2))

    run(test)


def test_pressure_goes_with_those_who_made_it(floor: FakeFloor) -> None:
    async def test() -> None:
        async with floor.visitor(listens=False):
            seconds(floor, 1, late_ms=LATE_MS + 1)
            assert floor.live.floor().slowed == 1
        async with floor.visitor(listens=False) as visitor:
            assert not visitor.session.stats().halved

    run(test)


def test_under_pressure_smaller_networks_paint_first(tiny: Avatar, tiny_path: Path) -> None:
    async def test() -> None:
        light = FaceRenderer(open_bundle(tiny_path), FlatGenerator(1.0, 0.0, 0.0))
        floor = FakeFloor(with_another(tiny, replace(tiny, lighter=lambda: light)))
        async with floor.visitor(listens=False) as small, floor.visitor(avatar="large", listens=False) as large:
            stats = [one.session.stats for one in (small, large)]
            seconds(floor, 1, late_ms=LATE_MS + 1)
            assert [(told().low, told().halved) for told in stats] == [(False, False), (True, False)]
            assert floor.figure("lipstream_live_quality_low") == 1
            async with floor.visitor(avatar="large", listens=False) as newest:  # room is left
                assert newest.session.stats().low
            seconds(floor, 2, late_ms=LATE_MS + 1)
            assert [(told().low, told().halved) for told in stats] == [(False, False), (True, True)]
            seconds(floor, 6, late_ms=0)
            assert [(told().low, told().halved) for told in stats] == [(False, False), (True, False)]
            seconds(floor, 5, late_ms=0)
            assert [(told().low, told().halved) for told in stats] == [(False, False), (False, False)]
            assert floor.figure("lipstream_live_quality_low") == 0

    run(test)


def seconds(floor: FakeFloor, seconds: int, *, late_ms: float, late: Visitor | None = None) -> None:
    """Frames of all sessions that are finished so late, 25 a second; of one alone, if there is one."""
    for _ in range(25 * seconds):
        floor.time.ms += 40
        now_ms = floor.time.ms
        for name in floor.live._present:
            due_ms = now_ms - late_ms * (late is None or late.session.id == name)
            floor.live.showed(name, Passed(None, None, now_ms - 40, due_ms, now_ms, now_ms, repeated=False))


def test_one_late_session_does_less_and_no_other(floor: FakeFloor, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with (
            floor.visitor(listens=False) as late,
            floor.visitor(listens=False) as second,
            floor.visitor(listens=False) as third,
        ):
            seconds(floor, 3, late_ms=LATE_MS + 1, late=late)
            assert [one.session.stats().halved for one in (late, second, third)] == [True, False, False]
            assert len(caplog.records) == 1
            seconds(floor, 4, late_ms=LATE_MS + 1, late=late)
            assert floor.live.floor().slowed == 1
            assert len(caplog.records) == 1  # nothing more can be done for it
            async with floor.visitor(listens=False) as newest:  # the machine has room
                assert not newest.session.stats().halved

    run(test)


def test_a_file_is_neither_late_nor_slowed(floor: FakeFloor) -> None:
    async def test() -> None:
        async with floor.visitor(listens=False) as talks, floor.visitor(listens=False, settings=FROM_FILE) as file:
            for _ in range(50):
                floor.time.ms += 40
                now_ms = floor.time.ms
                floor.live.showed(
                    talks.session.id, Passed(None, None, now_ms, now_ms - 99, now_ms, now_ms, repeated=False)
                )
                for _ in range(40):
                    floor.live.showed(
                        file.session.id, Passed(0.0, 0.0, now_ms, math.inf, now_ms, now_ms, repeated=False)
                    )
            assert (talks.session.stats().halved, file.session.stats().halved) == (True, False)

    run(test)


def test_under_pressure_the_newest_sessions_show_fewer_pictures_and_nobody_new_comes_in(floor: FakeFloor) -> None:
    async def test() -> None:
        async with (
            floor.visitor(listens=False) as first,
            floor.visitor(listens=False) as second,
            floor.visitor(listens=False) as third,
        ):

            def halved() -> list[bool]:
                return [one.session.stats().halved for one in (first, second, third)]

            seconds(floor, 1, late_ms=LATE_MS)
            assert halved() == [False, False, False]
            seconds(floor, 1, late_ms=LATE_MS + 1)
            assert halved() == [False, True, True]
            assert floor.figure("lipstream_live_sessions_slowed") == 2
            assert floor.figure("lipstream_live_frames_late_total") == 3 * 25
            with pytest.raises(BusyError, match="3 live sessions are open, and frames are late"):
                await floor.visitor().__aenter__()
            seconds(floor, 2, late_ms=LATE_MS + 1)
            assert halved() == [True, True, True]
            seconds(floor, 6, late_ms=0)
            assert halved() == [False, False, True]
            seconds(floor, 5, late_ms=0)
            assert halved() == [False, False, False]
            async with floor.visitor(listens=False):
                pass

    run(test)


def test_a_frame_that_is_painted_too_late_is_counted(painting: FakeFloor) -> None:
    floor = painting

    async def test() -> None:
        async with floor.visitor() as visitor:
            floor.batcher.held = []
            await floor.time.pass_ms(40)
            await floor.time.pass_ms(LATE_MS + 41)
            (held, *_), floor.batcher.held = floor.batcher.held, None
            held.set_result(np.zeros((3, 320, 320), np.float32))
            await settle()
            assert visitor.session.stats().late_frames == 1
            assert floor.figure("lipstream_live_frames_late_total") == 1
            assert floor.figure("lipstream_live_stage_seconds_count", stage="painted") == 2

    run(test)


def visits(floor: FakeFloor, cycles: int, hello: Pcm) -> None:
    async def test() -> None:
        for cycle in range(cycles):
            async with floor.visitor() as visitor:
                await visitor.session.push(hello[:8_000])
                if cycle % 3 == 0:
                    await visitor.session.push(END)
                await floor.time.pass_ms(40)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            floor.batcher.codes.clear()
            floor.batcher.due_ms.clear()
            floor.time._sleepers.clear()

    run(test)


@pytest.mark.parametrize("cycles", [6, pytest.param(1_000, marks=pytest.mark.slow)])
def test_who_comes_and_goes_leaves_nothing_behind(painting: FakeFloor, hello: Pcm, cycles: int) -> None:
    floor = painting
    visits(floor, 3, hello)
    threads = threading.active_count()
    tracemalloc.start()
    try:
        visits(floor, 3, hello)  # what is held anyway: the last input of a network
        gc.collect()
        before_bytes = tracemalloc.get_traced_memory()[0]
        visits(floor, cycles, hello)
        gc.collect()
        after_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after_bytes - before_bytes < 500_000  # a picture alone has more
    assert threading.active_count() == threads
    assert floor.live.floor().sessions == {}
    assert floor.in_use == 0
