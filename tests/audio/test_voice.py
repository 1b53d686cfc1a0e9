import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipstream.audio.read import read_pcm
from lipstream.audio.voice import SPEAKING, VoiceStream, frames_ahead, voice_activity
from lipstream.rate import frames_of_samples
from lipstream.types import Float32, Pcm

GOLDEN = np.load(Path(__file__).with_name("golden_mel.npz"), allow_pickle=False)
SPEECH: Pcm = GOLDEN["speech_pcm16"].astype(np.float32) / 32768.0  # 640 ms of somebody speaking
needs_data = pytest.mark.skipif(
    "LIPSTREAM_DATA" not in os.environ, reason="LIPSTREAM_DATA names the folder of real data"
)


def streamed(stream: VoiceStream, pcm: Pcm, cuts: list[int]) -> Float32:
    pieces = [stream.push(piece) for piece in np.split(pcm, sorted(cuts))]
    return np.concatenate([*pieces, stream.finish()])


def test_speech_between_silences_is_found() -> None:
    pause = np.zeros(16_000, np.float32)
    speaking = voice_activity(np.concatenate([pause, SPEECH, SPEECH, pause])) >= SPEAKING
    assert speaking[28:54].mean() > 0.8
    assert not speaking[:23].any()
    assert not speaking[64:].any()


@pytest.mark.parametrize("samples", [0, 1, 511, 512, 640, 641, 2_560, 10_000])
def test_one_probability_a_frame(samples: int) -> None:
    probability = voice_activity(np.resize(SPEECH, samples))
    assert probability.shape == (frames_of_samples(samples),)
    assert probability.dtype == np.float32
    assert ((probability >= 0.0) & (probability <= 1.0)).all()


@given(st.integers(0, 10_240), st.data())
@settings(max_examples=25, deadline=None)
def test_streaming_equals_offline(samples: int, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, samples), max_size=8))
    pcm = SPEECH[:samples]
    np.testing.assert_array_equal(streamed(VoiceStream(), pcm, cuts), voice_activity(pcm))


def test_stream_is_fresh_after_finish() -> None:
    stream = VoiceStream()
    first = streamed(stream, SPEECH, [])
    np.testing.assert_array_equal(streamed(stream, SPEECH, [3_000]), first)


@pytest.mark.parametrize(("lookahead_ms", "frames"), [(452, 9), (212, 3), (172, 2), (64, 0)])
def test_frames_ahead_are_known_after_the_lookahead(lookahead_ms: int, frames: int) -> None:
    assert frames_ahead(lookahead_ms) == frames


@given(st.integers(0, 400), st.integers(64, 500))
def test_frames_of_a_lookahead_are_scored(frame: int, lookahead_ms: int) -> None:
    arrived_samples = 640 * frame + 16 * (lookahead_ms + 1)
    scored_samples = arrived_samples // 512 * 512
    assert scored_samples // 640 > frame + frames_ahead(lookahead_ms)


@needs_data
@pytest.mark.parametrize("name", ["speech/silence_20s.wav", "speech/vad/n.wav", "speech/noise/sb_noise3.wav"])
def test_silence_and_noise_are_no_speech(name: str) -> None:
    pcm = read_pcm(Path(os.environ["LIPSTREAM_DATA"]) / name)
    assert not (voice_activity(pcm) >= SPEAKING).any()


@needs_data
@pytest.mark.parametrize("name", ["speech/timit_sa1_f_16k.wav", "aligned_speech/librivox/0870.wav"])
def test_speech_is_speech(name: str) -> None:
    pcm = read_pcm(Path(os.environ["LIPSTREAM_DATA"]) / name)
    assert (voice_activity(pcm) >= SPEAKING)[8:-8].mean() > 0.97


@needs_data
def test_two_notes_of_music_are_no_speech() -> None:
    pcm = read_pcm(Path(os.environ["LIPSTREAM_DATA"]) / "speech" / "sb_mixture_2spk.wav")  # holds tones, no voice
    assert (voice_activity(pcm) >= SPEAKING).mean() < 0.05
