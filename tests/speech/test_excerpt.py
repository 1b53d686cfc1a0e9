from pathlib import Path

import numpy as np
import pytest
from fake_engines import FakeArticulation, FakeEncoder

from lipstream.speech.codes import SpeechToCode
from lipstream.speech.excerpt import excerpt_codes
from lipstream.types import Codes, Pcm

GOLDEN = np.load(Path(__file__).parents[1] / "audio" / "golden_mel.npz", allow_pickle=False)
SPEECH: Pcm = GOLDEN["speech_pcm16"].astype(np.float32) / 32768.0
RECORDING: Pcm = np.tile(SPEECH, 12)
FRAMES = -(-len(RECORDING) // 640)


def fake_speech() -> SpeechToCode:
    return SpeechToCode(FakeEncoder(), FakeArticulation())


def excerpt(pcm: Pcm, first: int, frames: int) -> Codes:
    return np.concatenate(list(excerpt_codes(fake_speech(), pcm, first, frames)))


def whole(pcm: Pcm) -> Codes:
    speech = fake_speech()
    return np.concatenate([speech.push(pcm), speech.finish()])


@pytest.mark.parametrize("first", [0, 1, 49, 50, 51, 70, 77, 119, 131, FRAMES - 40, FRAMES - 15])
def test_an_excerpt_is_what_the_whole_would_give(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipstream.speech.codes.SPEAKING", 0.0)  # what the voice detector remembers may differ
    codes = excerpt(RECORDING, first, 15)
    np.testing.assert_allclose(codes, whole(RECORDING)[first : first + 15], atol=1e-5)


def test_beyond_the_end_the_mouth_rests() -> None:
    codes = excerpt(RECORDING, FRAMES - 2, 40)
    assert codes.shape == (40, 12)
    assert codes[0].any()
    assert not codes[30:].any()
    assert not excerpt(RECORDING, FRAMES + 500, 3).any()


@pytest.mark.parametrize("frames", [1, 5])
def test_nothing_said_is_rest(frames: int) -> None:
    assert not excerpt(np.zeros(0, np.float32), 0, frames).any()


def test_of_a_long_recording_little_is_heard() -> None:
    encoder = FakeEncoder()
    long = np.tile(RECORDING, 20)
    list(excerpt_codes(SpeechToCode(encoder, FakeArticulation()), long, 1000, 1))
    assert len(long) > 1_500_000
    assert sum(encoder.batches) < 120


def test_the_first_frames_come_before_the_last_are_heard() -> None:
    encoder = FakeEncoder()
    first = next(excerpt_codes(SpeechToCode(encoder, FakeArticulation()), RECORDING, 0, FRAMES))
    assert 0 < len(first) < 50
    assert sum(encoder.batches) < 60
