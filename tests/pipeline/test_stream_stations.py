"""When frames pass the stations of a stream, and what a stream that does less leaves out."""

import asyncio
from pathlib import Path

import numpy as np
from fake_stream import FakeTime, InlineBatcher, InlineWorkers, Listener, run, settle
from fakes import FlatGenerator

from lipstream.avatar.bundle import open_bundle
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.painting import Workshop
from lipstream.pipeline.playout import END
from lipstream.pipeline.session import Passed, StreamSettings
from lipstream.pipeline.stream import Stream
from lipstream.render.face import FaceRenderer
from lipstream.types import Pcm


class Observed:
    """A stream that is listened to, and what it says of its frames."""

    def __init__(self, avatar: Avatar, settings: StreamSettings | None = None) -> None:
        self.time, self.batcher, self.passed = FakeTime(), InlineBatcher(), list[Passed]()
        workshop = Workshop(self.batcher, InlineWorkers(), self.time.now_ms, self.time.sleep)
        self.stream = Stream(avatar, workshop, settings, self.passed.append)
        self.listener = Listener(self.stream, self.time, self.batcher)
        self.listening = asyncio.create_task(self.listener.listen())

    async def close(self) -> None:
        await self.stream.close()
        await self.listening


def test_a_frame_says_when_it_passed_where(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        observed = Observed(tiny)
        await observed.listener.speak(hello[:12_000], piece_ms=20)
        spoken = [(index, one) for index, one in enumerate(observed.passed) if one.came_ms is not None]
        first, begin = spoken[0]
        assert (begin.came_ms, begin.heard_ms) == (20, 220)  # its own 40 ms, and 172 after them, in pieces of 20
        assert begin.turn_ms == begin.painted_ms == begin.taken_ms == 40 * first
        assert begin.due_ms == begin.turn_ms + 40
        for number, (index, one) in enumerate(spoken):
            assert one.came_ms == 40 * number + 20
            assert one.heard_ms == 40 * number + 220
            assert one.turn_ms == 40 * index
        assert all(one.heard_ms is None for one in observed.passed[:first])
        await observed.close()

    run(test)


def test_a_frame_that_is_finished_too_late_says_by_how_much(tiny: Avatar) -> None:
    async def test() -> None:
        observed = Observed(tiny)
        await settle()
        observed.batcher.held = []
        await observed.listener.time.pass_ms(40)
        (held,), observed.batcher.held = observed.batcher.held, None
        await observed.listener.time.pass_ms(100)
        held.set_result(np.zeros((3, 320, 320), np.float32))
        await settle()
        assert [one.late_ms for one in observed.passed] == [-40, 60, -40, -40]
        assert [one.taken_ms for one in observed.passed] == [0, 140, 140, 140]
        await observed.close()

    run(test)


def test_a_stream_that_is_halved_paints_every_second_picture_and_says_everything(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        observed = Observed(tiny)
        observed.stream.halved = True
        await observed.listener.speak(hello[:16_000])
        await observed.stream.push(END)
        await observed.listener.time.pass_ms(800)
        observed.stream.halved = False
        await observed.listener.time.pass_ms(200)
        frames = observed.listener.frames
        assert [frame.index for frame in frames] == list(range(len(frames)))
        assert np.array_equal(observed.listener.sound[:16_000], hello[:16_000])
        repeated = [index for index, one in enumerate(observed.passed) if one.repeated]
        assert repeated == list(range(1, len(frames) - 5, 2))
        assert all(frames[index].image is frames[index - 1].image for index in repeated)
        assert len(observed.batcher.codes) == len(frames) - len(repeated)
        assert observed.stream.stats().repeated_frames == len(repeated)
        await observed.close()

    run(test)


def test_after_an_interruption_no_picture_from_before_is_repeated(tiny: Avatar, hello: Pcm) -> None:
    async def test() -> None:
        observed = Observed(tiny)
        observed.stream.halved = True
        await observed.listener.speak(hello[:16_000])
        if len(observed.listener.frames) % 2 == 0:
            await observed.time.pass_ms(40)
        event = observed.stream.interrupt()
        assert event.frame_index % 2 == 1
        await observed.time.pass_ms(120)
        assert not observed.passed[event.frame_index].repeated
        assert observed.passed[event.frame_index + 2].repeated
        await observed.close()

    run(test)


def test_another_network_may_take_over(tiny: Avatar, tiny_path: Path) -> None:
    async def test() -> None:
        observed = Observed(tiny)
        await settle()
        observed.stream.face = FaceRenderer(open_bundle(tiny_path), FlatGenerator(1.0, 0.0, 0.0))
        await observed.time.pass_ms(40)
        before, after = (frame.image.astype(int) for frame in observed.listener.frames)
        blue = (after[..., 0] - after[..., 1:].max(axis=2) > 200).sum()
        assert blue > 200 > (before[..., 0] - before[..., 1:].max(axis=2) > 200).sum()
        await observed.close()

    run(test)
