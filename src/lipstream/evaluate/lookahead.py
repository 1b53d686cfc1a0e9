"""Speech in, how well lips are heard in it by how much of the future has arrived, out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lipstream.audio.read import read_pcm
from lipstream.evaluate.faces import Progress, Subject, openings
from lipstream.evaluate.figures import Figure, Measured, Plot
from lipstream.evaluate.measures import correlation
from lipstream.evaluate.real import Recording
from lipstream.evaluate.speaking import LIP_GAP
from lipstream.evaluate.truth import TruthClip
from lipstream.pipeline.avatar import Avatar
from lipstream.speech.codes import FULL_LOOKAHEAD_MS, LIVE_LOOKAHEAD_MS, SHORTEST_LOOKAHEAD_MS, SpeechToCode
from lipstream.types import FRAME_MS, Float32, Pcm
from lipstream.video.pictures import pictures

LOOKAHEADS_MS = range(SHORTEST_LOOKAHEAD_MS, FULL_LOOKAHEAD_MS + 1, FRAME_MS)
MOST_CLIPS = 10  # of the truth, and of each speaker: the detector of voices takes its time


@dataclass(frozen=True, slots=True)
class Heard:
    """One recording whose lips are known or were measured."""

    pcm: Pcm
    """Its sound, `[L]` float32 at 16 kHz."""
    lips: Float32
    """How far its lips are open, `[n]` float32 in any unit; NaN where that is not known."""
    speaker: str = ""
    """Who speaks."""


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
    subject: Subject, clips: Sequence[TruthClip], recordings: Sequence[Recording], progress: Progress
) -> Measured:
    """Sweep the look-ahead over speech of known lips and over real recordings, on the code.

    Args:
        subject: the avatar.
        clips: speech of known lips, of which the first MOST_CLIPS are taken; may be empty.
        recordings: of people who speak, of which MOST_CLIPS of each speaker are taken; may be empty.
        progress: told how far it is.

    Raises:
        MediaError: a recording cannot be decoded.
    """
    sweeps = {}
    if clips:
        known = [Heard(clip.pcm, clip.codes[:, LIP_GAP]) for clip in clips[:MOST_CLIPS]]
        sweeps["truth"] = Sweep(pooled_r(_gaps(subject.avatar, known, progress), known), len(known))
    if recordings:
        seen = [_seen(subject, one) for one in some_of_each(recordings)]
        sweeps["real"] = Sweep(median_r(_gaps(subject.avatar, seen, progress), seen), len(seen))
    return Measured(lookahead_figures(sweeps), [_plot(sweeps)])


def some_of_each(recordings: Sequence[Recording], most: int = MOST_CLIPS) -> list[Recording]:
    """At most so many recordings of each speaker, evenly spaced."""
    of_speaker: dict[str, list[Recording]] = {}
    for one in recordings:
        of_speaker.setdefault(one.speaker, []).append(one)
    return [some[place] for some in of_speaker.values() for place in _evenly(len(some), most)]


def _evenly(count: int, most: int) -> list[int]:
    places: list[int] = np.linspace(0, count - 1, min(most, count)).round().astype(int).tolist()
    return places


def _seen(subject: Subject, recording: Recording) -> Heard:
    lips = openings(pictures(recording.path), subject.finder)
    return Heard(read_pcm(recording.path), lips, recording.speaker)


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
    """Median over the speakers of their recordings' median correlation, `[k]`."""
    return np.array([_median_speaker(some, heard) for some in gaps], np.float32)


def _median_speaker(gaps: Sequence[Float32], heard: Sequence[Heard]) -> float:
    of_speaker: dict[str, list[float]] = {}
    for gap, one in zip(gaps, heard, strict=True):
        of_speaker.setdefault(one.speaker, []).append(correlation(gap, one.lips[: len(gap)]))
    return float(np.median([np.median(some) for some in of_speaker.values()]))


def lookahead_figures(sweeps: dict[str, Sweep]) -> list[Figure]:
    """What live use loses, and what it keeps."""
    figures = []
    for name, sweep in sweeps.items():
        live = float(sweep.r[LOOKAHEADS_MS.index(LIVE_LOOKAHEAD_MS)])
        against = "the known lips" if name == "truth" else "the speakers' openings, median over speakers"
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
