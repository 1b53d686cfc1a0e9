"""Speech in, how well lips are heard in it by how much of the future has arrived, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipstream.audio.read import read_pcm
from lipstream.evaluate.faces import Progress, Subject, openings
from lipstream.evaluate.figures import Figure, Measured, Plot
from lipstream.evaluate.measures import correlation
from lipstream.evaluate.truth import TruthClip
from lipstream.pipeline.avatar import Avatar
from lipstream.speech.codes import FULL_LOOKAHEAD_MS, LIVE_LOOKAHEAD_MS, SHORTEST_LOOKAHEAD_MS, SpeechToCode
from lipstream.types import ARTICULATION, FRAME_MS, Float32, Pcm
from lipstream.video.pictures import pictures

LOOKAHEADS_MS = range(SHORTEST_LOOKAHEAD_MS, FULL_LOOKAHEAD_MS + 1, FRAME_MS)
MOST_RECORDINGS = 24
LIP_GAP = ARTICULATION.index("lip_gap")


@dataclass(frozen=True, slots=True)
class Heard:
    """One recording whose lips are known or were measured."""

    pcm: Pcm
    """Its sound, `[L]` float32 at 16 kHz."""
    lips: Float32
    """How far its lips are open, `[n]` float32 in any unit; NaN where that is not known."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Correlations by look-ahead."""

    r: Float32
    """Of `lip_gap` with the lips, `[k]` float32, one for each of LOOKAHEADS_MS."""
    recordings: int
    """How many they are of."""

    @property
    def loss(self) -> float:
        """What the live look-ahead loses against the full context."""
        return float(self.r[-1] - self.r[LOOKAHEADS_MS.index(LIVE_LOOKAHEAD_MS)])


def measure_lookahead(
    subject: Subject, clips: Sequence[TruthClip], recordings: Sequence[Path], progress: Progress
) -> Measured:
    """Sweep the look-ahead over speech of known lips and over real recordings, on the code.

    Args:
        subject: the avatar.
        clips: speech of known lips; may be empty.
        recordings: videos of people who speak, of which MOST_RECORDINGS are taken; may be empty.
        progress: told how far it is.

    Raises:
        MediaError: a recording cannot be decoded.
    """
    sweeps = {}
    if clips:
        known = [Heard(clip.pcm, clip.codes[:, LIP_GAP]) for clip in clips]
        sweeps["truth"] = Sweep(pooled_r(_gaps(subject.avatar, known, progress), known), len(known))
    if recordings:
        seen = [Heard(read_pcm(path), openings(pictures(path), subject.finder)) for path in evenly(recordings)]
        sweeps["real"] = Sweep(median_r(_gaps(subject.avatar, seen, progress), seen), len(seen))
    return Measured(lookahead_figures(sweeps), [_plot(sweeps)])


def evenly(recordings: Sequence[Path], most: int = MOST_RECORDINGS) -> list[Path]:
    """At most so many recordings, evenly spaced."""
    places = np.linspace(0, len(recordings) - 1, min(most, len(recordings))).round().astype(int)
    return [recordings[place] for place in places]


def _gaps(avatar: Avatar, heard: Sequence[Heard], progress: Progress) -> list[list[Float32]]:
    """`lip_gap` of every recording, `[n]` float32, for each look-ahead."""
    curves = []
    for done, lookahead_ms in enumerate(LOOKAHEADS_MS):
        progress("lookahead", done, len(LOOKAHEADS_MS))
        curves.append([_gap(avatar, one.pcm, lookahead_ms)[: len(one.lips)] for one in heard])
    progress("lookahead", len(LOOKAHEADS_MS), len(LOOKAHEADS_MS))
    return curves


def _gap(avatar: Avatar, pcm: Pcm, lookahead_ms: int) -> Float32:
    speech = SpeechToCode(avatar.networks.encoder, avatar.networks.articulation, lookahead_ms=lookahead_ms)
    return np.concatenate([speech.push(pcm), speech.finish()])[:, LIP_GAP]


def pooled_r(gaps: Sequence[Sequence[Float32]], heard: Sequence[Heard]) -> Float32:
    """Correlation over the frames of all recordings, `[k]`: lips of one face and unit."""
    lips = np.concatenate([one.lips[: len(gap)] for one, gap in zip(heard, gaps[0], strict=True)])
    return np.array([correlation(np.concatenate(some), lips) for some in gaps], np.float32)


def median_r(gaps: Sequence[Sequence[Float32]], heard: Sequence[Heard]) -> Float32:
    """Median over the recordings of their own correlations, `[k]`: lips of different faces."""
    return np.array(
        [
            np.median([correlation(gap, one.lips[: len(gap)]) for gap, one in zip(some, heard, strict=True)])
            for some in gaps
        ],
        np.float32,
    )


def lookahead_figures(sweeps: dict[str, Sweep]) -> list[Figure]:
    """What live use loses, and what it keeps."""
    figures = []
    for name, sweep in sweeps.items():
        live = float(sweep.r[LOOKAHEADS_MS.index(LIVE_LOOKAHEAD_MS)])
        against = "the known lips" if name == "truth" else "the speakers' openings, median"
        figures += [
            Figure(
                f"lookahead.{name}_loss_r",
                sweep.loss,
                f"r at {FULL_LOOKAHEAD_MS} ms less r at {LIVE_LOOKAHEAD_MS} ms, {sweep.recordings} recordings",
            ),
            Figure(
                f"lookahead.{name}_live_r",
                live,
                f"lip_gap heard with {LIVE_LOOKAHEAD_MS} ms of look-ahead against {against}",
            ),
        ]
    return figures


def _plot(sweeps: dict[str, Sweep]) -> Plot:
    series = {f"{name}, {sweep.recordings} recordings": sweep.r for name, sweep in sweeps.items()}
    return Plot("Look-ahead: r of lip_gap", "look-ahead, ms", series, np.array(LOOKAHEADS_MS, np.float32))
