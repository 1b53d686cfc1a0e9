import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipstream.audio.mel import MelStream, filterbank, mel_spectrogram
from lipstream.types import Float32, Mel, Pcm

GOLDEN = np.load(Path(__file__).with_name("golden_mel.npz"), allow_pickle=False)


def noise(samples: int) -> Pcm:
    return np.random.default_rng(7).uniform(-1.0, 1.0, samples).astype(np.float32)


def streamed(pcm: Pcm, cuts: list[int]) -> Mel:
    stream = MelStream()
    pieces = [stream.push(piece) for piece in np.split(pcm, sorted(cuts))]
    return np.concatenate([*pieces, stream.finish()])


def test_filterbank_is_the_references() -> None:
    np.testing.assert_allclose(filterbank(), GOLDEN["filterbank"], rtol=1e-5, atol=1e-9)
    assert filterbank().shape == (80, 401)
    assert filterbank().dtype == np.float32


def test_filterbank_is_librosas() -> None:
    filters = pytest.importorskip("librosa", reason="the oracle is part of lipstream[dev]").filters
    expected = filters.mel(sr=16_000, n_fft=800, n_mels=80, fmin=55, fmax=7600)
    np.testing.assert_allclose(filterbank(), expected, rtol=1e-5, atol=1e-9)


def test_speech_gives_the_references_rows() -> None:
    pcm = GOLDEN["speech_pcm16"].astype(np.float32) / 32768.0
    np.testing.assert_allclose(mel_spectrogram(pcm), GOLDEN["speech_mel"], rtol=0, atol=1e-4)


def test_sine_gives_the_references_rows() -> None:
    pcm = (0.5 * np.sin(2.0 * np.pi * 440.0 * np.arange(10_240) / 16_000.0)).astype(np.float32)
    np.testing.assert_allclose(mel_spectrogram(pcm), GOLDEN["sine_mel"], rtol=0, atol=1e-4)


@pytest.mark.skipif("LIPSTREAM_DATA" not in os.environ, reason="LIPSTREAM_DATA names the folder of real data")
def test_twenty_seconds_give_the_references_rows() -> None:
    source = Path(os.environ["LIPSTREAM_DATA"]) / "reference" / "mel"
    mel = mel_spectrogram(np.load(source / "step0_audio.npy"))
    np.testing.assert_allclose(mel, np.load(source / "step6_normalized.npy"), rtol=0, atol=1e-4)


@pytest.mark.parametrize("samples", [0, 1, 199, 200, 399, 400, 640, 801, 10_240])
def test_rows_of_any_length(samples: int) -> None:
    mel = mel_spectrogram(noise(samples))
    assert mel.shape == (samples // 200 + 1, 80)
    assert mel.dtype == np.float32


def test_silence_is_the_lowest_level() -> None:
    np.testing.assert_array_equal(mel_spectrogram(np.zeros(3_200, np.float32)), np.full((17, 80), -4.0, np.float32))


@given(st.integers(0, 6_000), st.data())
@settings(max_examples=60, deadline=None)
def test_streaming_equals_offline_to_the_bit(samples: int, data: st.DataObject) -> None:
    pcm = noise(samples)
    cuts = data.draw(st.lists(st.integers(0, samples), max_size=12))
    np.testing.assert_array_equal(streamed(pcm, cuts), mel_spectrogram(pcm))


@pytest.mark.parametrize("chunk_samples", [1, 160, 333, 640, 16_000, 250_000])
def test_regular_chunks_of_a_long_signal_equal_offline_to_the_bit(chunk_samples: int) -> None:
    pcm = noise(3_000 if chunk_samples == 1 else 300_000)
    np.testing.assert_array_equal(
        streamed(pcm, list(range(chunk_samples, pcm.size, chunk_samples))), mel_spectrogram(pcm)
    )


def test_row_leaves_as_soon_as_its_last_sample_has_arrived() -> None:
    stream = MelStream()
    assert len(stream.push(noise(399))) == 0
    assert len(stream.push(noise(1))) == 1
    assert len(stream.push(noise(200))) == 1


def test_stream_is_fresh_after_finish() -> None:
    stream = MelStream()
    stream.push(noise(1_000))
    stream.finish()
    np.testing.assert_array_equal(
        np.concatenate([stream.push(noise(2_000)), stream.finish()]), mel_spectrogram(noise(2_000))
    )


def test_callers_audio_is_left_alone() -> None:
    pcm: Float32 = noise(2_000)
    before = pcm.copy()
    mel_spectrogram(pcm)
    np.testing.assert_array_equal(pcm, before)
