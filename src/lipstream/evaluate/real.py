"""Recordings of real speakers in, how well the avatar's lips follow theirs on its finished pictures out.

Nearly all of them are of the GRID corpus: six words from a closed vocabulary of 51 ("bin blue at f two now"), which is
far from free speech. Every figure is a median over speakers of each speaker's median over clips, so that the one with
ninety clips counts as much as the one with one.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipstream.audio.read import read_pcm
from lipstream.audio.voice import SPEAKING, voice_activity
from lipstream.evaluate.faces import Progress, Subject, openings
from lipstream.evaluate.figures import Figure, Measured, Plot, Table, over_lags, over_seconds
from lipstream.evaluate.measures import correlation, found_percent, lag_curve, lag_frames, loudness, tremble
from lipstream.evaluate.speaking import LIP_GAP, heard_codes
from lipstream.pipeline.offline import render
from lipstream.types import Float32
from lipstream.video.pictures import pictures

ONE_SPEAKER = "grid_s1"
SETS = {ONE_SPEAKER: "one speaker of GRID", "other_speakers": "other speakers, most of GRID"}
"""Set of recordings to what it is."""
_PLACES = (
    (ONE_SPEAKER, "grid_s1/*.mpg"),
    ("other_speakers", "grid_10_speakers/*.mpg"),
    ("other_speakers", "videoretalking_face3.mp4"),
)
PLOTTED_CLIPS = 1
"""Clips of each set whose curves a report shows."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A clip of a real speaker at 25 pictures a second."""

    speakers: str
    """The set it is from."""
    speaker: str
    """Who speaks."""
    path: Path
    """Where it is."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One recording and what the avatar made of its sound, frame by frame."""

    recording: Recording
    """Which one."""
    theirs: Float32
    """The speaker's opening, `[n]` float32, NaN where their picture shows no face."""
    ours: Float32
    """The avatar's opening on its finished pictures, `[n]` float32."""
    gap: Float32
    """`lip_gap` of the codes that the avatar heard, `[n]` float32."""
    loudness: Float32
    """Root mean square of the sound, `[n]` float32."""
    voiced: NDArray[np.bool_]
    """Where the voice detector hears speech, `[n]` bool."""


def find_recordings(data: Path) -> list[Recording]:
    """Every recording below the folder of real data; the same recording is taken once.

    In `grid_s1` all clips are of one speaker; of the others, each is of a speaker of its own.
    """
    found: list[Recording] = []
    seen: set[str] = set()
    for speakers, pattern in _PLACES:
        for path in sorted((data / "talking_head").glob(pattern)):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            if content not in seen:
                seen.add(content)
                found.append(Recording(speakers, speakers if speakers == ONE_SPEAKER else path.stem, path))
    return found


def compare(subject: Subject, recordings: Sequence[Recording], progress: Progress) -> list[Comparison]:
    """Let the avatar speak every recording and measure both mouths.

    Raises:
        MediaError: a recording cannot be decoded.
    """
    comparisons = []
    for done, recording in enumerate(recordings):
        progress("real", done, len(recordings))
        pcm = read_pcm(recording.path)
        theirs = openings(pictures(recording.path), subject.finder)
        ours = openings((frame.image for frame in render(pcm, subject.avatar)), subject.finder)
        frames = min(len(theirs), len(ours))
        gap = heard_codes(subject.avatar, pcm)[:frames, LIP_GAP]
        voiced = voice_activity(pcm)[:frames] >= SPEAKING
        comparisons.append(Comparison(recording, theirs[:frames], ours[:frames], gap, loudness(pcm, frames), voiced))
    progress("real", len(recordings), len(recordings))
    return comparisons


def measured_real(comparisons: Sequence[Comparison]) -> Measured:
    """Figures at lag 0 but for the lag itself; the curves of some clips, and a row for each speaker."""
    lag_plot = over_lags("Real speech: r of the opening by lag", _lags(comparisons))
    return Measured(real_figures(comparisons), [*_plots(comparisons), lag_plot], [_table(comparisons)])


def real_figures(comparisons: Sequence[Comparison]) -> list[Figure]:
    """Over all speakers (with the bars on real speech), and over each set; a set without clips is left out."""
    speakers = len({one.recording.speaker for one in comparisons})
    who = f"median over {speakers} speakers, nearly all of GRID's closed vocabulary"
    tremble_times = _median(comparisons, lambda one: tremble(one.ours) / max(tremble(one.theirs), 1e-6))
    lag, found = lag_frames(_lags(comparisons)), found_percent([one.ours for one in comparisons])
    figures = [
        *_correlations("real.", comparisons, who),
        Figure(
            "real.code_r", _median(comparisons, _code_r), "lip_gap heard, before any picture, against their opening"
        ),
        Figure("real.lag_frames", lag, "frames by which the avatar's lips come after the speakers'"),
        Figure("real.face_found_percent", found, "the avatar's pictures in which a face is found; r is over these"),
        Figure("real.tremble_times", tremble_times, "trembling of the avatar's lips over the speakers'"),
    ]
    for name, meaning in SETS.items():
        part = _of(name, comparisons)
        if part:
            figures += _correlations(f"real.{name}_", part, f"{meaning}, {len(part)} clips")
    return figures


def _correlations(prefix: str, comparisons: Sequence[Comparison], who: str) -> list[Figure]:
    return [
        Figure(f"{prefix}opening_r", _median(comparisons, _opening_r), f"opening against theirs: {who}"),
        Figure(f"{prefix}loudness_r", _median(comparisons, _loudness_r), "baseline: the sound's loudness as lips"),
        Figure(f"{prefix}voiced_opening_r", _median(comparisons, _voiced_opening_r), "frames with voice only"),
        Figure(f"{prefix}voiced_loudness_r", _median(comparisons, _voiced_loudness_r), "baseline of these frames"),
    ]


def _opening_r(one: Comparison) -> float:
    return correlation(one.ours, one.theirs)


def _loudness_r(one: Comparison) -> float:
    return correlation(one.loudness, one.theirs)


def _code_r(one: Comparison) -> float:
    return correlation(one.gap, one.theirs)


def _voiced_opening_r(one: Comparison) -> float:
    return correlation(one.ours[one.voiced], one.theirs[one.voiced])


def _voiced_loudness_r(one: Comparison) -> float:
    return correlation(one.loudness[one.voiced], one.theirs[one.voiced])


def _by_speaker(comparisons: Sequence[Comparison]) -> dict[str, list[Comparison]]:
    speakers: dict[str, list[Comparison]] = {}
    for one in comparisons:
        speakers.setdefault(one.recording.speaker, []).append(one)
    return speakers


def _median(comparisons: Sequence[Comparison], value: Callable[[Comparison], float]) -> float:
    """Median over speakers of each speaker's median over clips."""
    each = [np.median([value(one) for one in clips]) for clips in _by_speaker(comparisons).values()]
    return float(np.median(each))


def _lags(comparisons: Sequence[Comparison]) -> Float32:
    """Mean over speakers of each speaker's mean lag curve."""
    each = [lag_curve([(one.ours, one.theirs) for one in clips]) for clips in _by_speaker(comparisons).values()]
    mean: Float32 = np.mean(each, axis=0, dtype=np.float32)
    return mean


def _plots(comparisons: Sequence[Comparison]) -> list[Plot]:
    plots = []
    for name, meaning in SETS.items():
        for one in _of(name, comparisons)[:PLOTTED_CLIPS]:
            title = f"Opening, {one.recording.path.stem} ({meaning}), share of the face's height"
            plots.append(over_seconds(title, {"avatar": one.ours, "speaker": one.theirs}))
    return plots


def _of(speakers: str, comparisons: Sequence[Comparison]) -> list[Comparison]:
    return [one for one in comparisons if one.recording.speakers == speakers]


def _table(comparisons: Sequence[Comparison]) -> Table:
    rows: list[tuple[str | float, ...]] = []
    for speaker, clips in _by_speaker(comparisons).items():
        values = [_median(clips, of) for of in (_opening_r, _loudness_r, _voiced_opening_r, _voiced_loudness_r)]
        rows.append((speaker, len(clips), *(round(value, 3) for value in values), lag_frames(_lags(clips))))
    header = ("speaker", "clips", "r", "loudness r", "voiced r", "voiced loudness r", "lag, frames")
    return Table("Real speakers, medians over clips", header, tuple(rows))
