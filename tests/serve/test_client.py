"""Both clients against a server: they stand here because they need the fixtures of its tests."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from pictures import alike, same
from running import Running, running
from starlette.responses import Response

from lipstream.client import AsyncClient, Client, SpokenFrame
from lipstream.client.channel import Tls
from lipstream.client.messages import SpeechLike, Wishes
from lipstream.clock import now_ms
from lipstream.errors import (
    AccessError,
    AvatarNotFoundError,
    BusyError,
    InputError,
    MediaError,
    ServerError,
    UnknownCallerError,
)
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.offline import render
from lipstream.serve.access import Guard, Visitor
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance
from lipstream.serve.core import Core
from lipstream.serve.keys import Key, KeyFile, new_secret, sha256_of, write_keys
from lipstream.serve.listening import Listening
from lipstream.serve.live.floor import Live
from lipstream.serve.quotas import Quotas
from lipstream.serve.rpc import Calls
from lipstream.serve.services import services
from lipstream.serve.tls import grpc_credentials, self_signed
from lipstream.serve.tokens import Tokens
from lipstream.serve.web import HttpServer
from lipstream.types import Pcm

PATIENCE_S = 20
Serve = Callable[..., Any]


def address_of(server: Running) -> str:
    return f"127.0.0.1:{server.server.ports[0]}"


def client_of(server: Running, key: str | None = None, tls: Tls = False) -> Client:
    return Client(address_of(server), key=key, tls=tls, timeout_s=PATIENCE_S)


def run(test: Callable[[AsyncClient], Coroutine[Any, Any, None]], server: Running) -> None:
    async def with_client() -> None:
        async with AsyncClient(address_of(server), timeout_s=PATIENCE_S) as client:
            await test(client)

    asyncio.run(with_client())


def alike_frames(one: SpokenFrame, other: SpokenFrame) -> bool:
    return one.index == other.index and alike(one.image, other.image)


async def collected(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


@pytest.fixture
def serve(core: Core, avatars: Avatars, live: Live, home: Path) -> Serve:
    """Serve with a way of one's own to admit callers, or to listen."""

    @contextmanager
    def serving(admit: Any, listening: Listening | None = None) -> Iterator[Running]:  # noqa: ANN401
        with ThreadPoolExecutor(4) as workers:
            calls = Calls(workers, Allowance(2**30), admit)
            with running(calls, services("all", core, avatars, live, home=home), listening) as server:
                yield server

    return serving


def test_frames_are_those_of_the_offline_render(served: Running, hello: Pcm, hello_path: Path, tiny: Avatar) -> None:
    offline = list(render(hello, tiny))
    with client_of(served) as client:
        frames = list(client.generate(hello, "tiny"))
        assert [frame.index for frame in frames] == list(range(52))
        for frame, expected in zip(frames, offline, strict=True):
            assert same(frame.data, expected.image)
            assert frame.image.shape == (frame.height, frame.width, 3) == (128, 128, 3)
            assert np.abs(frame.audio - expected.audio).max() < 1e-4
        assert all(map(alike_frames, client.generate(hello_path), frames))
        (raw,) = client.generate(hello[:640], pictures="raw", first_clip_frame=3, gain=0)
        assert alike(raw.image, tiny.clip.image(3))


def test_an_mp4_holds_the_sound_of_the_file(served: Running, hello_path: Path) -> None:
    with client_of(served) as client:
        mp4 = b"".join(client.generate_mp4(hello_path, "tiny"))
    with av.open(io.BytesIO(mp4), "r") as container:
        assert sum(1 for _ in container.decode(video=0)) == 52


def test_avatars_are_told_of_loaded_and_unloaded(served: Running) -> None:
    with client_of(served) as client:
        assert [avatar.name for avatar in client.avatars()] == ["other", "tiny"]
        assert client.load("tiny").loaded
        assert client.stats().loaded_avatars == 1
        assert client.unload("tiny")
        assert not client.unload("tiny")


def test_the_client_of_an_event_loop_does_the_same(served: Running, hello: Pcm, hello_path: Path) -> None:
    with client_of(served) as client:
        expected = list(client.generate(hello))

    async def test(client: AsyncClient) -> None:
        frames: list[SpokenFrame] = await collected(client.generate(hello_path))
        assert len(frames) == len(expected)
        assert all(map(alike_frames, frames, expected))
        both = await asyncio.gather(*(collected(client.generate_mp4(hello[:6400])) for _ in range(2)))
        assert all(b"".join(parts)[4:8] == b"ftyp" for parts in both)
        assert [avatar.name for avatar in await client.avatars()] == ["other", "tiny"]
        assert (await client.load("tiny")).loaded
        assert (await client.stats()).hits > 0
        assert await client.unload("tiny")
        with pytest.raises(AvatarNotFoundError, match="nobody"):
            await client.load("nobody")
        with pytest.raises(InputError, match="The gain is 3"):
            await collected(client.generate(hello, gain=3))

    run(test, served)


@pytest.mark.parametrize(
    ("speech", "wishes", "error", "message"),
    [
        (np.zeros(640, np.float32), Wishes(lookahead_ms=1), InputError, "lookahead_ms is 1"),
        (np.zeros(640, np.float32), Wishes(jpeg_quality=0), InputError, "jpeg_quality is 0; expected 1 to 100"),
        (np.zeros(640, np.float32), Wishes(sample_rate=1), InputError, "sample_rate_hz is 1"),
        (np.zeros(640, np.float32), {"gian": 2}, InputError, "no keyword gian; expected any of sample_rate, gain"),
        (np.zeros(0, np.float32), Wishes(), InputError, "audio holds no sample"),
        (np.full(640, np.nan, np.float32), Wishes(), InputError, "holds NaN or infinity"),
        (np.full(640, 20_000, np.float32), Wishes(), InputError, "divide 16-bit samples by 32768"),
        (np.zeros((2, 640), np.float32), Wishes(), InputError, "no array"),
        (np.zeros(640, np.int16), Wishes(), InputError, "no array"),
        (Path(__file__), Wishes(), MediaError, "cannot be decoded"),
        ("missing.wav", Wishes(), InputError, "cannot be read"),
    ],
)
def test_speeches_that_cannot_be_made_are_refused(
    served: Running, speech: SpeechLike, wishes: Wishes, error: type[Exception], message: str
) -> None:
    with client_of(served) as client, pytest.raises(error, match=message):
        list(client.generate(speech, **wishes))


def test_a_full_server_is_asked_again_when_it_says_so(serve: Serve) -> None:
    turns = iter([True, True, False])

    @contextmanager
    def admit(*_: object) -> Iterator[Visitor]:
        if next(turns):
            raise BusyError("full; ask again later")
        yield Visitor("somebody")

    with serve(admit) as server, client_of(server) as client:
        begin_ms = now_ms()
        assert len(list(client.generate(np.zeros(1280, np.float32)))) == 2
        assert now_ms() - begin_ms >= 400  # twice the 200 ms that the server asked for
    assert next(turns, None) is None


def test_a_server_that_stays_full_is_given_up(serve: Serve) -> None:
    asked = threading.Semaphore(0)

    @contextmanager
    def admit(*_: object) -> Iterator[Visitor]:
        asked.release()
        raise BusyError("full; ask again later")
        yield

    with serve(admit) as server, client_of(server) as client:
        with pytest.raises(BusyError, match="full; ask again later"):
            client.stats()
        assert all(asked.acquire(blocking=False) for _ in range(5))
        assert not asked.acquire(blocking=False)


def test_keys_open_what_they_are_for(serve: Serve, tmp_path: Path) -> None:
    secret = new_secret()
    write_keys(tmp_path / "keys.yaml", [Key(name="alice", sha256=sha256_of(secret), scopes=frozenset({"infer"}))])
    guard = Guard(KeyFile(tmp_path / "keys.yaml"), Tokens(), Quotas(), now_ms)
    with serve(guard.admit) as server:
        with client_of(server, secret) as client:
            assert client.avatars()
            with pytest.raises(AccessError, match="this needs admin"):
                client.load("tiny")
        for wrong in (None, new_secret()):
            with client_of(server, wrong) as client, pytest.raises(UnknownCallerError):
                client.avatars()


def test_a_self_signed_server_is_known_by_its_fingerprint_or_its_certificate(serve: Serve, tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="needs the extra tls")
    material = self_signed([], datetime.now(UTC))
    pem = tmp_path / "certificate.pem"
    pem.write_bytes(material.certificate)
    guard = Guard(None, Tokens(), Quotas(), now_ms)
    with serve(guard.admit, Listening(ports=[0], credentials=grpc_credentials(material))) as server:
        trusts: Mapping[str, Tls] = {"fingerprint": material.fingerprint, "certificate": pem}
        for tls in trusts.values():
            with client_of(server, tls=tls) as client:
                assert client.avatars()
        with pytest.raises(AccessError, match="another fingerprint"):
            client_of(server, tls="AB:CD")
        with client_of(server, tls=True) as client, pytest.raises(ServerError, match="give, as tls=, the fingerprint"):
            client.avatars()
        with client_of(server) as client, pytest.raises(ServerError, match="If it speaks TLS, say so"):
            client.avatars()


def test_a_port_that_speaks_something_else_is_told_of(served: Running) -> None:
    with client_of(served, tls=True) as client, pytest.raises(ServerError, match="It speaks no TLS there"):
        client.avatars()

    async def at_its_http_port() -> None:
        server = HttpServer(lambda _: Response(), "127.0.0.1", 0)
        await server.start()
        async with AsyncClient(f"127.0.0.1:{server.port}", timeout_s=PATIENCE_S) as client:
            with pytest.raises(ServerError, match="name that of gRPC, 50051"):
                await client.avatars()
        await server.drain(0)

    asyncio.run(at_its_http_port())


def test_a_server_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with Client("127.0.0.1:1", timeout_s=PATIENCE_S) as client, pytest.raises(ServerError, match="UNAVAILABLE"):
        client.avatars()
    with pytest.raises(ServerError, match="shows no certificate"):
        Client("127.0.0.1:1", tls="AB:CD")
    with pytest.raises(InputError, match="expected HOST:PORT"):
        Client("localhost")
    with pytest.raises(InputError, match="cannot be read"):
        Client(tls=tmp_path / "missing.pem")


def test_who_leaves_early_ends_the_call(served: Running, avatars: Avatars, hello: Pcm) -> None:
    with client_of(served) as client:
        frames = client.generate(np.resize(hello, 60 * 16_000))
        assert next(frames).index == 0
        frames.close()  # type: ignore[attr-defined]  # a generator
        list(client.generate(hello[:640]))
    assert avatars.named("tiny").frames < 60 * 25
