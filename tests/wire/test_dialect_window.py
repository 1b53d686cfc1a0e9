import numpy as np
import pytest

from lipstream.errors import InputError
from lipstream.types import Pcm
from lipstream.wire.dialects.window import WRITTEN, read_window
from lipstream.wire.recording import Recording


def tone(rate_hz: int) -> Pcm:
    """640 ms at 200 Hz."""
    times = np.arange(rate_hz * 16 // 25, dtype=np.float64) / rate_hz
    return (0.5 * np.sin(2 * np.pi * 200 * times)).astype(np.float32)


def written(size_bytes: int) -> bytes:
    coding, rate_hz = WRITTEN[size_bytes]
    samples = tone(rate_hz)
    return samples.tobytes() if coding == "float32" else np.rint(samples * 32768).astype("<i2").tobytes()


@pytest.mark.parametrize("size_bytes", [20_480, 30_720, 40_960, 61_440])
def test_the_length_tells_rate_and_coding(size_bytes: int) -> None:
    audio = written(size_bytes)
    assert len(audio) == size_bytes
    window = read_window(audio)
    assert isinstance(window, Recording)
    assert (len(window.pcm), window.first_frame, window.frames) == (16 * 640, 8, 1)
    middle = slice(640, -640)  # a resampler has nothing beyond the ends
    np.testing.assert_allclose(window.pcm[middle], tone(16_000)[middle], atol=2e-3)


def test_no_sound_is_none() -> None:
    assert read_window(b"") is None


@pytest.mark.parametrize("size_bytes", [1, 1_920, 30_719, 30_721, 61_441, 122_880])
def test_other_lengths_are_refused(size_bytes: int) -> None:
    with pytest.raises(
        InputError,
        match=rf"audio has {size_bytes:,} bytes; expected 16 chunks of 40 ms, which are 30,720 \(int16 at 24 kHz\), "
        r"61,440 \(float32 at 24 kHz\), 20,480 \(int16 at 16 kHz\), 40,960 \(float32 at 16 kHz\)\.",
    ):
        read_window(bytes(size_bytes))


def test_floats_must_be_numbers_of_the_right_scale() -> None:
    with pytest.raises(InputError, match="audio holds NaN"):
        read_window(np.full(15_360, np.nan, "<f4").tobytes())
    with pytest.raises(InputError, match="audio has samples up to 300"):
        read_window(np.full(10_240, 300, "<f4").tobytes())
