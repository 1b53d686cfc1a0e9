import asyncio

import numpy as np
from fake_stream import InlineBatcher, InlineWorkers, Listener, codes_of, listening, run, settle

from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.painting import Workshop
from lipstream.pipeline.playout import END, Ended, Interrupted, Resting, Speaking
from lipstream.pipeline.session import FROM_TTS, StreamSettings
from lipstream.pipeline.stream import Stream
from lipstream.types import Pcm

LIVE = StreamSettings()
UNPACED = StreamSettings(paced=False)


def test_an_interruption_silences_at_once_and_says_what_was_played(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, FROM_TTS) as listener:
            await listener.stream.push(hello)
            await listener.time.pass_ms(500)
            event = listener.stream.interrupt()
            assert event.played_samples == sum(frame.samples for frame in listener.frames) > 0
            assert event.played_samples + event.dropped_samples == len(hello)
            assert event.frame_index == len(listener.frames)
            await listener.time.pass_ms(1_000)
            assert listener.events == [Speaking(*_at(listener, Speaking)), event, Resting(*_at(listener, Resting))]
            silent = listener.frames[event.frame_index :]
            assert all(frame.filler and not frame.audio.any() for frame in silent)
            assert [frame.index for frame in listener.frames] == list(range(len(listener.frames)))
            assert not listener.batcher.codes[event.frame_index + 4].any()
            await listener.stream.push(hello[:8_000])
            await listener.stream.push(END)
            await listener.time.pass_ms(1_000)
            assert np.array_equal(listener.sound[event.played_samples :][:8_000], hello[:8_000])

    run(test)


def _at(listener: Listener, kind: type) -> tuple[int, int]:
    event = next(event for event in listener.events if isinstance(event, kind))
    return event.frame_index, event.played_samples


def test_after_an_interruption_speech_is_heard_as_if_for_the_first_time(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, UNPACED) as listener:
            await listener.stream.push(hello[5_000:21_000])
            await settle()
            listener.stream.interrupt()
            shown = len(listener.batcher.codes)
            await listener.stream.push(hello)
            await listener.stream.push(END)
            await listener.until(Ended)
            np.testing.assert_allclose(listener.batcher.codes[shown:], codes_of(tiny, hello, 212), atol=1e-5)

    run(test)


def test_an_interruption_leaves_the_ends(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, FROM_TTS) as listener:
            await listener.stream.push(hello)
            await listener.stream.push(END)
            await listener.time.pass_ms(200)
            listener.stream.interrupt()
            await settle()
            assert [type(event) for event in listener.events[-2:]] == [Interrupted, Ended]

    run(test)


def test_interrupting_nothing_is_answered_too(tiny: Avatar) -> None:
    async def test() -> None:
        async with listening(tiny, LIVE) as listener:
            assert listener.stream.interrupt() == Interrupted(1, 0, 0)
            await settle()
            listener.stream.interrupt()
            await settle()
            assert listener.events == [Interrupted(1, 0, 0)] * 2

    run(test)


def test_interruptions_that_nobody_takes_are_told_of_as_one(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with Stream(tiny, Workshop(InlineBatcher(), InlineWorkers(), lambda: 0.0), UNPACED) as stream:
            for samples in (3_000, 9_000, 0, 20_000):
                await stream.push(hello[:samples])
                await stream.push(END)
                event = stream.interrupt()
            assert event.dropped_samples == stream.stats().dropped_samples == 32_000
            assert [await anext(stream) for _ in range(5)] == [event, *[Ended(0, 0)] * 4]

    run(test)


def test_a_push_that_is_cancelled_while_it_waits_is_not_counted(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        async with listening(tiny, StreamSettings(lookahead_ms=452, queue_ms=1_000)) as listener:
            first = asyncio.create_task(listener.stream.push(np.tile(hello, 3)))
            await settle()
            second = asyncio.create_task(listener.stream.push(hello))
            await settle()
            second.cancel()
            await settle()
            event = listener.stream.interrupt()
            assert event.played_samples + event.dropped_samples == 3 * len(hello)
            await first

    run(test)
