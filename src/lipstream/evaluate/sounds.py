"""Nothing in, sounds of a few seconds in which nobody speaks out: the same samples every time."""

import numpy as np
from numpy.typing import NDArray

from lipstream.types import SAMPLE_RATE_HZ, Pcm

SEED = 2
SECONDS = 6
Signal = NDArray[np.float64]


def voiceless_sounds(seconds: int = SECONDS, *, seed: int = SEED) -> dict[str, Pcm]:
    """Sounds without a voice, by name, `[16000 seconds]` float32 each; another `seed` gives others of their kind."""
    rng = np.random.default_rng(seed)
    samples = seconds * SAMPLE_RATE_HZ
    return {
        "white noise at -20 dB": at_level(rng.standard_normal(samples), -20),
        "pink noise at -20 dB": at_level(coloured(rng, samples, 0.5), -20),
        "brown noise at -30 dB": at_level(coloured(rng, samples, 1.0), -30),
        "breath": breath(rng, samples),
        "music": music(rng, samples),
        "keyboard": keyboard(rng, samples),
    }


def quiet_sounds(seconds: int = SECONDS) -> dict[str, Pcm]:
    """Nothing at all, and pink noise at -60 dB, a quiet room, by name: `[16000 seconds]` float32 each."""
    samples = seconds * SAMPLE_RATE_HZ
    room = at_level(coloured(np.random.default_rng(SEED), samples, 0.5), -60)
    return {"digital": np.zeros(samples, np.float32), "room": room}


def coloured(rng: np.random.Generator, samples: int, slope: float) -> Signal:
    """Noise whose amplitude falls as frequency to the power of -`slope`: 0 white, 0.5 pink, 1 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum[1:] *= np.arange(1, len(spectrum)) ** -slope
    spectrum[0] = 0
    return np.fft.irfft(spectrum, samples)


def at_level(signal: Signal, level_db: float) -> Pcm:
    """A signal at a root mean square of `level_db` below full scale."""
    power = float(np.sqrt(np.mean(np.square(signal))))
    return np.clip(signal * (10 ** (level_db / 20) / max(power, 1e-12)), -1, 1).astype(np.float32)


def breath(rng: np.random.Generator, samples: int) -> Pcm:
    """Heavy breathing through the mouth: noise of 300 to 3,500 Hz, in and out in 2.5 s, its peaks at -20 dB."""
    seconds = np.arange(samples) / SAMPLE_RATE_HZ
    inhale, exhale = banded(rng, samples, 600, 3500), banded(rng, samples, 300, 2200)
    phase = seconds % 2.5
    drawn = np.where(phase < 1.0, np.sin(np.pi * phase) ** 2, 0.0)
    given = np.where((phase > 1.1) & (phase < 2.4), np.sin(np.pi * (phase - 1.1) / 1.3) ** 2, 0.0)
    return at_level(inhale * drawn + 0.7 * exhale * given, -26)


def banded(rng: np.random.Generator, samples: int, low_hz: float, high_hz: float) -> Signal:
    """Noise between two frequencies, of variance 1."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    hertz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE_HZ)
    noise: Signal = np.fft.irfft(np.where((hertz > low_hz) & (hertz < high_hz), spectrum, 0), samples)
    noise /= noise.std()
    return noise


def music(rng: np.random.Generator, samples: int) -> Pcm:
    """Four chords of plucked strings, a second each, over a drum on every half second, at -20 dB."""
    seconds = np.arange(samples) / SAMPLE_RATE_HZ
    signal = np.zeros(samples)
    for start in range(samples // SAMPLE_RATE_HZ):
        since = seconds - start
        rings = np.where(since >= 0, np.exp(-2.0 * np.maximum(since, 0)), 0.0)
        for note in CHORDS_HZ[start % len(CHORDS_HZ)]:
            for harmonic in range(1, 7):
                signal += rings * np.sin(2 * np.pi * note * harmonic * since) / harmonic**1.5
    beat = seconds % 0.5
    signal += 3.0 * np.exp(-beat * 25) * np.sin(2 * np.pi * (50 + 60 * np.exp(-beat * 40)) * beat)
    signal += 0.6 * np.exp(-((seconds + 0.25) % 0.5) * 60) * banded(rng, samples, 5000, 7900)
    return at_level(signal, -20)


CHORDS_HZ = (
    (110.0, 220.0, 261.6, 329.6),
    (87.3, 174.6, 220.0, 261.6),
    (130.8, 196.0, 261.6, 329.6),
    (98.0, 196.0, 246.9, 293.7),
)
"""A minor, F, C, G."""


def keyboard(rng: np.random.Generator, samples: int) -> Pcm:
    """Six keys a second, each a click of a few milliseconds and its echo in the desk, over a quiet room, at -30 dB."""
    signal = at_level(coloured(rng, samples, 0.5), -52).astype(np.float64)  # of a click, which peaks near 1
    click = np.exp(-np.arange(800) / 60) * rng.standard_normal(800)
    desk = np.exp(-np.arange(800) / 200) * np.sin(2 * np.pi * 180 * np.arange(800) / SAMPLE_RATE_HZ)
    for start in np.sort(rng.integers(0, samples - 800, 6 * samples // SAMPLE_RATE_HZ)):
        signal[start : start + 800] += rng.uniform(0.5, 1.0) * (click + 0.5 * desk)
    return at_level(signal, -30)
