import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.errors import InputError
from lipstream.types import Float32
from lipstream.wire.wav import is_wav, read_wav

SAMPLES = np.array([0.0, 0.5, -0.5, 0.25, -1.0], np.float32)


def wav(body: bytes, *, kind: int = 1, channels: int = 1, rate_hz: int = 16_000, bits: int = 16) -> bytes:
    coding = struct.pack("<HHIIHH", kind, channels, rate_hz, rate_hz * channels * bits // 8, channels * bits // 8, bits)
    inside = b"fmt " + struct.pack("<I", len(coding)) + coding + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(inside)) + b"WAVE" + inside


def read(data: bytes) -> Float32:
    return np.frombuffer(read_wav(data)[0], "<f4")


def threes(samples: Float32) -> bytes:
    return b"".join(
        round(float(sample) * (2**23 - (sample > 0))).to_bytes(3, "little", signed=True) for sample in samples
    )


@pytest.mark.parametrize(
    ("body", "kind", "bits", "tolerance"),
    [
        ((SAMPLES * 127 + 128).astype(np.uint8).tobytes(), 1, 8, 0.01),
        ((SAMPLES * 32767).astype("<i2").tobytes(), 1, 16, 1e-4),
        (threes(SAMPLES), 1, 24, 1e-6),
        ((SAMPLES.astype(np.float64) * (2**31 - 1)).astype("<i4").tobytes(), 1, 32, 1e-6),
        (SAMPLES.astype("<f4").tobytes(), 3, 32, 0),
        (SAMPLES.astype("<f8").tobytes(), 3, 64, 0),
    ],
)
def test_every_usual_coding_is_read(body: bytes, kind: int, bits: int, tolerance: float) -> None:
    np.testing.assert_allclose(read(wav(body, kind=kind, bits=bits)), SAMPLES, atol=tolerance)


def test_files_of_the_standard_library_are_read_and_channels_are_averaged() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(44_100)
        writer.writeframes(np.array([[1000, 3000], [-2000, 0]], "<i2").tobytes())
    samples, rate_hz = read_wav(file.getvalue())
    assert rate_hz == 44_100
    np.testing.assert_allclose(np.frombuffer(samples, "<f4") * 32768, [2000, -1000])


def test_other_chunks_and_extensible_headers_are_passed_over() -> None:
    coding = struct.pack("<HHIIHHHHIH14s", 0xFFFE, 1, 8000, 32_000, 4, 32, 22, 32, 4, 3, b"\0" * 14)
    inside = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    inside += b"fmt " + struct.pack("<I", len(coding)) + coding
    inside += b"data" + struct.pack("<I", 20) + SAMPLES.tobytes()
    samples, rate_hz = read_wav(b"RIFF\xff\xff\xff\xffWAVE" + inside)
    assert rate_hz == 8000
    np.testing.assert_array_equal(np.frombuffer(samples, "<f4"), SAMPLES)


def test_a_file_that_breaks_off_gives_what_is_there() -> None:
    whole = wav((SAMPLES * 32767).astype("<i2").tobytes())
    np.testing.assert_array_equal(read(whole[:-3]), read(whole)[:3])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes do not begin as a WAV file does"),
        (b"ID3" + b"\0" * 40, "43 bytes do not begin"),
        (wav(b""), "holds no samples"),
        (wav(b"\1"), "holds no samples"),
        (wav(b"abcd", kind=2, bits=4), "coding 2 of 4 bits; expected 8, 16"),
        (wav(b"abcd", channels=0), "0 channels; expected 1 to 32"),
        (wav(b"abcd", channels=33), "33 channels"),
        (wav(b"abcd", rate_hz=0), "0 samples a second"),
        (b"RIFF\0\0\0\0WAVEfmt \4\0\0\0abcd", "header has 4 bytes"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "holds no samples"),
    ],
)
def test_what_is_no_sound_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_wav(data)


@given(st.binary(max_size=200), st.integers(0, 60))
def test_garbage_gives_samples_or_an_input_error(garbage: bytes, kept: int) -> None:
    for data in (garbage, wav(b"\0" * 20)[:kept] + garbage, b"RIFF\0\0\0\0WAVE" + garbage):
        assert is_wav(data) == (data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE")
        try:
            samples, rate_hz = read_wav(data)
        except InputError:
            continue
        assert len(samples) % 4 == 0
        assert rate_hz > 0
