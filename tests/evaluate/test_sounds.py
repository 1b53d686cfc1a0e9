import numpy as np
import pytest

from lipstream.evaluate.silence import level_db
from lipstream.evaluate.sounds import at_level, banded, coloured, quiet_sounds, voiceless_sounds

RATE_HZ = 16_000


def test_sounds_are_the_same_every_time_and_as_long_as_asked() -> None:
    sounds, again = voiceless_sounds(2), voiceless_sounds(2)
    assert {"breath", "music", "keyboard"} < sounds.keys()
    for name, pcm in sounds.items():
        assert pcm.shape == (2 * RATE_HZ,), name
        assert pcm.dtype == np.float32, name
        assert -31 < level_db(pcm) < -19, name
        assert float(np.abs(pcm).max()) <= 1.0, name
        np.testing.assert_array_equal(pcm, again[name])


def test_quiet_is_quiet() -> None:
    sounds = quiet_sounds(2)
    assert not sounds["digital"].any()
    assert level_db(sounds["room"]) == pytest.approx(-60, abs=0.1)


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_noise_falls_by_its_colour(slope: float) -> None:
    power = np.abs(np.fft.rfft(coloured(np.random.default_rng(0), 1 << 16, slope))) ** 2
    low, high = power[1000:2000].mean(), power[10_000:20_000].mean()
    assert np.log10(low / high) == pytest.approx(2 * slope, abs=0.1)  # a decade apart


def test_level_is_that_of_the_whole() -> None:
    tone = np.sin(np.arange(RATE_HZ) / 3)
    assert level_db(at_level(tone, -12.0)) == pytest.approx(-12.0, abs=0.01)
    assert not at_level(np.zeros(10), -12.0).any()


def test_banded_noise_stays_in_its_band() -> None:
    spectrum = np.abs(np.fft.rfft(banded(np.random.default_rng(0), RATE_HZ, 1000, 2000)))
    assert spectrum[1001:2000].mean() > 100 * spectrum[2100:].mean()
