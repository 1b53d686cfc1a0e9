import asyncio
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fake_stream import FakeTime, InlineBatcher, InlineWorkers, Listener, codes_of, listening, run, settle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lipstream.errors import BusyError, EngineError, InputError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.batch import Batcher, BatchLimits
from lipstream.pipeline.offline import render
from lipstream.pipeline.painting import PATIENCE_MS, RETRY_MS, Workshop
from lipstream.pipeline.playout import END, Ended, Resting, Speaking, Underrun
from lipstream.pipeline.session import FROM_FILE, FROM_MICROPHONE, FROM_TTS, StreamFrame, StreamSettings
from lipstream.pipeline.stream import AHEAD_FRAMES, Stream
from lipstream.types import FRAME_SAMPLES, Frame, Pcm

LIVE = StreamSettings()
UNPACED = StreamSettings(paced=False)


async def streamed(avatar: Avatar, pieces: list[Pcm], settings: StreamSettings) -> Listener:
    async with listening(avatar, settings) as listener:
        for piece in pieces:
            await listener.stream.push(piece)
        await listener.stream.push(END)
        await listener.until(Ended)
    return listener


def assert_same(frames: list[StreamFrame], offline: list[Frame]) -> None:
    assert [frame.index for frame in frames] == [frame.index for frame in offline]
    for frame, other in zip(frames, offline, strict=True):
        assert np.array_equal(frame.audio, other.audio)
        assert np.abs(frame.image.astype(int) - other.image).max() <= 1


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples=st.integers(0, 12_000), cuts=st.lists(st.floats(0.0, 1.0), max_size=8))
def test_a_stream_shows_what_offline_shows_for_any_chunking(
    tiny: Avatar, hello: Pcm, samples: int, cuts: list[float]
) -> None:
    async def test() -> None:
        speech = hello[:samples]
        pieces = np.split(speech, sorted(int(cut * samples) for cut in cuts))
        listener = await streamed(tiny, pieces, FROM_FILE)
        assert_same(listener.frames, list(render(speech, tiny)) if samples else [])
        assert sum(frame.samples for frame in listener.frames) == samples

    run(test)


@pytest.mark.parametrize("lookahead_ms", [172, 212, 452])
def test_codes_are_those_of_the_whole_recording(tiny: Avatar, hello: Pcm, lookahead_ms: int) -> None:
    async def test() -> None:
        pieces = np.split(hello, [1, 700, 9_999, 10_000])
        listener = await streamed(tiny, pieces, StreamSettings(lookahead_ms=lookahead_ms, paced=False))
        np.testing.assert_allclose(listener.batcher.codes, codes_of(tiny, hello, lookahead_ms), atol=1e-5)

    run(test)


@pytest.mark.parametrize("sample_rate_hz", [8_000, 44_100, 48_000])
def test_any_rate_in_any_pieces_gives_the_same_as_in_one(tiny: Avatar, hello: Pcm, sample_rate_hz: int) -> None:
    async def test() -> None:
        speech = hello[:8_000]
        for lookahead_ms in (212, 452):
            settings = StreamSettings(sample_rate_hz=sample_rate_hz, lookahead_ms=lookahead_ms, paced=False)
            whole = await streamed(tiny, [speech], settings)
            pieces = await streamed(tiny, np.split(speech, [3, 5_000, 5_001]), settings)
            assert np.array_equal(whole.sound, pieces.sound)
            assert abs(sum(frame.samples for frame in whole.frames) - 8_000 * 16_000 / sample_rate_hz) <= 1

    run(test)


def test_another_rate_sounds_as_offline(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        speech = np.repeat(hello, 3)
        settings = StreamSettings(sample_rate_hz=48_000, lookahead_ms=452, paced=False)
        listener = await streamed(tiny, [speech], settings)
        offline = np.concatenate([frame.audio for frame in render(speech, tiny, sample_rate=48_000)])
        np.testing.assert_allclose(listener.sound, offline, atol=1e-6)

    run(test)


@pytest.mark.parametrize(("lookahead_ms", "needed_ms"), [(212, 213), (452, 453)])
def test_a_frame_leaves_as_soon_as_its_look_ahead_has_arrived(
    tiny: Avatar, hello: Pcm, lookahead_ms: int, needed_ms: int
) -> None:
    async def test() -> None:
        settings = StreamSettings(lookahead_ms=lookahead_ms, paced=False)
        async with listening(tiny, settings) as listener:
            await listener.speak(hello[:16_000], piece_ms=1)
            await settle()
            came_ms = [ms for ms, item in listener.items if isinstance(item, StreamFrame)]
            assert len(came_ms) == (1_000 - needed_ms) // 40 + 1
            assert all(ms <= 40 * index + needed_ms for index, ms in enumerate(came_ms))

    run(test)


def test_speech_in_real_time_begins_within_a_frame_of_its_pre_roll(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, LIVE) as listener:
            await listener.time.pass_ms(410)  # the face has been resting for a while
            await listener.speak(hello[:8_000])
            first_ms = next(ms for ms, item in listener.items if isinstance(item, StreamFrame) and not item.filler)
            assert first_ms - 410 <= 213 + 40 + 20 + 40  # look-ahead, pre-roll, a piece of sound, a frame

    run(test)


def test_nobody_speaks_and_the_clip_goes_on(tiny: Avatar) -> None:
    async def test() -> None:
        async with listening(tiny, StreamSettings(first_picture=3)) as listener:
            await listener.time.pass_ms(1_000)
            assert [ms for ms, _ in listener.items] == [40 * frame for frame in range(26)]
            assert [frame.index for frame in listener.frames] == list(range(26))
            for frame in listener.frames:
                assert frame.filler
                assert not frame.audio.any()
                assert frame.samples == 0
                away = (frame.image != tiny.clip.image(3 + frame.index)).any(axis=2)
                assert not away[:70].any()
            assert not np.any(listener.batcher.codes)
            assert listener.batcher.due_ms[:3] == [40, 80, 120]

    run(test)


def test_in_real_time_no_sample_is_lost_and_the_frames_keep_their_rhythm(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, LIVE) as listener:
            await listener.speak(hello, piece_ms=30)
            await listener.stream.push(END)
            await listener.time.pass_ms(1_000)
            assert np.array_equal(listener.sound[: len(hello)], hello)
            assert not listener.sound[len(hello) :].any()
            frames = [(ms, item) for ms, item in listener.items if isinstance(item, StreamFrame)]
            assert [ms for ms, _ in frames] == [40 * frame.index for _, frame in frames]
            assert [type(event) for event in listener.events] == [Speaking, Ended, Resting]
            assert listener.stream.stats().underruns == 0
            ended = listener.events[1]
            assert ended.played_samples == len(hello) == listener.stream.stats().played_samples

    run(test)


def test_an_under_run_is_bridged_and_nothing_is_lost(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, LIVE) as listener:
            await listener.speak(hello[:16_000])
            before = len(listener.frames)
            await listener.time.pass_ms(1_000)
            underrun = next(event for event in listener.events if isinstance(event, Underrun))
            codes, index = np.array(listener.batcher.codes), underrun.frame_index
            assert before <= index + 1
            weights = [1, 1, 0.8, 0.6, 0.4, 0.2, 0]
            np.testing.assert_allclose(codes[index : index + 7], np.outer(weights, codes[index - 1]), atol=1e-6)
            assert codes[index - 1].any()
            assert all(frame.filler for frame in listener.frames[index:])
            await listener.speak(hello[16_000:])
            await listener.stream.push(END)
            await listener.time.pass_ms(1_000)
            assert np.array_equal(listener.sound[: len(hello)], hello)
            assert listener.stream.stats().underruns == 1
            assert [frame.index for frame in listener.frames] == list(range(len(listener.frames)))

    run(test)


def test_a_single_late_piece_costs_nothing(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, LIVE) as listener:
            await listener.speak(hello[:16_000])
            await listener.time.pass_ms(40)
            await listener.stream.push(hello[16_000:16_640])
            await listener.speak(hello[16_640:])
            assert listener.stream.stats().underruns == 0

    run(test)


def test_segments_follow_each_other(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, UNPACED) as listener:
            for samples in (0, 5_000, 1):
                await listener.stream.push(hello[:samples])
                await listener.stream.push(END)
            await listener.until(Ended, times=3)
            assert [frame.samples for frame in listener.frames] == [640] * 7 + [520, 1]
            ends = [(event.frame_index, event.played_samples) for event in listener.events if type(event) is Ended]
            assert ends == [(0, 0), (8, 5_000), (9, 5_001)]

    run(test)


def test_a_push_waits_for_room_and_an_interruption_frees_it(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, StreamSettings(lookahead_ms=452, queue_ms=1_000)) as listener:
            pushing = asyncio.create_task(listener.stream.push(np.tile(hello, 3)))
            await settle()
            assert not pushing.done()
            assert 1_000 <= listener.stream.stats().queued_ms <= 1_400
            await listener.time.pass_ms(1_000)
            assert not pushing.done()
            event = listener.stream.interrupt()
            await pushing
            assert event.played_samples + event.dropped_samples == 3 * len(hello)
            await listener.time.pass_ms(1_000)
            assert listener.stream.stats().played_samples == event.played_samples

    run(test)


def test_a_reader_who_stops_stops_the_work_and_then_gets_all_the_sound(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, FROM_TTS) as listener:
            listener.batcher.held = []
            await listener.stream.push(hello)
            await listener.stream.push(END)
            await listener.time.pass_ms(2_000)
            assert len(listener.batcher.held) == AHEAD_FRAMES
            held, listener.batcher.held = listener.batcher.held, None
            for patch in held:
                patch.set_result(np.zeros((3, 320, 320), np.float32))
            await listener.until(Ended)
            await listener.time.pass_ms(100)
            assert np.array_equal(listener.sound[: len(hello)], hello)
            late = [ms - 40 * item.index for ms, item in listener.items if isinstance(item, StreamFrame)]
            assert max(late) > 1_900
            assert late[-1] <= 40  # it has caught up

    run(test)


def test_closing_withdraws_what_is_painted_and_frees_who_pushes(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, StreamSettings(queue_ms=1_000)) as listener:
            listener.batcher.held = []
            pushing = asyncio.create_task(listener.stream.push(np.tile(hello, 3)))
            await listener.time.pass_ms(200)
            await listener.stream.close()
            await pushing
            assert all(patch.cancelled() for patch in listener.batcher.held)
            with pytest.raises(InputError, match="closed"):
                await listener.stream.push(hello)

    run(test)


def test_an_error_of_a_frame_is_told_where_the_frame_would_be(tiny: Avatar) -> None:
    async def test() -> None:
        batcher = InlineBatcher()
        batcher.error = EngineError("out of memory")
        async with Stream(tiny, Workshop(batcher, InlineWorkers(), lambda: 0.0), LIVE) as stream:
            with pytest.raises(EngineError, match="out of memory"):
                await anext(stream)

    run(test)


def test_a_frame_waits_for_room_in_a_full_queue_but_not_for_ever(tiny: Avatar) -> None:
    async def test() -> None:
        time, batcher = FakeTime(), InlineBatcher()
        async with Stream(tiny, Workshop(batcher, InlineWorkers(), time.now_ms, time.sleep), LIVE) as stream:
            batcher.error = BusyError("too many frames wait")
            coming = asyncio.ensure_future(anext(stream))
            await time.pass_ms(1_000)
            assert not coming.done()
            batcher.error = None
            await time.pass_ms(20)
            assert isinstance(await coming, StreamFrame)
        async with Stream(tiny, Workshop(batcher, InlineWorkers(), time.now_ms, time.sleep), LIVE) as stream:
            batcher.error = BusyError("too many frames wait")
            coming = asyncio.ensure_future(anext(stream))
            await time.pass_ms(PATIENCE_MS + 2 * RETRY_MS)
            with pytest.raises(BusyError, match="too many"):
                await coming

    run(test)


@pytest.mark.parametrize(
    "sound", [np.zeros(5, np.int16), np.zeros((2, 5), np.float32), np.array([np.nan], np.float32), b"12", None]
)
def test_what_is_no_sound_is_refused(tiny: Avatar, sound: object) -> None:
    async def test() -> None:
        async with listening(tiny, LIVE) as listener:
            with pytest.raises(InputError, match="sound"):
                await listener.stream.push(sound)  # type: ignore[arg-type]

    run(test)


def test_a_microphones_rate_is_followed(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, FROM_MICROPHONE) as listener:
            await listener.speak(np.tile(hello, 2)[:48_000])
            assert listener.stream.stats().underruns == 0
            for frames in range(20):  # a piece too many, now and then
                await listener.stream.push(np.zeros(640 if frames % 2 else 320, np.float32))
                await listener.time.pass_ms(40 if frames % 2 else 0)
            await listener.speak(np.zeros(32_000, np.float32))
            assert listener.stream.stats().ppm == 300
            assert listener.stream.stats().underruns == 0

    run(test)


def test_memory_does_not_grow_with_the_session(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, FROM_MICROPHONE) as listener:

            async def speak(times: int) -> int:
                for _ in range(times):
                    await listener.speak(hello[:16_000], piece_ms=40)
                    listener.items.clear()
                    listener.batcher.codes.clear()
                    listener.batcher.due_ms.clear()
                return tracemalloc.get_traced_memory()[0]

            await speak(2)
            tracemalloc.start()
            before_bytes = await speak(2)
            after_bytes = await speak(6)
            tracemalloc.stop()
            assert after_bytes - before_bytes < 100_000  # the sound alone would be 384,000

    run(test)


def test_streams_share_a_batcher_and_nothing_else(tiny: Avatar, hello: Pcm) -> None:
    async def speech(workshop: Workshop, pcm: Pcm) -> list[StreamFrame]:
        frames = []
        async with Stream(tiny, workshop, FROM_FILE) as stream:
            await stream.push(pcm)
            await stream.push(END)
            async for item in stream:
                if isinstance(item, Ended):
                    break
                if isinstance(item, StreamFrame):
                    frames.append(item)
        return frames

    async def test() -> None:
        with ThreadPoolExecutor(2) as workers, Batcher(BatchLimits(window_ms=0), lambda: 0.0) as batcher:
            workshop = Workshop(batcher, workers, lambda: 0.0)
            speeches = [hello[:9_000], hello[4_000:12_000], hello[8_000:20_000]]
            spoken = await asyncio.gather(*(speech(workshop, pcm) for pcm in speeches))
            for frames, pcm in zip(spoken, speeches, strict=True):
                assert_same(frames, list(render(pcm, tiny)))
            assert batcher.stats().frames == sum(-(-len(pcm) // FRAME_SAMPLES) for pcm in speeches)

    run(test)
