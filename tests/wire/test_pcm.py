import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.errors import InputError
from lipstream.wire.pcm import int16_bytes, read_samples, stereo_blocks


@given(st.lists(st.integers(-32768, 32767), max_size=50))
def test_int16_goes_through_unchanged(numbers: list[int]) -> None:
    sent = np.array(numbers, "<i2").tobytes()
    samples = read_samples(sent, "int16")
    assert samples.dtype == np.float32
    assert np.abs(samples).max(initial=0) <= 1
    assert int16_bytes(samples) == sent


def test_float32_is_taken_as_it_is_and_clipped() -> None:
    sent = np.array([0.25, -1.0, 1.5], "<f4").tobytes()
    assert read_samples(sent, "float32").tolist() == [0.25, -1.0, 1.0]
    assert np.frombuffer(int16_bytes(np.array([1.0, -1.0, 0.5], np.float32)), "<i2").tolist() == [32767, -32768, 16384]


@pytest.mark.parametrize(
    ("audio", "coding", "error"),
    [
        (b"123", "int16", "audio has 3 bytes; expected whole samples of 2 bytes"),
        (b"12345", "float32", "audio has 5 bytes; expected a multiple of 4"),
        (np.array([np.nan], "<f4").tobytes(), "float32", "audio holds NaN or infinity"),
        (np.array([32767], "<f4").tobytes(), "float32", "divide 16-bit samples by 32768"),
    ],
)
def test_what_is_no_sound_is_refused(audio: bytes, coding: str, error: str) -> None:
    with pytest.raises(InputError, match=error):
        read_samples(audio, coding)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000])
def test_the_sound_of_a_file_is_as_long_and_equal_on_both_sides(rate_hz: int) -> None:
    tone = np.sin(np.arange(5 * rate_hz // 2) / rate_hz * 2 * np.pi * 300).astype(np.float32)
    stereo = np.concatenate(list(stereo_blocks(tone, rate_hz, 48_000)))
    assert abs(len(stereo) - 2.5 * 48_000) <= 1
    assert np.array_equal(stereo[:, 0], stereo[:, 1])
    expected = np.sin(np.arange(len(stereo)) / 48_000 * 2 * np.pi * 300)
    assert np.abs(stereo[2000:-2000, 0] - expected[2000:-2000]).max() < 0.01
