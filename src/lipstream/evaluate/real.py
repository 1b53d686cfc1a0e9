"""Recordings of real speakers in, how well the avatar's lips follow theirs on its finished pictures out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipstream.audio.read import read_pcm
from lipstream.evaluate.faces import Progress, Subject, openings
from lipstream.evaluate.figures import Figure
from lipstream.evaluate.measures import correlation, lag_frames, loudness, tremble
from lipstream.pipeline.offline import render
from lipstream.types import Float32
from lipstream.video.pictures import pictures

SETS = {"one_speaker": "grid_s1", "other_speakers": "grid_10_speakers"}
"""Set of recordings to its folder in the real data; each clip shows one speaker at 25 pictures a second."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One recording and what the avatar made of its sound, frame by frame."""

    speakers: str
    """The set it is from."""
    theirs: Float32
    """The speaker's opening, `[n]` float32, NaN where their picture shows no face."""
    ours: Float32
    """The avatar's opening on its finished pictures, `[n]` float32."""
    loudness: Float32
    """Root mean square of the sound, `[n]` float32."""


def find_recordings(data: Path) -> list[tuple[str, Path]]:
    """Set and path of every recording below the folder of real data; the same recording is taken once."""
    found: list[tuple[str, Path]] = []
    seen: set[str] = set()
    for speakers, folder in SETS.items():
        for path in sorted((data / "talking_head" / folder).glob("*.mpg")):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            if content not in seen:
                seen.add(content)
                found.append((speakers, path))
    return found


def compare(subject: Subject, recordings: Sequence[tuple[str, Path]], progress: Progress) -> list[Comparison]:
    """Let the avatar speak every recording and measure both mouths.

    Raises:
        MediaError: a recording cannot be decoded.
    """
    comparisons = []
    for done, (speakers, path) in enumerate(recordings):
        progress("real", done, len(recordings))
        pcm = read_pcm(path)
        theirs = openings(pictures(path), subject.finder)
        ours = openings((frame.image for frame in render(pcm, subject.avatar)), subject.finder)
        frames = min(len(theirs), len(ours))
        comparisons.append(Comparison(speakers, theirs[:frames], ours[:frames], loudness(pcm, frames)))
    progress("real", len(recordings), len(recordings))
    return comparisons


def real_figures(comparisons: Sequence[Comparison]) -> list[Figure]:
    """Correlations at lag 0, median over the recordings; the lag is that of the highest mean correlation."""
    figures = [
        Figure("real.opening_r", _median_r(comparisons), "opening against the speakers', median over the recordings"),
        Figure("real.lag_frames", _lag(comparisons), "frames by which the avatar's lips come after the speakers'"),
        Figure("real.tremble_times", _tremble(comparisons), "trembling of the avatar's lips over the speakers'"),
        Figure("real.loudness_r", _median_baseline(comparisons), "baseline: the sound's loudness in place of lips"),
    ]
    for speakers in SETS:
        part = [comparison for comparison in comparisons if comparison.speakers == speakers]
        if part:
            figures += [
                Figure(f"real.{speakers}_opening_r", _median_r(part), f"the same over {len(part)} recordings"),
                Figure(f"real.{speakers}_loudness_r", _median_baseline(part), "baseline of these recordings"),
            ]
    return figures


def _median_r(comparisons: Sequence[Comparison]) -> float:
    return float(np.median([correlation(one.ours, one.theirs) for one in comparisons]))


def _median_baseline(comparisons: Sequence[Comparison]) -> float:
    return float(np.median([correlation(one.loudness, one.theirs) for one in comparisons]))


def _lag(comparisons: Sequence[Comparison]) -> float:
    return float(lag_frames([(one.ours, one.theirs) for one in comparisons]))


def _tremble(comparisons: Sequence[Comparison]) -> float:
    return float(np.median([tremble(one.ours) / max(tremble(one.theirs), 1e-6) for one in comparisons]))
