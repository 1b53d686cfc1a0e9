"""Live speech of both clients against a server."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from running import Running

from lipstream.client import AsyncClient, Client, SpokenEvent, SpokenFrame
from lipstream.client.live import AsyncLiveSpeech
from lipstream.errors import AvatarNotFoundError, InputError
from lipstream.types import Pcm

PATIENCE_S = 60
FRAMES = 6


@pytest.fixture
def address(served: Running) -> str:
    return f"127.0.0.1:{served.server.ports[0]}"


@pytest.fixture
def said(hello: Pcm) -> Pcm:
    return hello[: FRAMES * 640]


def speaking(address: str, test: Callable[[AsyncLiveSpeech], Coroutine[Any, Any, None]], avatar: str = "tiny") -> None:
    async def with_client() -> None:
        async with AsyncClient(address, timeout_s=PATIENCE_S) as client, client.stream(avatar) as speech:
            await test(speech)

    asyncio.run(with_client())


def sound_of(got: list[SpokenFrame | SpokenEvent]) -> Pcm:
    return np.concatenate([one.audio for one in got if isinstance(one, SpokenFrame) and not one.filler])


def test_what_is_pushed_comes_back_in_frames(address: str, said: Pcm) -> None:
    with Client(address, timeout_s=PATIENCE_S) as client, client.stream("tiny") as speech:
        for start in range(0, len(said), 500):
            speech.push(said[start : start + 500])
        speech.end()
        got = list(speech)
    assert np.allclose(sound_of(got), said, atol=1e-4)
    assert got[0] == SpokenEvent("started", 0, 0, 0)
    frames = [one for one in got if isinstance(one, SpokenFrame)]
    assert [one.index for one in frames] == list(range(len(frames)))
    assert frames[0].image.shape == (frames[0].height, frames[0].width, 3)


def test_the_same_on_an_event_loop(address: str, said: Pcm) -> None:
    async def test(speech: AsyncLiveSpeech) -> None:
        await speech.push(said)
        await speech.end()
        assert np.allclose(sound_of([one async for one in speech]), said, atol=1e-4)
        with pytest.raises(InputError, match="The speech is over"):
            await speech.push(said)

    speaking(address, test)


def test_an_interruption_is_answered(address: str, hello: Pcm) -> None:
    long = np.resize(hello, 160_000)

    async def test(speech: AsyncLiveSpeech) -> None:
        await speech.push(long)
        kinds = []
        async for one in speech:
            if isinstance(one, SpokenEvent):
                kinds.append(one.kind)
                if one.kind == "speaking":
                    await speech.interrupt()
                    await speech.end()
                if one.kind == "interrupted":
                    assert one.played_samples + one.dropped_samples == len(long)
        assert kinds[:3] == ["started", "speaking", "interrupted"]

    speaking(address, test)


def test_who_leaves_in_mid_word_is_let_go(address: str, hello: Pcm, served: Running) -> None:
    with Client(address, timeout_s=PATIENCE_S) as client, client.stream("tiny") as speech:
        speech.push(hello)
        assert isinstance(next(iter(speech)), SpokenEvent)
    served.wait(served.server._calls.underway.idle())


def test_what_the_server_refuses_is_raised(address: str) -> None:
    with Client(address, timeout_s=PATIENCE_S) as client:
        with client.stream("nobody") as speech, pytest.raises(AvatarNotFoundError, match="nobody"):
            list(speech)
        with client.stream("tiny", gain=7) as speech, pytest.raises(InputError, match="gain is 7"):
            list(speech)
        with client.stream("tiny") as speech, pytest.raises(InputError, match="no array"):
            speech.push([0.5])  # type: ignore[arg-type]

    async def test(speech: AsyncLiveSpeech) -> None:
        with pytest.raises(AvatarNotFoundError, match="nobody"):
            async for _ in speech:
                pass

    speaking(address, test, "nobody")
