import numpy as np
import pytest

from lipstream.audio.voice import SPEAKING, voice_activity
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.hearing import Heard, Hearing
from lipstream.speech.drive import FeatureDrive
from lipstream.types import SAMPLE_RATE_HZ, Float32, Pcm


def pulse(sample_rate_hz: int) -> Pcm:
    """A second with a pulse of a millisecond in its middle."""
    away_s = np.arange(sample_rate_hz) / sample_rate_hz - 0.5
    return np.exp(-((away_s / 0.0005) ** 2)).astype(np.float32)


def sound_of(heard: list[Heard]) -> Float32:
    return np.concatenate([one.audio[: one.samples] for one in heard])


def test_every_frame_has_its_own_sound(tiny: Avatar, hello: Pcm) -> None:
    hearing = Hearing(tiny.speech(lookahead_ms=212), SAMPLE_RATE_HZ, live=True)
    heard = hearing.push(hello[:20_000])
    assert hearing.pending_samples == 20_000 - 640 * len(heard)
    heard += hearing.push(hello[20_000:]) + hearing.finish()
    assert np.array_equal(sound_of(heard), hello)
    assert [one.samples for one in heard] == [640] * 51 + [360]
    assert not heard[-1].audio[360:].any()


def test_what_was_dropped_is_not_heard_later(tiny: Avatar, hello: Pcm) -> None:
    hearing = Hearing(tiny.speech(lookahead_ms=212), 48_000, live=True)
    hearing.push(hello[:7_777])
    hearing.drop()
    assert hearing.pending_samples == 0
    fresh = Hearing(tiny.speech(lookahead_ms=212), 48_000, live=True)
    again, first = (one.push(hello) + one.finish() for one in (hearing, fresh))
    assert np.array_equal(sound_of(again), sound_of(first))


@pytest.mark.parametrize("piece_samples", [2_500, 100_000])
@pytest.mark.parametrize("features", [False, True])
def test_pauses_are_heard_whatever_the_mouth_does(tiny: Avatar, hello: Pcm, features: bool, piece_samples: int) -> None:
    drive = FeatureDrive("imported", tiny.networks.encoder) if features else tiny.drive
    speech = drive.begin(lookahead_ms=212, gain=1.0 if features else 0.0)
    sound = np.concatenate([hello, np.zeros(32_000, np.float32), hello])
    hearing = Hearing(speech, SAMPLE_RATE_HZ, live=True)
    hearing.push(hello[:7_777])
    hearing.drop()
    pieces = [hearing.push(sound[start : start + piece_samples]) for start in range(0, len(sound), piece_samples)]
    pauses = np.array([one.pause for piece in [*pieces, hearing.finish()] for one in piece])
    spoken = np.concatenate([np.zeros(9, bool), voice_activity(sound) >= SPEAKING, np.zeros(8, bool)])
    near = np.convolve(spoken, np.ones(18), "valid") > 0
    assert 20 < pauses.sum() < 50
    assert (pauses == ~near).mean() > 0.9  # the lead of a mouth is shorter live


@pytest.mark.parametrize("sample_rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_a_steered_source_arrives_whole_and_in_time(tiny: Avatar, sample_rate_hz: int) -> None:
    hearing = Hearing(tiny.speech(lookahead_ms=212), sample_rate_hz, live=True, steered=True)
    heard = hearing.push(pulse(sample_rate_hz))
    arrived_ms = (len(heard) * 640 + hearing.pending_samples) / 16
    assert 965 <= arrived_ms <= 1_000
    sound = sound_of(heard + hearing.finish())
    assert abs(len(sound) - SAMPLE_RATE_HZ) <= 1
    assert abs(np.average(np.arange(len(sound)), weights=np.abs(sound)) - 8_000) < 3  # 0.2 ms
    assert 0.9 < sound.max() <= 1.0


@pytest.mark.parametrize("ppm", [-300.0, 300.0])
def test_a_faster_source_is_taken_faster(tiny: Avatar, ppm: float) -> None:
    hearing = Hearing(tiny.speech(lookahead_ms=212), SAMPLE_RATE_HZ, live=True, steered=True)
    samples = 0
    for second in range(5):
        hearing.ppm = ppm if second else 0.0
        samples += sum(one.samples for one in hearing.push(pulse(SAMPLE_RATE_HZ)))
    samples += sum(one.samples for one in hearing.finish())
    assert abs(samples - 80_000 + 64_000 * ppm * 1e-6) <= 2


def test_a_correction_makes_no_step(tiny: Avatar) -> None:
    hearing = Hearing(tiny.speech(lookahead_ms=212), SAMPLE_RATE_HZ, live=True, steered=True)
    wave = (0.5 * np.sin(2 * np.pi * 400 / SAMPLE_RATE_HZ * np.arange(32_000))).astype(np.float32)
    heard = []
    for second, piece in enumerate(np.split(wave, 50)):
        hearing.ppm = 300.0 * (-1) ** second
        heard += hearing.push(piece)
    settled = sound_of(heard)[1_000:]
    sharpest = 0.5 * (2 * np.pi * 400 / SAMPLE_RATE_HZ) ** 2
    assert np.abs(np.diff(settled, 2)).max() < 1.02 * sharpest
