import numpy as np
import pytest

from lipstream.errors import InputError
from lipstream.serve.ws.ear import Ear
from lipstream.types import Float32, Pcm
from lipstream.wire.live_messages import SoundStep, Start
from lipstream.wire.pcm import int16_bytes

SOUND: Float32 = np.array([0.5, -0.25, 0.0], np.float32)


@pytest.mark.parametrize(
    ("start", "data"),
    [
        (Start(), int16_bytes(SOUND)),
        (Start(coding="f32le", sample_rate_hz=44_100), SOUND.astype("<f4").tobytes()),
    ],
)
def test_samples_are_read_as_the_client_codes_them(start: Start, data: bytes) -> None:
    ear = Ear(start)
    ear.play(SOUND)
    assert np.array_equal(ear.hear(data), SOUND)
    assert len(ear.hear(b"")) == 0


@pytest.mark.parametrize("start", [Start(coding="f32le"), Start(), Start(coding="opus")])
def test_bytes_that_are_no_sound_are_refused(start: Start) -> None:
    with pytest.raises(InputError):
        Ear(start).hear(b"\xff\xff\xff")


def test_sound_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="NaN"):
        Ear(Start(coding="f32le")).hear(np.full(3, np.nan, "<f4").tobytes())


@pytest.mark.parametrize("step", ["echo", "noise", "gain"])
def test_cleaned_sound_comes_in_whole_blocks_of_10_ms(step: SoundStep, hello: Pcm) -> None:
    pytest.importorskip("livekit", reason="needs the extra audio")
    ear = Ear(Start(sound_in=(step,)))
    heard = []
    for start in range(0, 16_000, 250):
        ear.play(hello[start : start + 640])
        heard.append(ear.hear(int16_bytes(hello[start : start + 250])))
    assert {len(one) % 160 for one in heard} == {0}
    assert 16_000 - 160 <= sum(map(len, heard)) <= 16_000


def test_a_rate_that_cannot_be_cleaned_is_refused() -> None:
    with pytest.raises(InputError, match="44100"):
        Ear(Start(sample_rate_hz=44_100, sound_in=("noise",)))
