"""Recordings of real voices with phone times in, whether the avatar's lips do what each phone asks out.

There is no truth to compare with, only what is said and when: every phone is judged for itself (`contacts` says how).
The labels are other people's, in two forms: words and phones with times in JSON, and label files of full context in
units of 100 ns. Recordings with phone ends in TIMIT's form lie there too and are left out: their ends do not fit.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipstream.audio.read import read_pcm
from lipstream.errors import InputError
from lipstream.evaluate.contacts import Spoken, contact_figures, picture_closure_percent, rounding_table
from lipstream.evaluate.faces import Progress, Subject, openings
from lipstream.evaluate.figures import Figure, Measured, Plot, Table, over_seconds
from lipstream.evaluate.phones import SILENCE, SpokenPhone, frame_at
from lipstream.evaluate.speaking import heard_codes
from lipstream.evaluate.visemes import VISEME_OF, VISEMES
from lipstream.pipeline.offline import render
from lipstream.types import ARTICULATION, Float32

FOLDER = "aligned_speech"
_SAME = {"AXR": "ER", "DX": "RR", "NX": "N", "EN": "N", "ENG": "NG", "EM": "M", "EL": "L", "HV": "HH", "UX": "UW"}
_SAME |= {"AX-H": "AX", "PAU": SILENCE, "H#": SILENCE, "EPI": SILENCE}
_SHOWN = ("jaw", "lip_gap", "lip_width", "protrusion", "lip_press", "lip_tuck")


@dataclass(frozen=True, slots=True)
class AlignedRecording:
    """A recording and what is said in it."""

    path: Path
    """The sound."""
    phones: tuple[SpokenPhone, ...]
    """Its phones, silences included."""


def find_aligned(data: Path) -> list[AlignedRecording]:
    """Every recording with phone times below the folder of real data.

    Raises:
        InputError: labels are not of the form that their name promises.
    """
    folder = data / FOLDER
    labelled = (*_word_labels(folder), *_context_labels(folder))
    return [AlignedRecording(path, tuple(_common(phones))) for path, phones in labelled if path.is_file()]


@contextmanager
def _reading(path: Path, expected: str) -> Iterator[None]:
    """Refuse a file of labels that are of another form."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error!r}); expected {expected}: check the file") from error


def _word_labels(folder: Path) -> Iterator[tuple[Path, list[SpokenPhone]]]:
    """Words in seconds, the phones of each inside it."""
    for path in sorted(folder.glob("librivox/*.phone.json")):
        with _reading(path, "words with their phones, in seconds, as JSON"):
            words = json.loads(path.read_text(encoding="utf-8"))["w"]
            phones = [phone for word in words for phone in word.get("w", [])]
            spoken = [SpokenPhone(one["t"], 1000 * one["b"], 1000 * (one["b"] + one["d"])) for one in phones]
        yield path.with_name(path.name.removesuffix(".phone.json") + ".wav"), spoken


def _context_labels(folder: Path) -> Iterator[tuple[Path, list[SpokenPhone]]]:
    """Start and end in 100 ns, and the phone between its neighbours: `x^sil-hh+iy=t@...`."""
    for path in sorted(folder.glob("*_phone.lab")):
        spoken = []
        with _reading(path, "lines of start, end and a phone as in x^sil-hh+iy=t"):
            for line in path.read_text(encoding="utf-8").splitlines():
                start, end, context = line.split()
                name = re.findall(r"-([a-z#]+)\+", context)[0]
                spoken.append(SpokenPhone(name, int(start) / 10_000, int(end) / 10_000))
        yield path.with_name(path.name.replace("_phone.lab", ".wav")), spoken


def _common(phones: Sequence[SpokenPhone]) -> Iterator[SpokenPhone]:
    """Phones by the names of the common set; what shows nothing on a face is dropped."""
    for phone in phones:
        symbol = _SAME.get(phone.symbol.upper(), phone.symbol.upper())
        if symbol in VISEME_OF or symbol in {SILENCE, "AX", "IX", "HH"}:
            yield SpokenPhone(symbol, phone.start_ms, phone.end_ms)


def measure_aligned(subject: Subject, recordings: Sequence[AlignedRecording], progress: Progress) -> Measured:
    """Let the avatar speak every recording; judge each phone on the codes, closures on finished pictures too.

    Raises:
        MediaError: a recording cannot be decoded.
    """
    spoken, curves = [], []
    for done, one in enumerate(recordings):
        progress("aligned", done, len(recordings))
        pcm = read_pcm(one.path)
        spoken.append(Spoken(one.phones, heard_codes(subject.avatar, pcm)))
        curves.append(openings((frame.image for frame in render(pcm, subject.avatar)), subject.finder))
    progress("aligned", len(recordings), len(recordings))
    closed = picture_closure_percent([(curve, one.phones) for curve, one in zip(curves, spoken, strict=True)])
    meaning = "finished pictures: p b m that close to a tenth of the vowels"
    on_pictures = [Figure("aligned.picture_closure_percent", closed, meaning)] if np.isfinite(closed) else []
    return Measured(
        [*contact_figures("aligned.", spoken, "real voices"), *on_pictures],
        [_plot(one, curve) for one, curve in zip(recordings, curves, strict=True)],
        [viseme_codes(spoken), rounding_table(spoken)],
    )


def _plot(one: AlignedRecording, curve: Float32) -> Plot:
    said = " ".join(phone.symbol.lower() for phone in one.phones if phone.symbol != SILENCE)
    return over_seconds(f"Opening, share of the face's height: {said}", {"avatar": curve})


def viseme_codes(spoken: Sequence[Spoken]) -> Table:
    """One row a viseme: tokens, and the mean of what shows it, in the middles of its phones."""
    middles: dict[str, list[Float32]] = {}
    for one in spoken:
        for phone in one.phones:
            if phone.symbol in VISEME_OF:
                code = one.codes[frame_at(phone.middle_ms, len(one.codes))]
                middles.setdefault(VISEME_OF[phone.symbol], []).append(code)
    columns = [ARTICULATION.index(name) for name in _SHOWN]
    rows: list[tuple[str | float, ...]] = []
    for viseme in VISEMES:
        if viseme in middles:
            means = np.mean(middles[viseme], axis=0)[columns]
            rows.append((viseme, len(middles[viseme]), *(round(float(value), 3) for value in means)))
    return Table("Real voices: mean codes in the middles of phones", ("viseme", "tokens", *_SHOWN), tuple(rows))
