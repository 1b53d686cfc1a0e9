"""Codes and the phones that were said in, whether lips close, tuck in, round and open where they must out.

Every measure is of tokens, one phone each, and holds for any voice with phone times:

- closure: the smallest gap inside p b m is at most a tenth of the mean gap in the middle of the vowels; on pictures,
  the opening above that at rest (the median over silences) in place of the gap, for face models see sealed lips apart;
- tuck: inside f v, `lip_tuck` reaches one half (1 is the lower lip at the teeth) in a frame whose gap is at most half
  of the vowels' mean: a lip that is said to be tucked under wide open lips touches nothing;
- rounding: `protrusion` reaches one half inside u o (uw, ow), and has passed a quarter of its height there at least
  60 ms before they begin, and not fallen below since;
- jaw: of any open and any close vowel, the open one has the lower jaw.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lipstream.evaluate.figures import Figure, Table
from lipstream.evaluate.phones import (
    CLOSE_VOWELS,
    CLOSED,
    LED_BY_ROUNDING,
    OPEN_VOWELS,
    TUCKED,
    VOWELS,
    SpokenPhone,
    frame_at,
    frames_inside,
    voiced_frames,
)
from lipstream.types import ARTICULATION, FRAME_MS, Codes, Float32

CLOSED_SHARE = 0.1
TUCK, TUCKED_SHARE = 0.5, 0.5
ROUNDED, ROUNDING_BEGINS = 0.5, 0.25
ROUNDING_LEAD_MS = 60.0
JAW, GAP, PROTRUSION, LIP_TUCK = (ARTICULATION.index(name) for name in ("jaw", "lip_gap", "protrusion", "lip_tuck"))


@dataclass(frozen=True, slots=True)
class Spoken:
    """A recording with its phones, as some mouth says it."""

    phones: tuple[SpokenPhone, ...]
    """What is said."""
    codes: Codes
    """The mouth, `[n, 12]` float32."""


def middles(curve: Float32, phones: Iterable[SpokenPhone], symbols: frozenset[str]) -> list[float]:
    """The values of a curve `[n]` in the middles of the phones named."""
    return [float(curve[frame_at(one.middle_ms, len(curve))]) for one in phones if one.symbol in symbols]


def smallest_inside(curve: Float32, phones: Iterable[SpokenPhone], symbols: frozenset[str]) -> list[float]:
    """The smallest value of a curve `[n]` inside each of the phones named; NaN where it has none."""
    inside = [curve[frames_inside(one, len(curve))] for one in phones if one.symbol in symbols]
    return [float(np.nanmin(values)) if np.isfinite(values).any() else float("nan") for values in inside]


def closure_percent(curves: Iterable[tuple[Float32, Sequence[SpokenPhone]]]) -> float:
    """Share of p b m that close, over curves `[n]` of a gap or an opening; NaN without any, or without vowels."""
    vowels, least = [], []
    for curve, phones in curves:
        vowels += middles(curve, phones, VOWELS)
        least += smallest_inside(curve, phones, CLOSED)
    if not least or not np.isfinite(vowels).any():
        return float("nan")
    return 100.0 * float(np.mean(np.array(least) <= CLOSED_SHARE * np.nanmean(vowels)))


def picture_closure_percent(curves: Sequence[tuple[Float32, Sequence[SpokenPhone]]]) -> float:
    """Share of p b m that close, over curves `[n]` of an opening that a face model measured; NaN as above."""
    quiet = [curve[~voiced_frames(phones, len(curve))] for curve, phones in curves]
    still = np.concatenate([np.zeros(0, np.float32), *quiet])
    rest = np.float32(np.nanmedian(still) if np.isfinite(still).any() else 0.0)
    return closure_percent((curve - rest, phones) for curve, phones in curves)


def tuck_percent(spoken: Sequence[Spoken]) -> float:
    """Share of f v in which the lower lip touches the teeth; NaN without any."""
    vowels = [gap for one in spoken for gap in middles(one.codes[:, GAP], one.phones, VOWELS)]
    limit = TUCKED_SHARE * float(np.mean(vowels)) if vowels else float("inf")
    touching = []
    for one in spoken:
        for phone in one.phones:
            if phone.symbol in TUCKED:
                inside = one.codes[frames_inside(phone, len(one.codes))]
                touching.append(bool(((inside[:, LIP_TUCK] >= TUCK) & (inside[:, GAP] <= limit)).any()))
    return 100.0 * float(np.mean(touching)) if touching else float("nan")


def rounding_lead_ms(protrusion: Float32, phone: SpokenPhone) -> float:
    """How long before a phone its rounding begins, of a curve `[n]` float32.

    Returns:
        Milliseconds, negative where it begins inside the phone; minus infinity where the lips never round.
    """
    inside = frames_inside(phone, len(protrusion))
    peak = int(inside[np.argmax(protrusion[inside])])
    begins = ROUNDING_BEGINS * float(protrusion[peak])
    if protrusion[peak] < ROUNDED:
        return float("-inf")
    below = np.flatnonzero(protrusion[:peak] < begins)
    if not len(below):
        return phone.start_ms
    last = int(below[-1])
    step = (begins - float(protrusion[last])) / float(protrusion[last + 1] - protrusion[last])
    return phone.start_ms - (last + 0.5 + step) * FRAME_MS


def rounding_leads_ms(spoken: Iterable[Spoken], symbols: frozenset[str] = LED_BY_ROUNDING) -> Float32:
    """The leads of all phones named, `[t]` float32."""
    leads = [
        rounding_lead_ms(one.codes[:, PROTRUSION], phone)
        for one in spoken
        for phone in one.phones
        if phone.symbol in symbols
    ]
    return np.array(leads, np.float32)


def jaw_order_percent(spoken: Iterable[Spoken]) -> float:
    """Of all pairs of an open and a close vowel, those with the lower jaw in the open one; 50 is chance."""
    opened, closed = [], []
    for one in spoken:
        opened += middles(one.codes[:, JAW], one.phones, OPEN_VOWELS)
        closed += middles(one.codes[:, JAW], one.phones, CLOSE_VOWELS)
    if not opened or not closed:
        return float("nan")
    apart = np.array(opened)[:, None] - np.array(closed)[None]
    return 100.0 * float(np.mean((apart > 0) + 0.5 * (apart == 0)))


def contact_figures(prefix: str, spoken: Sequence[Spoken], whose: str) -> list[Figure]:
    """The four measures, those without tokens left out.

    Args:
        prefix: what the figures' names begin with, such as `truth.` or `truth.known_`.
        spoken: all recordings.
        whose: whose lips they are, for the meaning.
    """
    leads = rounding_leads_ms(spoken)
    early = _early_percent(leads) if len(leads) else float("nan")
    closed = closure_percent((one.codes[:, GAP], one.phones) for one in spoken)
    figures = [
        Figure(f"{prefix}closure_percent", closed, f"{whose}: p b m whose gap falls to a tenth of the vowels'"),
        Figure(f"{prefix}tuck_percent", tuck_percent(spoken), f"{whose}: f v with the lower lip at the teeth"),
        Figure(f"{prefix}rounding_percent", early, f"{whose}: uw ow whose rounding begins 60 ms before them"),
        Figure(
            f"{prefix}jaw_order_percent", jaw_order_percent(spoken), f"{whose}: jaw lower in open than close vowels"
        ),
    ]
    return [figure for figure in figures if np.isfinite(figure.value)]


def rounding_table(heard: Sequence[Spoken], known: Sequence[Spoken] = ()) -> Table:
    """One row for each of uw and ow: tokens, and how long before them the lips round."""
    header: tuple[str, ...] = ("phone", "tokens", "lead ms, heard", "60 ms or more %, heard")
    header += ("lead ms, known", "60 ms or more %, known") if known else ()
    rows: list[tuple[str | float, ...]] = []
    for symbol in sorted(LED_BY_ROUNDING):
        leads = [rounding_leads_ms(some, frozenset({symbol})) for some in (heard, known) if some]
        if len(leads[0]):
            rows.append((symbol, len(leads[0]), *(cell for some in leads for cell in _lead_cells(some))))
    return Table("Rounding before uw and ow, median lead", header, tuple(rows))


def _lead_cells(leads_ms: Float32) -> tuple[str | float, float]:
    median = float(np.median(leads_ms))
    return (round(median) if np.isfinite(median) else "not rounded"), round(_early_percent(leads_ms))


def _early_percent(leads_ms: Float32) -> float:
    return 100.0 * float(np.mean(leads_ms >= ROUNDING_LEAD_MS))
