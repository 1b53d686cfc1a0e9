import asyncio

import numpy as np
import pytest
from fake_session import FakeSession

from lipstream.errors import InputError
from lipstream.pipeline.playout import END
from lipstream.pipeline.session import FROM_MICROPHONE
from lipstream.serve.ws.ear import Ear
from lipstream.types import Float32, Pcm
from lipstream.wire.live_messages import SoundStep, Start
from lipstream.wire.pcm import int16_bytes

SOUND: Float32 = np.array([0.5, -0.25, 0.0], np.float32)


class Hearer:
    """An ear, and the session that it hears for."""

    def __init__(self, start: Start) -> None:
        self.session = FakeSession(FROM_MICROPHONE)
        self.ear = Ear(start, self.session.session)

    async def hear(self, data: bytes) -> Float32:
        await self.ear.hear(data)
        heard = self.session.pushed[-1]
        assert heard is not END
        return heard


@pytest.mark.parametrize(
    ("start", "data"),
    [
        (Start(), int16_bytes(SOUND)),
        (Start(coding="f32le", sample_rate_hz=44_100), SOUND.astype("<f4").tobytes()),
    ],
)
def test_samples_are_read_as_the_client_codes_them(start: Start, data: bytes) -> None:
    async def test() -> None:
        one = Hearer(start)
        await one.ear.play(SOUND)
        assert np.array_equal(await one.hear(data), SOUND)
        assert len(await one.hear(b"")) == 0

    asyncio.run(test())


@pytest.mark.parametrize("start", [Start(coding="f32le"), Start(), Start(coding="opus")])
def test_bytes_that_are_no_sound_are_refused(start: Start) -> None:
    with pytest.raises(InputError):
        asyncio.run(Hearer(start).hear(b"\xff\xff\xff"))


def test_samples_that_are_no_numbers_are_handed_on_as_such() -> None:
    sent = np.array([0.5, np.nan, -np.inf, 1.01], "<f4")
    heard = asyncio.run(Hearer(Start(coding="f32le")).hear(sent.tobytes()))
    assert np.array_equal(heard, np.array([0.5, np.nan, np.nan, 1.0], np.float32), equal_nan=True)
    with pytest.raises(InputError, match="32768"):
        asyncio.run(Hearer(Start(coding="f32le")).hear(np.array([np.nan, 30_000], "<f4").tobytes()))


@pytest.mark.parametrize("step", ["echo", "noise", "gain"])
def test_cleaned_sound_comes_in_whole_blocks_of_10_ms(step: SoundStep, hello: Pcm) -> None:
    pytest.importorskip("livekit", reason="needs the extra audio")

    async def hear() -> list[Float32]:
        one, heard = Hearer(Start(sound_in=(step,))), []
        for start in range(0, 16_000, 250):
            await one.ear.play(hello[start : start + 640])
            heard.append(await one.hear(int16_bytes(hello[start : start + 250])))
        return heard

    heard = asyncio.run(hear())
    assert {len(one) % 160 for one in heard} == {0}
    assert 16_000 - 160 <= sum(map(len, heard)) <= 16_000


def test_a_rate_that_cannot_be_cleaned_is_refused() -> None:
    with pytest.raises(InputError, match="44100"):
        Hearer(Start(sample_rate_hz=44_100, sound_in=("noise",)))
