"""Speech at several gains in, how the mouth opens with them and what it costs the picture out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipstream.evaluate.faces import Progress, Subject, openings
from lipstream.evaluate.figures import Figure, Measured, Plot, Table
from lipstream.evaluate.measures import correlation, found_percent, sharpness, tremble
from lipstream.evaluate.speaking import LIP_GAP, idle_pictures, speak_over
from lipstream.evaluate.truth import TruthClip
from lipstream.render.crop import cut
from lipstream.types import Float32

GAINS = (0.5, 0.75, 1.0, 1.3, 1.6)
AS_SPOKEN = GAINS.index(1.0)
MOST_FRAMES = 60
OPEN_GAP = 0.5  # known lip_gap of an open vowel
Frames = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Gained:
    """The same speech at one gain."""

    gain: float
    """Factor of the movement."""
    opening: Float32
    """On finished pictures, `[n]` float32, shares of the face's height, NaN where no face is found."""
    sharpness: float
    """Of the mouth in its open frames, median."""


def measure_gain(subject: Subject, clips: Sequence[TruthClip], progress: Progress) -> Measured:
    """Say the first seconds of known speech at every gain.

    Args:
        subject: the avatar.
        clips: speech of known lips, at least one.
        progress: told how far it is.
    """
    clip = clips[0]
    wide = clip.codes[:MOST_FRAMES, LIP_GAP] > OPEN_GAP
    spoken = []
    for done, gain in enumerate(GAINS):
        progress("gain", done, len(GAINS))
        spoken.append(say(subject, clip, gain, wide))
    progress("gain", len(GAINS), len(GAINS))
    return Measured(gain_figures(spoken, wide), [_plot(spoken)], [_table(spoken, wide)])


def say(subject: Subject, clip: TruthClip, gain: float, wide: Frames) -> Gained:
    """Say the first frames of a clip, as many as `wide` `[n]` bool tells open vowels from others."""
    avatar, transforms = subject.avatar, subject.bundle.transforms
    speech = avatar.speech(gain=gain)
    codes = np.concatenate([speech.push(clip.pcm), speech.finish()])[: len(wide)]
    places = list(range(len(codes)))
    images = list(speak_over(avatar, codes, places, idle_pictures(avatar, places)))
    crops = [cut(images[place], transforms[place % len(transforms)]) for place in np.flatnonzero(wide)]
    sharp = [sharpness(crop, subject.weight) for crop in crops]
    return Gained(gain, openings(images, subject.finder), float(np.median(sharp)) if sharp else float("nan"))


def gain_figures(spoken: Sequence[Gained], wide: Frames) -> list[Figure]:
    """Whether the mouth opens further with every gain, and what the widest one costs against gain 1.

    Args:
        spoken: one for each of GAINS.
        wide: frames of open vowels, `[n]` bool.
    """
    most, usual = spoken[-1], spoken[AS_SPOKEN]
    vowels = vowel_openings(spoken, wide)
    found = found_percent([one.opening for one in spoken])
    span = f"gains {GAINS[0]:g} to {GAINS[-1]:g}"
    return [
        Figure(
            "gain.opening_r",
            correlation(np.array(GAINS, np.float32), vowels),
            f"gain against the mean opening of open vowels, {span}",
        ),
        Figure(
            "gain.least_rise_percent",
            100.0 * float(np.diff(vowels).min()),
            "least rise of that opening from one gain to the next, share of the face's height",
        ),
        Figure(
            "gain.tremble_times",
            tremble(most.opening) / max(tremble(usual.opening), 1e-6),
            f"trembling at gain {GAINS[-1]:g}, of that at 1",
        ),
        Figure(
            "gain.sharpness_percent",
            100.0 * most.sharpness / max(usual.sharpness, 1e-6),
            f"sharpness of open vowels at gain {GAINS[-1]:g}, of that at 1",
        ),
        Figure("gain.face_found_percent", found, f"pictures in which a face is found, {span}"),
    ]


def vowel_openings(spoken: Sequence[Gained], wide: Frames) -> Float32:
    """Mean opening of the open vowels at every gain, `[k]` float32; NaN where no face is found in any."""
    return np.array([_mean(one.opening[wide]) for one in spoken], np.float32)


def _mean(opening: Float32) -> float:
    return float(np.nanmean(opening)) if np.isfinite(opening).any() else float("nan")


def _plot(spoken: Sequence[Gained]) -> Plot:
    percent = np.float32(100)
    series = {f"gain {one.gain:g}": percent * one.opening for one in spoken}
    return Plot("Gain: opening, % of the face's height", "frame", series)


def _table(spoken: Sequence[Gained], wide: Frames) -> Table:
    rows = tuple(
        (one.gain, round(100 * float(opening), 2), round(tremble(one.opening), 3), round(one.sharpness, 1))
        for one, opening in zip(spoken, vowel_openings(spoken, wide), strict=True)
    )
    return Table("Gain", ("gain", "opening of open vowels, %", "trembling", "sharpness"), rows)
