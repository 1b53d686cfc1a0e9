import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import uvicorn
import websockets
from http_site import Site, site
from pictures import alike, same
from socket_visit import Closed, Visitor, visiting
from starlette.types import Receive, Scope, Send
from websockets.frames import Frame, Opcode

from lipstream.audio.opus import OpusDecoder, OpusEncoder
from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core, Speech
from lipstream.serve.http.app import http_app
from lipstream.serve.process import Process
from lipstream.serve.web import HttpServer
from lipstream.types import FRAME_SAMPLES, Image, Pcm
from lipstream.video.colour import to_image
from lipstream.wire import live_messages as messages
from lipstream.wire.live_codec import SUBPROTOCOL, encode, read_down
from lipstream.wire.pcm import int16_bytes
from lipstream.wire.recording import Recording

FRAMES = 8
PATIENCE_S = 60
HANDSHAKE = (
    b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Protocol: lipstream.v1\r\n\r\n"
)
FILE = messages.Start(avatar="tiny", source="file")
TTS = messages.Start(avatar="tiny", source="tts")
END = messages.End()


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made


@pytest.fixture
def said(hello: Pcm) -> Pcm:
    return hello[: FRAMES * FRAME_SAMPLES]


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


@asynccontextmanager
async def client(made: Site, *up: messages.Up | str | bytes) -> AsyncIterator[Visitor]:
    """Somebody at /v1/stream, who leaves at the end; then nothing of the session is left."""
    async with visiting(http_app(made.parts), "/v1/stream", subprotocols=["lipstream.v1"]) as visitor:
        say(visitor, *up)
        yield visitor
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert made.parts.avatars.named("tiny").in_use == 0


def say(visitor: Visitor, *up: messages.Up | str | bytes) -> None:
    visitor.say(*(one if isinstance(one, str | bytes) else encode(one) for one in up))


async def hear(visitor: Visitor) -> messages.Down:
    heard = await visitor.hear()
    assert isinstance(heard, str | bytes), heard
    message = read_down(heard)
    assert message is not None
    return message


async def until(visitor: Visitor, kind: type[messages.Down]) -> list[messages.Down]:
    """What is told up to the first message of a kind, and with it."""
    got = [await hear(visitor)]
    while not isinstance(got[-1], kind):
        got.append(await hear(visitor))
    return got


def frames_of(got: list[messages.Down]) -> list[messages.FrameMessage]:
    return [message for message in got if isinstance(message, messages.FrameMessage)]


def offline(core: Core, said: Pcm, numbers: list[int]) -> list[Image]:
    asked = Speech("tiny", len(numbers), sound=Recording(said, 0, len(numbers)), numbers=numbers)
    return [painted.image for painted in core.speak(asked, Future())]


def sounds(pcm: Pcm, piece_samples: int = 1000) -> list[messages.Sound]:
    pieces = range(0, len(pcm), piece_samples)
    return [messages.Sound(int16_bytes(pcm[start : start + piece_samples])) for start in pieces]


def test_a_speech_comes_back_whole_and_as_it_is_offline(tiny_site: Site, core: Core, said: Pcm) -> None:
    async def test() -> None:
        async with client(tiny_site, FILE, *sounds(said), END) as visitor:
            started, *got = await until(visitor, messages.Ended)
        assert isinstance(started, messages.Started)
        frames = frames_of(got)
        assert [frame.index for frame in frames] == list(range(FRAMES))
        assert [frame.position_samples for frame in frames] == [640 * index for index in range(FRAMES)]
        assert b"".join(frame.sound for frame in frames) == int16_bytes(said)
        for frame, image in zip(frames, offline(core, said, list(range(FRAMES))), strict=True):
            assert image.shape == (frame.height, frame.width, 3) == (started.height, started.width, 3)
            assert same(frame.picture, image)
        assert got[-1] == messages.Ended(frame_index=FRAMES, played_samples=len(said))

    run(test)


def test_the_same_as_h264_and_opus(tiny_site: Site, core: Core, said: Pcm) -> None:
    async def test() -> None:
        start = messages.Start(avatar="tiny", source="file", coding="f32le", picture="h264", sound="opus")
        async with client(tiny_site, start, messages.Sound(said.astype("<f4").tobytes()), END) as visitor:
            started, *got = await until(visitor, messages.Ended)
        assert isinstance(started, messages.Started)
        assert started.codec.startswith("avc1.42C0")
        assert started.sound_delay_samples == 104
        frames = frames_of(got)
        assert [frame.key for frame in frames] == [True] + [False] * (FRAMES - 1)
        decoder = av.VideoCodecContext.create("h264", "r")
        decoder.thread_count = 1
        shown = [to_image(one) for frame in frames for one in decoder.decode(av.Packet(frame.picture))]
        shown += [to_image(one) for one in decoder.decode(None)]
        for seen, image in zip(shown, offline(core, said, list(range(FRAMES))), strict=True):
            assert alike(seen, image)
        opus = OpusDecoder()
        heard = np.concatenate([opus.decode(frame.sound) for frame in frames])[::3]
        assert np.corrcoef(heard[104:], said[: len(heard) - 104])[0, 1] > 0.8  # Opus, and every third sample of it

    run(test)


def test_opus_is_understood(tiny_site: Site, said: Pcm) -> None:
    async def test() -> None:
        opus = OpusEncoder()
        packets = [messages.Sound(opus.encode(said[start : start + 640])) for start in range(0, len(said), 640)]
        start = messages.Start(avatar="tiny", source="file", coding="opus", sound="none", max_width=64)
        async with client(tiny_site, start, *packets, END) as visitor:
            frames = frames_of(await until(visitor, messages.Ended))
        assert abs(sum(frame.samples for frame in frames) - len(said)) <= 40  # by the resampler's edge
        assert {(frame.width, frame.sound) for frame in frames} == {(64, b"")}

    run(test)


def test_an_interruption_says_how_much_was_played(tiny_site: Site, hello: Pcm) -> None:
    async def test() -> None:
        async with client(tiny_site, TTS, *sounds(np.resize(hello, 160_000), 16_000), END) as visitor:
            got = await until(visitor, messages.Speaking)
            say(visitor, messages.Interrupt())
            got += await until(visitor, messages.Ended)
            after = frames_of([await hear(visitor) for _ in range(3)])
        (interrupted,) = [message for message in got if isinstance(message, messages.Interrupted)]
        assert interrupted.played_samples + interrupted.dropped_samples == 160_000
        assert interrupted.played_samples == sum(frame.samples for frame in frames_of(got))
        assert all(frame.filler and not any(frame.sound) for frame in after)

    run(test)


@pytest.mark.parametrize("silenced", [False, True], ids=["taking", "taking-nothing"])
def test_who_vanishes_in_mid_word_leaves_nothing_behind(tiny_site: Site, hello: Pcm, silenced: bool) -> None:
    async def test() -> None:
        async with client(tiny_site, TTS, *sounds(hello)) as visitor:
            await until(visitor, messages.Speaking)
            assert tiny_site.parts.avatars.named("tiny").in_use == 1
            if silenced:
                visitor.takes.clear()

    run(test)


def test_one_that_fails_harms_no_other(tiny_site: Site, said: Pcm) -> None:
    async def test() -> None:
        async with client(tiny_site, FILE, *sounds(said)) as good:
            await until(good, messages.Started)
            wrongs: list[tuple[list[messages.Start | str | bytes], int]] = [
                ([messages.Start(avatar="tiny"), b"\xff" * 50], 4400),
                (["{}"], 4400),
                ([messages.Start(avatar="nobody")], 4404),
            ]
            for wrong, code in wrongs:
                async with visiting(http_app(tiny_site.parts), "/v1/stream", subprotocols=["lipstream.v1"]) as bad:
                    say(bad, *wrong)
                    told = (await until(bad, messages.Failed))[-1]
                    assert isinstance(told, messages.Failed)
                    closed = await bad.hear()
                    assert closed == Closed(code, told.message.encode()[:123].decode())
                    assert told.status == code - 4000
            say(good, END)
            assert len(frames_of(await until(good, messages.Ended))) == FRAMES

    run(test)


def test_without_the_subprotocol_nobody_is_served(tiny_site: Site) -> None:
    async def test() -> None:
        async with visiting(http_app(tiny_site.parts), "/v1/stream") as visitor:
            assert isinstance(closed := await visitor.hear(), Closed)
            assert closed.code == 4400
            assert "lipstream.v1" in closed.reason

    run(test)


def test_over_a_real_socket(tiny_site: Site, said: Pcm) -> None:
    async def test() -> None:
        server = HttpServer(lambda _: http_app(tiny_site.parts), "127.0.0.1", 0)
        await server.start()
        address = f"ws://127.0.0.1:{server.port}/v1/stream"
        subprotocols = [websockets.Subprotocol(SUBPROTOCOL)]
        async with asyncio.timeout(PATIENCE_S), websockets.connect(address, subprotocols=subprotocols) as connection:
            assert connection.subprotocol == SUBPROTOCOL
            await connection.send(encode(FILE))
            for sound in sounds(said):
                await connection.send(encode(sound))
            await connection.send(encode(END))
            got: list[messages.Down | None] = [read_down(await connection.recv())]
            while not isinstance(got[-1], messages.Ended):
                got.append(read_down(await connection.recv()))
        assert sum(isinstance(message, messages.FrameMessage) for message in got) == FRAMES
        await server.drain(1)

    run(test)


def test_a_server_that_stops_lets_speech_be_heard_to_its_end(tiny_site: Site, said: Pcm) -> None:
    async def test() -> None:
        parts, ready, stop = tiny_site.parts, asyncio.Event(), asyncio.Event()
        server = HttpServer(lambda _: http_app(parts), "127.0.0.1", 0)
        process = Process([server], parts.core.registry, parts.workers, [], PATIENCE_S, None, live=parts.live)
        running = asyncio.create_task(process.run(lambda line: ready.set() if line == "ready" else None, stop))
        await ready.wait()
        address, got = f"ws://127.0.0.1:{server.port}/v1/stream", list[messages.Down | None]()
        subprotocols = [websockets.Subprotocol(SUBPROTOCOL)]
        async with asyncio.timeout(PATIENCE_S), websockets.connect(address, subprotocols=subprotocols) as connection:
            said_all: list[messages.Up] = [TTS, *sounds(said), END]
            for message in said_all:
                await connection.send(encode(message))
            while not any(isinstance(one, messages.FrameMessage) and one.samples for one in got):
                got.append(read_down(await connection.recv()))
            stop.set()
            got += [read_down(message) async for message in connection]
            assert connection.close_code == 1000
        assert sum(one.samples for one in got if isinstance(one, messages.FrameMessage)) == len(said)
        await running

    run(test)


def test_a_half_open_socket_is_found(tiny_site: Site, hello: Pcm) -> None:
    over = asyncio.Event()

    async def test() -> None:
        app = http_app(replace(tiny_site.parts, observers=(lambda _: over.set(),)))
        config = uvicorn.Config(app, lifespan="off", log_config=None, ws_ping_interval=0.05, ws_ping_timeout=0.05)
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as door:
            serving = asyncio.create_task(server.serve(sockets=[door]))
            _, writer = await asyncio.open_connection("127.0.0.1", door.getsockname()[1])
            writer.write(HANDSHAKE)
            said: list[messages.Up] = [TTS, *sounds(hello)]
            for sent in map(encode, said):
                kind, data = (Opcode.TEXT, sent.encode()) if isinstance(sent, str) else (Opcode.BINARY, sent)
                writer.write(Frame(kind, data).serialize(mask=True))
            async with asyncio.timeout(PATIENCE_S):
                await over.wait()  # the client neither answers a ping nor leaves
            assert tiny_site.parts.avatars.named("tiny").in_use == 0
            writer.close()
            server.should_exit = True
            await serving

    run(test)


def test_little_of_what_a_client_does_not_take_is_held_for_it() -> None:
    sent_bytes = 0

    async def flood(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent_bytes
        assert scope["path"] == "/v1/stream"
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(200):
            await send({"type": "websocket.send", "bytes": bytes(2**16)})
            sent_bytes += 2**16

    async def test() -> None:
        server = HttpServer(lambda _: flood, "127.0.0.1", 0)
        await server.start()
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
        writer.write(HANDSHAKE)
        for _ in range(2000):  # far more than it takes to send all of it, were it taken
            await asyncio.sleep(0)
        writer.close()
        await server.drain(0)

    run(test)
    assert 2**16 <= sent_bytes < 2**21  # 4 MB and more without UNSENT_BYTES
