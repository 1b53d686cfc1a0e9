import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest
from fake_session import HEIGHT, WIDTH, FakeLive, FakeSession, FakeSocket, FakeTime, frame
from starlette.websockets import WebSocketDisconnect

from lipstream.errors import BusyError, InputError, LipstreamError, SessionOverError
from lipstream.pipeline.playout import END, Resting, Speaking, Underrun
from lipstream.pipeline.session import FROM_FILE, FROM_MICROPHONE, FROM_TTS
from lipstream.serve.live.floor import Live
from lipstream.serve.ws.native import MOST_PONGS, NativeStream
from lipstream.wire import live_messages as messages
from lipstream.wire.pcm import int16_bytes

START = messages.Start(avatar="tiny")
PATIENCE_S = 60


@dataclass(eq=False)
class Talk:
    """A client, its session, and the adapter between them at work."""

    client: FakeSocket
    session: FakeSession
    time: FakeTime
    task: "asyncio.Task[None]"

    def show(self, *items: Any) -> None:  # noqa: ANN401  frames, events, errors
        for item in items:
            self.session.coming.put_nowait(item)

    async def ends_with(self, error: type[BaseException]) -> BaseException:
        with pytest.raises(error) as caught:
            await self.task
        return caught.value


@asynccontextmanager
async def talk(*said: messages.Up | str | bytes, start_s: float = PATIENCE_S) -> AsyncIterator[Talk]:
    """Whatever happens, nothing of it is left: the session is closed and no task runs on."""
    time = FakeTime()
    client, session = FakeSocket(time), FakeSession(FROM_MICROPHONE)
    stream = NativeStream(cast("Live", FakeLive(session)), time.now_ms, start_s=start_s)
    client.say(*said)
    task = asyncio.create_task(stream(client.socket))
    opened = bool(said) and said[0] == START
    try:
        async with asyncio.timeout(PATIENCE_S):
            if opened:
                assert isinstance(await client.next(), messages.Started)
            yield Talk(client, session, time, task)
    finally:
        client.vanish()
        await asyncio.gather(task, return_exceptions=True)
        assert session.closed or not opened
        assert asyncio.all_tasks() == {asyncio.current_task()}


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def test_frames_and_events_come_in_order_with_their_positions() -> None:
    async def test() -> None:
        async with talk(START) as one:
            one.show(
                frame(0, 0), Speaking(1, 0), frame(1), frame(2, 300), Underrun(3, 940), frame(3, 0), Resting(4, 940)
            )
            got = [await one.client.next() for _ in range(7)]
        frames = [message for message in got if isinstance(message, messages.FrameMessage)]
        assert [type(message) for message in got if message not in frames] == [
            messages.Speaking,
            messages.Underrun,
            messages.Resting,
        ]
        assert [(one.index, one.position_samples, one.samples, one.filler) for one in frames] == [
            (0, 0, 0, True),
            (1, 0, 640, False),
            (2, 640, 300, False),
            (3, 940, 0, True),
        ]
        assert all(one.key and one.picture.startswith(b"\xff\xd8") for one in frames)
        assert frames[1].sound == int16_bytes(frame(1).audio)

    run(test)


def test_what_is_sent_is_heard_in_order() -> None:
    async def test() -> None:
        async with talk(START) as one:
            one.client.say(
                messages.Sound(int16_bytes(np.full(3, 0.5, np.float32))), messages.Sound(b""), messages.End()
            )
            ended = await one.client.until(messages.Ended)
            assert ended == messages.Ended(frame_index=0, played_samples=0)
        first, second, third = one.session.pushed
        assert np.array_equal(cast("Any", first), np.full(3, 0.5, np.float32))
        assert len(cast("Any", second)) == 0
        assert third is END

    run(test)


@pytest.mark.parametrize(
    ("start", "settings"),
    [
        (messages.Start(), FROM_MICROPHONE),
        (messages.Start(source="tts"), FROM_TTS),
        (messages.Start(source="file"), FROM_FILE),
    ],
)
def test_the_source_decides_how_the_session_is(start: messages.Start, settings: Any) -> None:  # noqa: ANN401
    async def test() -> None:
        async with talk(start) as one:
            started = await one.client.until(messages.Started)
            assert (started.width, started.height, started.session) == (WIDTH, HEIGHT, "an-id")
            assert started.lookahead_ms == settings.lookahead_ms
            assert one.session.settings == settings
            one.client.vanish()
            await one.ends_with(WebSocketDisconnect)

    run(test)


def test_an_interruption_is_heard_while_the_client_takes_nothing() -> None:
    async def test() -> None:
        async with talk(START, messages.Sound(bytes(2 * 6400))) as one:
            one.client.takes.clear()
            one.show(*(frame(index) for index in range(5)))
            while one.session.coming.qsize() == 5:
                await asyncio.sleep(0)
            one.client.say(messages.Interrupt())
            while one.session.coming.qsize() != 1:  # one frame is being sent, the rest was dropped, the answer waits
                await asyncio.sleep(0)
            one.client.takes.set()
            assert (await one.client.until(messages.FrameMessage)).index == 0
            assert isinstance(interrupted := await one.client.next(), messages.Interrupted)
            assert interrupted.played_samples + interrupted.dropped_samples == 6400

    run(test)


def test_pings_are_answered_and_only_the_last_of_many() -> None:
    async def test() -> None:
        async with talk(START) as one:
            one.client.takes.clear()
            one.client.say(*(messages.Ping(sent_ms=number) for number in range(100)), messages.Sound(b"12"))
            while not one.session.pushed:
                await asyncio.sleep(0)
            one.client.takes.set()
            answers = [await one.client.next() for _ in range(MOST_PONGS + 1)]
        assert answers[0] == messages.Pong(sent_ms=0)
        assert answers[1:] == [messages.Pong(sent_ms=number) for number in range(100 - MOST_PONGS, 100)]

    run(test)


def test_a_slow_client_loses_pictures_and_no_sound() -> None:
    async def test() -> None:
        async with talk(START) as one:
            one.client.takes_ms = 100
            one.show(*(frame(index) for index in range(100)))
            got = [await one.client.until(messages.FrameMessage) for _ in range(100)]
            assert [message.index for message in got] == list(range(100))
            assert all(len(message.sound) == 1280 for message in got)
            assert not any(message.repeated for message in got[:4])
            shown = sum(not message.repeated for message in got)
            assert 35 <= shown <= 48  # it takes ten pictures a second of 25
            assert all(not message.picture for message in got if message.repeated)

    run(test)


def test_a_client_that_is_fast_again_sees_every_picture_again() -> None:
    async def test() -> None:
        async with talk(START) as one:
            one.client.takes_ms = 1000
            one.show(frame(0), frame(1))
            assert not (await one.client.until(messages.FrameMessage)).repeated
            assert (await one.client.until(messages.FrameMessage)).repeated
            await asyncio.sleep(0)
            one.time.ms += 30  # until then no frame was there to be sent
            one.client.takes_ms = 0
            one.show(frame(2, 0), frame(3, 0))
            await one.client.until(messages.FrameMessage)
            assert not (await one.client.until(messages.FrameMessage)).repeated

    run(test)


def test_a_client_that_is_too_slow_is_sent_away() -> None:
    async def test() -> None:
        async with talk(START) as one:
            one.client.takes_ms = 5100
            one.show(frame(0), frame(1))
            failed = await one.client.until(messages.Failed)
            assert (failed.code, failed.status) == ("deadline_exceeded", 408)
            assert "5,060 ms behind" in failed.message
            await one.ends_with(SessionOverError)

    run(test)


def test_a_file_waits_for_its_client() -> None:
    async def test() -> None:
        start = messages.Start(avatar="tiny", source="file", sound="none")
        async with talk(start) as one:
            one.client.takes_ms = 6000
            one.show(*(frame(index) for index in range(5)))
            got = [await one.client.until(messages.FrameMessage) for _ in range(5)]
            assert not any(message.repeated or message.sound for message in got)

    run(test)


def test_a_picture_that_is_shown_on_is_not_sent_again() -> None:
    async def test() -> None:
        async with talk(START) as one:
            first, second = frame(0), frame(1)
            again = type(second)(1, first.image, second.audio, second.samples, second.filler)
            one.show(first, again, frame(2))
            got = [await one.client.until(messages.FrameMessage) for _ in range(3)]
            assert [message.repeated for message in got] == [False, True, False]

    run(test)


def test_stats_once_a_second() -> None:
    async def test() -> None:
        async with talk(START) as one:
            one.client.takes_ms = 40
            one.show(*(frame(index) for index in range(60)))
            first, second = [await one.client.until(messages.Stats) for _ in range(2)]
        assert (first.frames, second.frames) == (25, 50)
        assert first.frame_rate == second.frame_rate == 25
        assert first.latency_ms == {"heard": 212.0, "queued": 0.0, "painted": 0.0, "encoded": 0.0, "sent": 0.0}
        assert first.sound == {"min": -0.5, "max": 0.25, "mean": 0.0, "nan_samples": 0, "level_dbfs": -20.0}

    run(test)


@pytest.mark.parametrize("taking", [True, False], ids=["taking", "taking-nothing"])
def test_a_client_that_vanishes_in_mid_word_leaves_nothing_behind(taking: bool) -> None:
    async def test() -> None:
        async with talk(START, messages.Sound(bytes(640))) as one:
            if not taking:
                one.client.takes.clear()
            one.show(Speaking(0, 0), frame(0), frame(1))
            one.client.vanish()
            await one.ends_with(WebSocketDisconnect)
            assert one.session.closed

    run(test)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (["{"], "Invalid JSON"),
        ([messages.End()], "The first message is end; expected start"),
        ([messages.Sound(b"12")], "The first message is sound; expected start"),
        ([messages.Start(avatar="../etc")], "An avatar cannot be called '../etc'"),
        ([messages.Start(gain=7.0)], "gain is 7"),
        ([messages.Start(lookahead_ms=20)], "look-ahead of a stream is 20 ms"),
        ([messages.Start(sample_rate_hz=10)], "sample rate of a stream is 10 Hz"),
        ([START, START], "A second start came"),
        ([START, messages.Sound(b"123")], "audio has 3 bytes"),
        ([START, b"\x07"], "begins with 07"),
        ([START, bytes(2**20 + 1)], "at most 1,048,576"),
        ([START, '{"type": "interupt"}'], "'interupt' found"),
        ([START, '{"type": "end"'], "Invalid JSON"),
    ],
)
def test_what_is_wrong_is_told_and_ends_that_session(said: list[Any], error: str) -> None:
    async def test() -> None:
        async with talk(*said) as one:
            failed = await one.client.until(messages.Failed)
            assert (failed.code, failed.status, failed.request_id) == ("invalid_argument", 400, "request-1")
            assert error in failed.message
            await one.ends_with(InputError)

    run(test)


def test_opus_is_refused_where_it_is_none() -> None:
    async def test() -> None:
        async with talk(messages.Start(avatar="tiny", coding="opus"), messages.Sound(b"\xff\xff\xff\0garbage")) as one:
            assert "no Opus packet" in (await one.client.until(messages.Failed)).message
            await one.ends_with(InputError)

    run(test)


def test_who_says_nothing_is_sent_away() -> None:
    async def test() -> None:
        async with talk(start_s=0.0) as one:
            assert (await one.client.until(messages.Failed)).status == 408
            await one.ends_with(SessionOverError)

    run(test)


@pytest.mark.parametrize("error", [BusyError("too many frames wait"), ValueError("a secret")])
def test_what_the_session_raises_is_told(error: Exception) -> None:
    async def test() -> None:
        async with talk(START) as one:
            one.show(frame(0), error)
            failed = await one.client.until(messages.Failed)
            assert failed.status == (503 if isinstance(error, LipstreamError) else 500)
            assert "secret" not in failed.message
            await one.ends_with(type(error))

    run(test)


def test_a_session_that_the_server_drains_ends_in_peace() -> None:
    async def test() -> None:
        async with talk(START) as one:
            one.session.state = "draining"
            one.client.say(messages.Sound(b"12"), messages.End(), messages.Ping(sent_ms=1))
            await one.client.until(messages.Pong)
            one.show(frame(0), None)
            await one.client.until(messages.FrameMessage)
            await one.task

    run(test)
