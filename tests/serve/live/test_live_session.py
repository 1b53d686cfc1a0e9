import asyncio
from dataclasses import replace

import numpy as np
import pytest
from fake_floor import FakeFloor
from fake_stream import run, settle

from lipstream.errors import BusyError, InputError, SessionOverError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.playout import END, Ended, Interrupted, Resting, Speaking
from lipstream.pipeline.session import FROM_TTS
from lipstream.pipeline.stream import AHEAD_FRAMES
from lipstream.serve.live.opening import LiveLimits, Opening, State
from lipstream.serve.live.session import MOST_ENDS
from lipstream.serve.registry import Registry
from lipstream.types import Float32, Pcm


@pytest.fixture
def floor(registry: Registry[Avatar]) -> FakeFloor:
    return FakeFloor(registry)


def test_a_session_is_idle_speaks_is_idle_and_drains(floor: FakeFloor, hello: Pcm) -> None:
    async def test() -> None:
        async with floor.visitor() as visitor:
            session, states = visitor.session, list[State]()
            states.append(session.state)
            await visitor.speak(hello[:16_000])
            states.append(session.state)
            await session.push(END)
            await floor.time.pass_ms(1_000)
            states.append(session.state)
            await visitor.speak(hello[:8_000])
            session.drain()
            states.append(session.state)
            with pytest.raises(InputError, match="draining"):
                await session.push(hello)
            await floor.time.pass_ms(1_000)
            assert [type(event) for event in visitor.events] == [Speaking, Ended, Resting, Speaking, Ended]
            assert np.array_equal(visitor.sound, np.concatenate([hello[:16_000], hello[:8_000]]))
            assert visitor.listening is not None
            assert visitor.listening.done()
        assert [*states, session.state] == ["idle", "speaking", "idle", "draining", "closed"]
        with pytest.raises(InputError, match="closed"):
            await session.push(hello)

    run(test)


def test_a_session_to_which_nothing_was_said_drains_at_once(floor: FakeFloor) -> None:
    async def test() -> None:
        async with floor.visitor() as visitor:
            visitor.session.drain()
            visitor.session.drain()
            await floor.time.pass_ms(100)
            assert visitor.listening is not None
            assert visitor.listening.done()
            assert [type(event) for event in visitor.events] == [Ended]

    run(test)


def test_latency_is_told_station_by_station(floor: FakeFloor, hello: Pcm) -> None:
    async def test() -> None:
        async with floor.visitor(listens=False) as visitor:
            session = visitor.session

            async def encode_and_send() -> None:
                async for _ in session:
                    await session.work(lambda: floor.time.__setattr__("ms", floor.time.ms + 3))
                    floor.time.ms += 2

            taking = asyncio.create_task(encode_and_send())
            await visitor.speak(hello[:16_000])
            latency = session.stats().latency
            assert latency.heard_ms == pytest.approx(200, abs=8)
            assert latency.queued_ms == pytest.approx(60, abs=30)
            assert latency.painted_ms < 10
            assert latency.encoded_ms == pytest.approx(3)
            assert latency.sent_ms == pytest.approx(2)
            assert session.stats().first_frame_ms == pytest.approx(latency.heard_ms + latency.queued_ms, abs=40)
            await session.close()
            await taking

    run(test)


def test_interrupting_drops_what_waits_to_be_heard_too(floor: FakeFloor, hello: Pcm) -> None:
    async def test() -> None:
        async with floor.visitor(settings=FROM_TTS) as visitor:
            for _ in range(20):  # 41 s, of which the session's queue takes ten
                await visitor.session.push(hello)
                await visitor.session.push(END)
            await floor.time.pass_ms(500)
            assert 28_000 < visitor.session.stats().waiting_ms < 32_000
            event = visitor.session.interrupt()
            assert visitor.session.stats().waiting_ms == 0
            assert event.played_samples + event.dropped_samples == 20 * len(hello)
            await floor.time.pass_ms(500)
            assert visitor.events[1:] == [
                event,
                *[Ended(event.frame_index, event.played_samples)] * 20,
                Resting(*_at(visitor.events[-1])),
            ]
            await visitor.session.push(hello[:6_400])
            visitor.session.drain()
            await floor.time.pass_ms(1_000)
            assert np.array_equal(visitor.sound[event.played_samples :], hello[:6_400])

    run(test)


def _at(event: object) -> tuple[int, int]:
    assert isinstance(event, Resting)
    return event.frame_index, event.played_samples


def test_no_live_sound_has_a_rate_that_fills_memory() -> None:
    with pytest.raises(InputError, match="768,000 Hz; expected at most 192,000"):
        Opening("tiny", replace(FROM_TTS, sample_rate_hz=768_000), "somebody", "grpc")


def test_too_much_sound_is_refused_and_the_session_goes_on(registry: Registry[Avatar], hello: Pcm) -> None:
    async def test() -> None:
        floor = FakeFloor(registry, LiveLimits(max_waiting_ms=3_000))
        async with floor.visitor(settings=FROM_TTS) as visitor:
            for _ in range(6):  # five are heard at once
                await visitor.session.push(hello)
                await settle()
            with pytest.raises(BusyError, match="max_audio_s"):
                await visitor.session.push(hello)
            assert visitor.session.stats().waiting_ms <= 3_000
            await floor.time.pass_ms(3_000)
            await visitor.session.push(hello)

    run(test)


@pytest.mark.parametrize("sound", [np.zeros(5, np.int16), np.zeros((2, 5), np.float32), b"12", None])
def test_what_is_no_sound_harms_nobody(floor: FakeFloor, sound: object) -> None:
    async def test() -> None:
        async with floor.visitor() as visitor:
            with pytest.raises(InputError, match="sound"):
                await visitor.session.push(sound)  # type: ignore[arg-type]
            await visitor.session.push(np.zeros(0, np.float32))
            await floor.time.pass_ms(100)
            assert len(visitor.frames) == 3

    run(test)


def test_samples_that_are_no_numbers_are_silence_and_counted(floor: FakeFloor, hello: Pcm) -> None:
    async def test() -> None:
        async with floor.visitor() as visitor:
            broken = hello[:6_400].copy()
            broken[100:105] = np.nan, np.inf, -np.inf, np.nan, np.nan
            await visitor.session.push(broken)
            assert visitor.session.stats().sound.nan_samples == 5
            visitor.session.drain()
            await floor.time.pass_ms(1_000)
            assert visitor.error is None
            assert np.array_equal(visitor.sound, np.nan_to_num(broken, nan=0.0, posinf=0.0, neginf=0.0))

    run(test)


def test_sound_is_measured_as_it_came_and_cleaned_once_it_is_numbers(floor: FakeFloor) -> None:
    given: list[Float32] = []

    async def clean(sound: Float32) -> Float32:
        given.append(sound)
        return sound[:0]

    async def test() -> None:
        async with floor.visitor() as visitor:
            await visitor.session.push(np.array([0.5, np.nan, np.inf], np.float32), clean)
            sound = visitor.session.stats().sound
            assert (sound.nan_samples, sound.max) == (2, 0.5)

    run(test)
    assert np.array_equal(given, [[0.5, 0.0, 0.0]])


def test_who_interrupts_and_ends_without_end_and_takes_nothing_costs_no_memory(floor: FakeFloor, hello: Pcm) -> None:
    async def test() -> None:
        async with floor.visitor(listens=False) as visitor:
            session = visitor.session
            for _ in range(5_000):
                await session.push(hello[:10])
                session.interrupt()
            await settle()
            assert len(session._stream._leaving) == 1
            for _ in range(MOST_ENDS):
                await session.push(END)
                session.interrupt()
            with pytest.raises(BusyError, match="ends of speech"):
                await session.push(END)
            first = await anext(session)
            assert first == Interrupted(0, 0, 50_000)
            await anext(session)
            await session.push(END)  # one of them was told of
            session.drain()  # which is no client's to hinder
            assert session.state == "draining"

    run(test)


def test_who_takes_nothing_stops_the_work(floor: FakeFloor, hello: Pcm) -> None:
    async def test() -> None:
        async with floor.visitor(listens=False) as visitor:
            await anext(visitor.session)
            await visitor.speak(hello)
            assert len(floor.batcher.codes) == 1 + AHEAD_FRAMES

    run(test)


def test_a_session_to_which_nothing_comes_ends(registry: Registry[Avatar], hello: Pcm) -> None:
    async def test() -> None:
        floor = FakeFloor(registry, LiveLimits(idle_ms=1_000))
        async with floor.visitor() as visitor:
            await floor.time.pass_ms(900)
            await visitor.session.push(hello[:640])
            await floor.time.pass_ms(900)
            visitor.session.interrupt()
            await floor.time.pass_ms(960)
            assert visitor.error is None
            await floor.time.pass_ms(100)
            assert isinstance(visitor.error, SessionOverError)
            assert "idle_timeout_s" in str(visitor.error)
            assert visitor.session.state == "closed"
            shown = len(floor.batcher.codes)
            await floor.time.pass_ms(200)
            assert len(floor.batcher.codes) == shown

    run(test)


def test_a_speech_that_was_sent_at_once_is_shown_to_its_end(registry: Registry[Avatar], hello: Pcm) -> None:
    async def test() -> None:
        floor = FakeFloor(registry, LiveLimits(idle_ms=500))
        async with floor.visitor(settings=FROM_TTS) as visitor:
            await visitor.session.push(hello)
            await visitor.session.push(END)
            await floor.time.pass_ms(2_300)
            assert visitor.error is None
            await floor.time.pass_ms(600)
            assert isinstance(visitor.error, SessionOverError)
            assert np.array_equal(visitor.sound, hello)

    run(test)


def test_who_speaks_on_and_takes_nothing_is_half_gone(registry: Registry[Avatar], hello: Pcm) -> None:
    async def test() -> None:
        floor, stuck = FakeFloor(registry, LiveLimits(idle_ms=1_000)), asyncio.Event()

        async def send() -> None:
            async with floor.visitor(listens=False) as visitor:
                speaking = asyncio.create_task(visitor.speak(hello))
                try:
                    await anext(visitor.session)
                    await stuck.wait()  # the client takes nothing
                finally:
                    speaking.cancel()

        sending = asyncio.create_task(send())
        await floor.time.pass_ms(3_000)
        assert not sending.done()  # it may still notice by itself
        await floor.time.pass_ms(10_000)
        with pytest.raises(SessionOverError, match="nothing was taken for 1 s"):
            await sending
        assert floor.live.floor().sessions == {}

    run(test)


def test_a_server_that_stops_lets_what_was_pushed_be_shown_and_hears_no_more(floor: FakeFloor, hello: Pcm) -> None:
    async def test() -> None:
        async with floor.visitor() as visitor:
            await visitor.speak(hello[:9_000])
            draining = asyncio.create_task(floor.live.drain(10))
            await settle()
            await visitor.session.push(hello[9_000:])  # its client cannot know
            with pytest.raises(BusyError, match="the server stops"):
                await floor.visitor().__aenter__()
            await floor.time.pass_ms(1_000)
            assert visitor.listening is not None
            assert visitor.listening.done()
            assert np.array_equal(visitor.sound, hello[:9_000])
            assert not draining.done()  # its client has not left yet
        await settle()
        assert draining.result() == 9

    run(test)


def test_a_server_that_stops_waits_no_longer_than_it_may(floor: FakeFloor) -> None:
    async def test() -> None:
        async with floor.visitor(listens=False):
            draining = asyncio.create_task(floor.live.drain(3))
            await floor.time.pass_ms(2_900)
            assert not draining.done()
            await floor.time.pass_ms(100)
            assert draining.result() == 0
        assert await floor.live.drain(3) == 3

    run(test)


def test_no_session_lasts_for_ever(registry: Registry[Avatar], hello: Pcm) -> None:
    async def test() -> None:
        floor = FakeFloor(registry, LiveLimits(max_duration_ms=800))
        async with floor.visitor() as visitor:
            await visitor.speak(hello[: 16 * 780])
            assert visitor.error is None
            await floor.time.pass_ms(20)
            with pytest.raises(SessionOverError):
                await visitor.session.push(hello)
            assert isinstance(visitor.error, SessionOverError)
            assert "max_duration_s" in str(visitor.error)

    run(test)


def test_one_takes_the_frames_of_a_session(floor: FakeFloor) -> None:
    async def test() -> None:
        async with floor.visitor() as visitor:
            with pytest.raises(InputError, match="taker"):
                await anext(visitor.session)
            await floor.time.pass_ms(100)
            assert len(visitor.frames) == 3

    run(test)


def test_closing_twice_is_closing_once(floor: FakeFloor, hello: Pcm) -> None:
    async def test() -> None:
        async with floor.visitor() as visitor:
            await visitor.session.push(hello)
            await visitor.session.close()
            await visitor.session.close()
            assert visitor.error is None
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(test)
