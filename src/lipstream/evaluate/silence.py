"""Silence and the sound of a quiet room in, how still the avatar's lips stay out."""

from collections.abc import Mapping

import numpy as np

from lipstream.evaluate.faces import Progress, Subject, openings
from lipstream.evaluate.figures import Figure
from lipstream.pipeline.offline import render
from lipstream.types import SAMPLE_RATE_HZ, Float32, Pcm

SECONDS = 8
ROOM_LEVEL = 1e-3  # -60 dB below full scale: a quiet room through a headset
SEED = 2


def quiet_sounds(seconds: int = SECONDS) -> dict[str, Pcm]:
    """Nothing at all, and pink noise at -60 dB, by name; the same samples every time."""
    samples = seconds * SAMPLE_RATE_HZ
    spectrum = np.fft.rfft(np.random.default_rng(SEED).standard_normal(samples))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, samples)
    room = (noise * (ROOM_LEVEL / np.sqrt(np.mean(np.square(noise))))).astype(np.float32)
    return {"digital": np.zeros(samples, np.float32), "room": room}


def measure_silence(subject: Subject, progress: Progress, *, seconds: int = SECONDS) -> list[Figure]:
    """Let the avatar speak silence and measure its mouth on every finished picture."""
    curves: dict[str, Float32] = {}
    sounds = quiet_sounds(seconds)
    for done, (name, pcm) in enumerate(sounds.items()):
        progress("silence", done, len(sounds))
        curves[name] = openings((frame.image for frame in render(pcm, subject.avatar)), subject.finder)
    progress("silence", len(sounds), len(sounds))
    return silence_figures(curves)


def silence_figures(curves: Mapping[str, Float32]) -> list[Figure]:
    """Figures of the openings `[n]` over each quiet sound; the worst of them has to pass."""
    found = 100.0 * float(np.mean(np.isfinite(np.concatenate(list(curves.values())))))
    figures = [Figure("silence.face_found_percent", found, "pictures in which a face is found")]
    if found == 0.0:
        return figures
    worst = max(float(np.nanstd(curve)) for curve in curves.values())
    mean = max(float(np.nanmean(curve)) for curve in curves.values())
    return [
        Figure("silence.deviation_percent", 100.0 * worst, "deviation of the opening, share of the face's height"),
        Figure("silence.mean_percent", 100.0 * mean, "mean of the opening, share of the face's height"),
        *figures,
    ]
