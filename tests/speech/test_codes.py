import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from fake_engines import FakeArticulation, FakeEncoder, FakeOpenMouth
from hypothesis import given, settings
from hypothesis import strategies as st

from lipstream.audio.mel import mel_spectrogram
from lipstream.audio.read import read_pcm
from lipstream.audio.window import windows
from lipstream.avatar.bundle import open_speech
from lipstream.avatar.registry import speech_folder
from lipstream.errors import InputError
from lipstream.rate import frames_of_samples
from lipstream.runtime.networks import SpeechEngines, load_speech
from lipstream.speech.codes import BATCH_FRAMES, SpeechToCode
from lipstream.speech.drive import CodeDrive
from lipstream.types import ARTICULATION, Codes, Pcm

GOLDEN = np.load(Path(__file__).parents[1] / "audio" / "golden_mel.npz", allow_pickle=False)
SPEECH: Pcm = GOLDEN["speech_pcm16"].astype(np.float32) / 32768.0
PAUSE: Pcm = np.zeros(12_345, np.float32)
TALK: Pcm = np.concatenate([SPEECH, PAUSE, SPEECH, SPEECH, PAUSE])
needs_data = pytest.mark.skipif(
    "LIPSTREAM_DATA" not in os.environ, reason="LIPSTREAM_DATA names the folder of real data"
)


def fake_speech(lookahead_ms: int = 452) -> SpeechToCode:
    return SpeechToCode(FakeEncoder(), FakeArticulation(), lookahead_ms=lookahead_ms)


def pushed(speech: SpeechToCode, pcm: Pcm, cuts: list[int]) -> Codes:
    pieces = [speech.push(piece) for piece in np.split(pcm, sorted(cuts))]
    return np.concatenate([*pieces, speech.finish()])


@pytest.mark.parametrize("samples", [0, 1, 640, 641, 3_000, 16_000, TALK.size])
def test_one_code_a_frame(samples: int) -> None:
    codes = pushed(fake_speech(), TALK[:samples], [])
    assert codes.shape == (frames_of_samples(samples), 12)
    assert codes.dtype == np.float32


@given(
    st.integers(0, TALK.size),
    st.sampled_from([172, 212, 300, 452, 900]),
    st.lists(st.floats(0.0, 1.0), max_size=10),
)
@settings(max_examples=40, deadline=None)
def test_streaming_equals_offline(samples: int, lookahead_ms: int, cuts: list[float]) -> None:
    pcm = TALK[:samples]
    live = pushed(fake_speech(lookahead_ms), pcm, [int(cut * samples) for cut in cuts])
    np.testing.assert_allclose(live, pushed(fake_speech(lookahead_ms), pcm, []), atol=1e-5)


@pytest.mark.parametrize("lookahead_ms", [172, 180, 212, 452])
def test_code_leaves_when_its_lookahead_has_arrived(lookahead_ms: int) -> None:
    speech = fake_speech(lookahead_ms)
    frames = 0
    for arrived_samples in range(160, TALK.size, 160):
        frames += len(speech.push(TALK[arrived_samples - 160 : arrived_samples]))
        assert frames >= (arrived_samples - 16 * (lookahead_ms + 1)) // 640 + 1 or arrived_samples < 640 * 10
        assert frames <= frames_of_samples(arrived_samples)


def test_frame_hears_windows_nine_before_to_six_after() -> None:
    articulation = FakeArticulation()
    pushed(SpeechToCode(FakeEncoder(), articulation), TALK, [5_000, 20_000])
    features = FakeEncoder().run({"mel": windows(mel_spectrogram(TALK))[:, None]})["features"]
    np.testing.assert_allclose(articulation.rows[20], features[11:27], atol=1e-6)
    assert not articulation.rows[0][:9].any()
    np.testing.assert_allclose(articulation.rows[0][9:], features[:7], atol=1e-6)


@pytest.mark.parametrize(("lookahead_ms", "rows"), [(452, 16), (212, 10), (172, 9)])
def test_what_has_not_arrived_is_zero_rows(lookahead_ms: int, rows: int) -> None:
    articulation = FakeArticulation()
    pushed(SpeechToCode(FakeEncoder(), articulation, lookahead_ms=lookahead_ms), TALK, [])
    assert articulation.rows[20][:rows].any(axis=1).all()
    assert not articulation.rows[20][rows:].any()


def test_mouth_is_closed_in_silence_whatever_the_network_says() -> None:
    codes = pushed(SpeechToCode(FakeEncoder(), FakeOpenMouth(0.8)), np.zeros(32_000, np.float32), [])
    assert not codes.any()


def test_mouth_moves_with_speech_and_closes_in_the_pause() -> None:
    pcm = np.concatenate([SPEECH, SPEECH, np.zeros(32_000, np.float32)])
    codes = pushed(SpeechToCode(FakeEncoder(), FakeOpenMouth(0.8)), pcm, [])
    np.testing.assert_allclose(codes[10:24, 0], 0.8)
    assert not codes[50:].any()


def test_gain_opens_the_mouth_further() -> None:
    once, twice = (
        pushed(SpeechToCode(FakeEncoder(), FakeOpenMouth(0.6), gain=gain), SPEECH, [])[12] for gain in (1.0, 2.0)
    )
    np.testing.assert_allclose((once[0], twice[0]), (0.6, 1.2), atol=1e-6)


def test_lips_that_press_are_shut_whatever_their_gap() -> None:
    pressing = FakeOpenMouth(0.3, lip_press=0.8)
    gap, jaw = ARTICULATION.index("lip_gap"), ARTICULATION.index("jaw")
    heard = pushed(SpeechToCode(FakeEncoder(), pressing), SPEECH, [])[12]
    sent = CodeDrive(FakeEncoder(), pressing).of_contexts(np.zeros((1, 32, 16, 16), np.float32))[0]
    for code in (heard, sent):
        assert code[gap] == 0
        assert code[jaw] == pytest.approx(0.3)


def test_codes_stay_within_what_speech_reaches() -> None:
    codes = pushed(SpeechToCode(FakeEncoder(), FakeOpenMouth(5.0)), SPEECH, [])
    assert codes.max() == pytest.approx(1.5)


def test_long_speech_is_taken_in_batches() -> None:
    encoder = FakeEncoder()
    pushed(SpeechToCode(encoder, FakeArticulation()), np.resize(TALK, 16_000 * 30), [])
    assert max(encoder.batches) <= BATCH_FRAMES + 1
    assert len(encoder.batches) <= 8


def test_memory_does_not_grow_with_the_speech() -> None:
    speech = SpeechToCode(FakeEncoder(), FakeOpenMouth(0.5))
    second = np.resize(TALK, 16_000)
    for _ in range(3):
        speech.push(second)
    tracemalloc.start()
    for _ in range(20):
        speech.push(second)
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept_bytes < 500_000  # the PCM alone would be 1,280,000


def test_speech_can_start_again_after_finish() -> None:
    speech = fake_speech()
    first = pushed(speech, TALK, [700])
    np.testing.assert_allclose(pushed(speech, TALK, []), first, atol=1e-6)


@pytest.mark.parametrize(("lookahead_ms", "gain"), [(171, 1.0), (-1, 1.0), (452, -0.1), (452, float("nan"))])
def test_senseless_settings_are_refused(lookahead_ms: int, gain: float) -> None:
    with pytest.raises(InputError, match="expected"):
        SpeechToCode(FakeEncoder(), FakeOpenMouth(0.0), lookahead_ms=lookahead_ms, gain=gain)


@pytest.fixture(scope="module")
def networks() -> SpeechEngines:
    return load_speech(open_speech(speech_folder()), engine="openvino")


def assert_same_live_and_offline(networks: SpeechEngines, chunk_samples: int) -> None:
    speech = SpeechToCode(networks.encoder, networks.articulation, lookahead_ms=212)
    offline = pushed(speech, TALK, [])
    live = pushed(speech, TALK, list(range(chunk_samples, TALK.size, chunk_samples)))
    tolerance = 1e-4 if networks.encoder.precision == "f32" else 0.02  # bf16 has 8 bits
    np.testing.assert_allclose(live, offline, atol=tolerance)


@pytest.mark.parametrize("chunk_samples", [160, 640, 16_000])
def test_trained_networks_say_the_same_live_and_offline(networks: SpeechEngines, chunk_samples: int) -> None:
    assert_same_live_and_offline(networks, chunk_samples)


def test_tiny_networks_say_the_same_live_and_offline() -> None:
    folder = Path(__file__).parents[1] / "assets" / "speech"
    assert_same_live_and_offline(load_speech(open_speech(folder), engine="openvino"), 800)


def test_trained_networks_move_the_mouth_with_speech_and_shut_it_in_silence(networks: SpeechEngines) -> None:
    pcm = np.concatenate([SPEECH, SPEECH, np.zeros(16_000, np.float32)])
    codes = pushed(SpeechToCode(networks.encoder, networks.articulation), pcm, [])
    assert codes[:32, ARTICULATION.index("jaw")].std() > 0.05
    assert not codes[46:].any()


@needs_data
def test_noise_keeps_the_mouth_shut() -> None:
    pcm = read_pcm(Path(os.environ["LIPSTREAM_DATA"]) / "speech" / "noise" / "sb_noise2.wav")
    assert not pushed(SpeechToCode(FakeEncoder(), FakeOpenMouth(0.8)), pcm, []).any()
