import numpy as np
import pytest

from lipstream.errors import InputError
from lipstream.serve.sound_in import SoundIn, SoundMeter, SoundView, read_steps, view
from lipstream.types import Float32, Pcm
from lipstream.wire.live_messages import SoundStep

RATE_HZ = 48_000


@pytest.fixture
def livekit() -> None:
    pytest.importorskip("livekit.rtc", reason='needs pip install ".[audio]"')


def cleaned(steps: set[SoundStep], sound: Float32, played: Pcm) -> Float32:
    """A microphone's sound at 48 kHz, in pieces of 20 ms, while something is played at 16 kHz."""
    step = SoundIn(steps, RATE_HZ)
    parts = []
    for start in range(0, len(sound), 960):
        step.play(played[start // 3 : start // 3 + 320])
        parts.append(step.clean(sound[start : start + 960]))
    return np.concatenate(parts)


@pytest.mark.usefixtures("livekit")
def test_what_is_played_is_taken_out_of_what_is_heard(hello: Pcm) -> None:
    at_48_khz = np.repeat(hello, 3)
    echo = np.concatenate([np.zeros(4_800, np.float32), 0.4 * at_48_khz])[: len(at_48_khz)]  # 100 ms later
    left = cleaned({"echo"}, echo, hello)[RATE_HZ:]
    assert view(left).level_dbfs < view(echo[RATE_HZ:]).level_dbfs - 20


@pytest.mark.usefixtures("livekit")
def test_steady_noise_becomes_quiet() -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, 2 * RATE_HZ).astype(np.float32)
    left = cleaned({"noise"}, noise, np.zeros(32_000, np.float32))[RATE_HZ:]
    assert view(left).level_dbfs < view(noise).level_dbfs - 8


@pytest.mark.usefixtures("livekit")
def test_a_quiet_speaker_becomes_louder(hello: Pcm) -> None:
    quiet = 0.05 * np.repeat(hello, 3)
    louder = cleaned({"gain"}, quiet, np.zeros(33_000, np.float32))[RATE_HZ:]
    assert view(louder).level_dbfs > view(quiet).level_dbfs + 6


@pytest.mark.usefixtures("livekit")
def test_sound_leaves_in_tens_of_milliseconds_whatever_came() -> None:
    step = SoundIn({"gain"}, RATE_HZ)
    sizes = [len(step.clean(np.zeros(samples, np.float32))) for samples in (0, 479, 1, 1_000, 440)]
    assert sizes == [0, 0, 480, 960, 480]


@pytest.mark.usefixtures("livekit")
def test_a_rate_that_it_does_not_know_is_refused() -> None:
    with pytest.raises(InputError, match="not 44100 Hz"):
        SoundIn({"noise"}, 44_100)


def test_steps_are_read_from_text() -> None:
    assert read_steps("") == set()
    assert read_steps(" gain,echo, noise") == {"echo", "noise", "gain"}
    with pytest.raises(InputError, match="sound_in names 'reverb'; expected any of echo, noise, gain"):
        read_steps("echo,reverb")


def test_a_view_of_sound() -> None:
    sound = np.array([0.5, -0.5, np.nan, 0.5, -0.25], np.float32)
    assert view(sound) == SoundView(-0.5, 0.5, 0.0625, 1, -6.9)
    assert view(np.zeros(3, np.float32)) == SoundView(0.0, 0.0, 0.0, 0, -120.0)
    assert view(np.full(2, np.nan, np.float32)).nan_samples == 2
    assert view(np.zeros(0, np.float32)).level_dbfs == -120.0


def test_a_meter_shows_the_last_second() -> None:
    meter = SoundMeter(100)
    assert meter.view().level_dbfs == -120.0
    for level in (0.5, 0.25, 0.1):
        meter.put(np.full(60, level, np.float32))
    assert (meter.view().max, meter.view().min) == (0.25, 0.1)
    meter.put(np.full(1_000, 0.3, np.float32))
    assert meter.view().min == meter.view().max == 0.3
