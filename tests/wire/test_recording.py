import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.errors import InputError
from lipstream.types import Float32
from lipstream.wire.recording import Recording, read_chunks, read_recording


def chunks(count: int, samples_each: int = 640) -> Float32:
    """Speech whose chunk k holds k / 1000, so that a place in it shows."""
    return np.repeat(np.arange(count, dtype=np.float32) / 1000, samples_each)


def heard(recording: Recording) -> list[int | None]:
    """The chunk of `chunks` that each frame starts with, None for silence beyond the end."""
    starts = [640 * (recording.first_frame + frame) for frame in range(recording.frames)]
    return [round(recording.pcm[start].item() * 1000) if start < len(recording.pcm) else None for start in starts]


GOLDEN = {
    "the N+15 form": (chunks(39), 24, 0, [*range(8, 32)]),
    "the N+15 form, whatever its start": (chunks(39), 24, 240, [*range(8, 32)]),
    "the N+15 form of one frame": (chunks(16), 1, 3, [8]),
    "a chunk more is a recording": (chunks(40), 24, 0, [*range(24)]),
    "a chunk less is a recording": (chunks(38), 24, 10, [*range(10, 34)]),
    "a sample more is a recording": (np.append(chunks(39), np.float32(0)), 24, 2, [*range(2, 26)]),
    "the first frames of a recording": (chunks(100), 4, 0, [0, 1, 2, 3]),
    "later frames of a recording": (chunks(100), 4, 50, [50, 51, 52, 53]),
    "the end of a recording": (chunks(100), 4, 98, [98, 99, None, None]),
    "beyond a recording": (chunks(100), 4, 100, [None] * 4),
    "the second segment": (chunks(4), 4, 4, [0, 1, 2, 3]),
    "a later segment": (chunks(4), 4, 400, [0, 1, 2, 3]),
    "a segment of a chunk more": (chunks(5), 4, 400, [0, 1, 2, 3]),
    "too long for a segment": (np.append(chunks(5), np.float32(0)), 4, 400, [None] * 4),
    "a short segment": (chunks(2), 4, 400, [0, 1, None, None]),
    "no samples": (chunks(0), 3, 0, [None] * 3),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_frames_are_where_the_rule_puts_them(case: str) -> None:
    pcm, frames, start_frame, expected = GOLDEN[case]
    recording = read_recording(pcm.tobytes(), frames=frames, start_frame=start_frame)
    np.testing.assert_array_equal(recording.pcm, pcm)
    assert heard(recording) == expected


@given(st.integers(0, 640 * 30), st.integers(1, 6), st.integers(0, 40))
def test_every_frame_follows_the_rule(samples: int, frames: int, start_frame: int) -> None:
    recording = read_recording(bytes(4 * samples), frames=frames, start_frame=start_frame)
    for frame in range(frames):
        place = 640 * (recording.first_frame + frame)
        if samples == 640 * (frames + 15):
            assert place == 640 * (frame + 8)
        elif 640 * start_frame < samples:
            assert place == 640 * (start_frame + frame)
        elif samples <= 640 * (frames + 1):
            assert place == 640 * frame
        else:
            assert place >= samples


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000])
def test_chunks_at_other_rates_are_the_same_form(rate_hz: int) -> None:
    sent = chunks(39, samples_each=rate_hz // 25)
    recording = read_recording(sent.tobytes(), frames=24, start_frame=240, sample_rate_hz=rate_hz)
    assert recording.pcm.dtype == np.float32
    assert (len(recording.pcm), recording.first_frame, recording.frames) == (39 * 640, 8, 24)
    middles = recording.pcm[320::640]
    np.testing.assert_allclose(middles, np.arange(39) / 1000, atol=2e-3)


@given(st.integers(8_000, 192_000), st.integers(0, 3_000))
def test_length_after_resampling_is_rounded_half_up(rate_hz: int, samples: int) -> None:
    recording = read_recording(bytes(4 * samples), frames=1, sample_rate_hz=rate_hz)
    assert len(recording.pcm) == (2 * 16_000 * samples + rate_hz) // (2 * rate_hz)


def test_rate_of_zero_is_16_khz() -> None:
    sent = chunks(20).tobytes()
    without, with_rate = read_recording(sent, frames=2), read_recording(sent, frames=2, sample_rate_hz=16_000)
    np.testing.assert_array_equal(without.pcm, with_rate.pcm)
    assert without.first_frame == with_rate.first_frame


@pytest.mark.parametrize("rate_hz", [-16_000, 1, 7_999, 192_001, 2**31 - 1])
def test_other_rates_are_refused(rate_hz: int) -> None:
    expected = re.escape(f"sample_rate is {rate_hz:,}; expected 8,000 to 192,000 Hz, or 0 for 16,000.")
    with pytest.raises(InputError, match=expected):
        read_recording(bytes(64), frames=1, sample_rate_hz=rate_hz)


def test_half_a_sample_is_refused() -> None:
    expected = re.escape("raw_audio has 2,001 bytes; expected a multiple of 4 (float32, little-endian)")
    with pytest.raises(InputError, match=expected):
        read_recording(bytes(2001), frames=1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_samples_that_are_no_numbers_are_refused(value: float, rate_hz: int) -> None:
    sent = chunks(3)
    sent[1000] = value
    with pytest.raises(InputError, match="raw_audio holds NaN or infinity"):
        read_recording(sent.tobytes(), frames=1, sample_rate_hz=rate_hz)


def test_samples_of_another_scale_are_refused() -> None:
    sent = np.array([0.0, -32768.0, 12.0], np.float32)
    with pytest.raises(InputError, match=r"raw_audio has samples up to 32,768; expected float32 in -1\.\.1"):
        read_recording(sent.tobytes(), frames=1)


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_slightly_loud_samples_are_clipped(rate_hz: int) -> None:
    recording = read_recording(np.full(3000, 1.4, np.float32).tobytes(), frames=1, sample_rate_hz=rate_hz)
    assert recording.pcm.max() == 1.0


def test_negative_start_is_refused() -> None:
    with pytest.raises(InputError, match="start_frame_idx is -1; expected 0 or more"):
        read_recording(bytes(64), frames=1, start_frame=-1)


def test_chunks_are_the_n_plus_15_form() -> None:
    sent = list(chunks(39).reshape(39, 640))
    recording = read_chunks([chunk.tobytes() for chunk in sent], frames=24)
    np.testing.assert_array_equal(recording.pcm, chunks(39))
    assert heard(recording) == [*range(8, 32)]
    same = read_recording(chunks(39).tobytes(), frames=24)
    assert (recording.first_frame, recording.frames) == (same.first_frame, same.frames)


def test_further_chunks_are_what_comes_after_the_frames() -> None:
    recording = read_chunks([chunk.tobytes() for chunk in chunks(60).reshape(60, 640)], frames=24)
    assert len(recording.pcm) == 60 * 640
    assert heard(recording) == [*range(8, 32)]


def test_too_few_chunks_are_refused() -> None:
    with pytest.raises(InputError) as refusal:
        read_chunks([bytes(2560)] * 19, frames=19)
    assert str(refusal.value) == "Insufficient audio chunks: expected frame_count + 15 = 34, got 19"


def test_chunk_of_another_length_is_refused() -> None:
    sent = [bytes(2560)] * 34
    sent[3] = bytes(2000)
    with pytest.raises(InputError) as refusal:
        read_chunks(sent, frames=19)
    assert str(refusal.value) == "Invalid audio format: chunk 3 has 2,000 bytes, expected 2,560 (640 float32)"


def test_nan_in_a_chunk_is_refused() -> None:
    sent = [bytes(2560)] * 15 + [np.full(640, np.nan, np.float32).tobytes()]
    with pytest.raises(InputError, match="audio_chunks holds NaN or infinity"):
        read_chunks(sent, frames=1)


@given(st.binary(max_size=4000), st.integers(1, 3), st.integers(0, 5), st.sampled_from([0, 16_000, 44_100, 9_999]))
def test_any_bytes_are_a_recording_or_refused(data: bytes, frames: int, start_frame: int, rate_hz: int) -> None:
    try:
        recording = read_recording(data, frames=frames, start_frame=start_frame, sample_rate_hz=rate_hz)
    except InputError:
        return
    assert np.isfinite(recording.pcm).all()
    assert np.abs(recording.pcm).max(initial=0.0) <= 1.0
    assert recording.frames == frames
    assert recording.first_frame >= 0
