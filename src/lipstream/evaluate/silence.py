"""Sounds in which nobody speaks in, how still the avatar's lips stay out; and how much speech that stillness costs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipstream.audio.read import read_pcm
from lipstream.audio.voice import SPEAKING, voice_activity
from lipstream.evaluate.driving import Mouths
from lipstream.evaluate.faces import Progress, Subject
from lipstream.evaluate.figures import Figure, Measured, Plot, Table
from lipstream.evaluate.measures import found_percent
from lipstream.evaluate.sounds import SECONDS, at_level, coloured, quiet_sounds, voiceless_sounds
from lipstream.evaluate.speaking import LIP_GAP, heard_codes
from lipstream.evaluate.truth import TruthClip
from lipstream.speech.articulation import fade_weights
from lipstream.types import SAMPLE_RATE_HZ, Float32, Pcm

OPEN_GAP = 0.2  # lip_gap from which a known mouth counts as open
NOISE_SEED = 3
VARIANTS = 6
RECORDED = ("speech/noise/*noise*.wav", "speech/sb_mixture_2spk.wav")  # the mixture holds tones, no voice


@dataclass(frozen=True, slots=True)
class Curve:
    """What the lips did over one sound."""

    opening: Float32
    """On finished pictures, `[n]` float32, shares of the face's height, NaN where no face is found."""
    level_db: float
    """Root mean square of the sound below full scale."""

    @property
    def deviation_percent(self) -> float:
        """Deviation of the opening, share of the face's height; infinite where no face is found: that is not still."""
        return 100.0 * float(np.nanstd(self.opening)) if np.isfinite(self.opening).any() else math.inf

    @property
    def mean_percent(self) -> float:
        """Mean of the opening, share of the face's height; infinite where no face is found."""
        return 100.0 * float(np.nanmean(self.opening)) if np.isfinite(self.opening).any() else math.inf


def silence_figures(curves: Mapping[str, Curve]) -> list[Figure]:
    """Figures of the openings over each quiet sound; the worst of them has to pass."""
    found = found_percent([curve.opening for curve in curves.values()])
    meaning = "pictures in which a face is found"
    return [*_worst("silence", curves), Figure("silence.face_found_percent", found, meaning)]


def measure_silence(
    subject: Subject, clips: Sequence[TruthClip], data: Path | None, progress: Progress, *, seconds: int = SECONDS
) -> Measured:
    """Let the avatar hear silence, noise, breath, music and keys, and two talkers at once.

    Args:
        subject: the avatar.
        clips: speech of known lips; where there is none, what stillness costs is not measured.
        data: folder of real recordings, if there is one.
        progress: told how far it is.
        seconds: of each sound.

    Raises:
        MediaError: a recording cannot be decoded.
    """
    quiet, sounds = quiet_sounds(seconds), voiceless_sounds(seconds)
    if data is not None:
        recorded = [path for pattern in RECORDED for path in sorted(data.glob(pattern))]
        sounds |= {f"recorded {path.stem}": read_pcm(path) for path in recorded}
    talkers = {"two sentences at once": mixed(clips[0].pcm, clips[1].pcm)} if len(clips) > 1 else {}  # only stated
    most = seconds * SAMPLE_RATE_HZ
    heard = {name: pcm[:most] for name, pcm in (quiet | sounds | talkers).items()}
    curves = _curves(subject, heard, progress)
    figures = [
        *silence_figures({name: curves[name] for name in quiet}),
        *_worst("sounds", {name: curves[name] for name in sounds}),
        Figure(
            "sounds.moved_percent", moved_percent(seconds), f"frames of {VARIANTS} variants of each in which lips move"
        ),
        *_cost_figures(clips),
    ]
    return Measured(figures, [_plot(curves)], [_table(curves)])


def _curves(subject: Subject, sounds: Mapping[str, Pcm], progress: Progress) -> dict[str, Curve]:
    mouths, curves = Mouths(subject), {}
    for done, (name, pcm) in enumerate(sounds.items()):
        progress("silence", done, len(sounds))
        curves[name] = Curve(mouths.openings(heard_codes(subject.avatar, pcm)), level_db(pcm))
    progress("silence", len(sounds), len(sounds))
    return curves


def _worst(group: str, curves: Mapping[str, Curve]) -> list[Figure]:
    restless = max(curves, key=lambda name: curves[name].deviation_percent)
    widest = max(curves, key=lambda name: curves[name].mean_percent)
    return [
        Figure(
            f"{group}.deviation_percent",
            curves[restless].deviation_percent,
            f"deviation of the opening, share of the face's height; the worst, {restless}",
        ),
        Figure(
            f"{group}.mean_percent",
            curves[widest].mean_percent,
            f"mean of the opening, share of the face's height; the worst, {widest}",
        ),
    ]


def _cost_figures(clips: Sequence[TruthClip]) -> list[Figure]:
    if not clips:
        return []
    clean = [(clip, clip.pcm) for clip in clips]
    noisy = [(clip, with_noise(clip.pcm)) for clip in clips]
    return [
        Figure("sounds.faded_percent", faded_percent(clean), "frames of known open lips that the fade draws shut"),
        Figure("sounds.noisy_faded_percent", faded_percent(noisy), "the same in pink noise as loud as the speech"),
    ]


def faded_percent(heard: Sequence[tuple[TruthClip, Pcm]]) -> float:
    """Of the frames whose known lips are open, % in which the fade takes movement away.

    Args:
        heard: clips, each with the sound that is heard in its place, `[L]` float32 at 16 kHz.
    """
    weights = [fade_weights(voice_activity(pcm) >= SPEAKING)[clip.codes[:, LIP_GAP] > OPEN_GAP] for clip, pcm in heard]
    spoken = np.concatenate(weights)
    return 100.0 * float(np.mean(spoken < 1.0)) if len(spoken) else 0.0


def moved_percent(seconds: int) -> float:
    """Of the frames of sounds without a voice, VARIANTS of each, % in which the fade leaves movement."""
    sounds = [pcm for seed in range(VARIANTS) for pcm in voiceless_sounds(seconds, seed=seed).values()]
    weights = [fade_weights(voice_activity(pcm) >= SPEAKING) for pcm in sounds]
    return 100.0 * float(np.mean(np.concatenate(weights) > 0))


def mixed(first: Pcm, second: Pcm) -> Pcm:
    """Two talkers at once, equally loud, as long as the shorter one speaks: `[n]` float32."""
    samples = min(len(first), len(second))
    both = at_level(first[:samples].astype(np.float64), -26) + at_level(second[:samples].astype(np.float64), -26)
    return np.asarray(np.clip(both, -1, 1), np.float32)


def with_noise(pcm: Pcm) -> Pcm:
    """Speech in pink noise of its own loudness, `[L]` float32."""
    noise = at_level(coloured(np.random.default_rng(NOISE_SEED), len(pcm), 0.5), level_db(pcm))
    return np.asarray(np.clip(pcm + noise, -1, 1), np.float32)


def level_db(pcm: Pcm) -> float:
    """Root mean square of `[L]` samples in dB of full scale, at least -120."""
    return float(20 * np.log10(max(float(np.sqrt(np.mean(np.square(pcm, dtype=np.float64)))), 1e-6)))


def _plot(curves: Mapping[str, Curve]) -> Plot:
    percent = np.float32(100)
    return Plot(
        "Sounds: opening, % of the face's height",
        "frame",
        {name: percent * one.opening for name, one in curves.items()},
    )


def _table(curves: Mapping[str, Curve]) -> Table:
    rows = tuple(
        (name, round(one.level_db, 1), round(one.deviation_percent, 3), round(one.mean_percent, 3))
        for name, one in curves.items()
    )
    return Table("Sounds, without a voice but for two talkers", ("sound", "level, dB", "deviation, %", "mean, %"), rows)
