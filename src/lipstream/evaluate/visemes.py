"""Mouth shapes and the phones they belong to in, how well twelve visemes are told apart by lips alone out.

The twelve are the fourteen visemes of MPEG-4 (ISO/IEC 14496-2, face animation), with its t d, k g and n l as one: these
three differ inside the mouth only, which lip width, gap and protrusion cannot show. Its vowels and r take the phones
next to them that it does not list (diphthongs by their first half, w with u, y with i). h and the reduced vowels have
no viseme there: they are said with whatever lips their neighbours have.

A token is one phone, at the frame that shows its middle. It is told apart where, of the twelve centroids (means of the
known shapes of all tokens), the one of its own viseme is nearest; each of the three dimensions counts in units of its
deviation inside the visemes. Neighbouring phones pull at each other's lips, most of all at those of t d n l k g, so
known shapes are not always told apart either: the ceiling says how often they are. Beside it stands how often the lips
that were heard are nearest to the same centroid as the known ones at the same moment, whichever it is.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipstream.evaluate.figures import Figure, Table
from lipstream.evaluate.phones import SpokenPhone, frame_at
from lipstream.types import ARTICULATION, Codes, Float32

VISEMES = {
    "p b m": "P B M",
    "f v": "F V",
    "th": "TH DH",
    "t d n l k g": "T D N L RR K G NG X",
    "sh ch": "SH ZH CH JH",
    "s z": "S Z",
    "r": "R ER",
    "a": "AA AH AE AY AW",
    "e": "E EH EY",
    "i": "IY IH Y",
    "o": "AO O OW OY OE",
    "u": "UW UH W UE",
}
"""Viseme to the phones that show it."""
VISEME_OF = {phone: viseme for viseme, phones in VISEMES.items() for phone in phones.split()}
SHAPE = tuple(ARTICULATION.index(name) for name in ("lip_width", "lip_gap", "protrusion"))


@dataclass(frozen=True, slots=True)
class Tokens:
    """All phones with a viseme, in order."""

    visemes: NDArray[np.str_]
    """The viseme of each, `[t]`."""
    heard: Float32
    """Lip width, gap and protrusion as they were heard, `[t, 3]` float32."""
    known: Float32
    """The same as it is known, `[t, 3]` float32."""


@dataclass(frozen=True, slots=True)
class Centroids:
    """The mean shape of each viseme."""

    visemes: tuple[str, ...]
    """Those that occur, v of them."""
    shapes: Float32
    """Lip width, gap and protrusion, `[v, 3]` float32."""
    scale: Float32
    """Deviation of each dimension inside the visemes, `[3]` float32."""


def tokens_of(clips: Iterable[tuple[Sequence[SpokenPhone], Codes, Codes]]) -> Tokens:
    """Take the tokens out of clips of phones, heard and known codes `[n, 12]` float32."""
    visemes, heard, known = [], [], []
    for phones, heard_codes, known_codes in clips:
        for phone in phones:
            if phone.symbol in VISEME_OF:
                frame = frame_at(phone.middle_ms, len(known_codes))
                visemes.append(VISEME_OF[phone.symbol])
                heard.append(heard_codes[frame, SHAPE])
                known.append(known_codes[frame, SHAPE])
    shapes = [np.array(rows, np.float32).reshape(-1, len(SHAPE)) for rows in (heard, known)]
    return Tokens(np.array(visemes, np.str_), *shapes)


def centroids_of(visemes: NDArray[np.str_], shapes: Float32) -> Centroids:
    """The centroids of tokens `[t]` with shapes `[t, 3]` float32."""
    names = tuple(name for name in VISEMES if (visemes == name).any())
    means = np.array([shapes[visemes == name].mean(axis=0) for name in names], np.float32).reshape(-1, len(SHAPE))
    inside = shapes - means[[names.index(str(name)) for name in visemes]]
    return Centroids(names, means, np.maximum(inside.std(axis=0), 1e-6).astype(np.float32))


def nearest(shapes: Float32, centroids: Centroids) -> NDArray[np.str_]:
    """The viseme whose centroid is nearest to each shape `[t, 3]` float32."""
    away = (shapes[:, None] - centroids.shapes[None]) / centroids.scale
    found: NDArray[np.str_] = np.array(centroids.visemes, np.str_)[np.square(away).sum(axis=2).argmin(axis=1)]
    return found


def viseme_figures(tokens: Tokens) -> list[Figure]:
    """How many tokens, and how many visemes as a whole, are told apart; nothing without tokens."""
    if not len(tokens.visemes):
        return []
    centroids = centroids_of(tokens.visemes, tokens.known)
    heard, known = nearest(tokens.heard, centroids), nearest(tokens.known, centroids)
    told, ceiling = _percent(heard == tokens.visemes), _percent(known == tokens.visemes)
    means = centroids_of(tokens.visemes, tokens.heard)
    whole = _percent(nearest(means.shapes, centroids) == np.array(means.visemes))
    meaning = f"phones whose lips, as heard, are nearest to their own of {len(centroids.visemes)} visemes"
    return [
        Figure("truth.viseme_percent", told, meaning),
        Figure("truth.viseme_ceiling_percent", ceiling, "the same of the known lips: what coarticulation leaves"),
        Figure("truth.viseme_of_ceiling_percent", 100.0 * told / max(ceiling, 1e-6), "the one over the other"),
        Figure(
            "truth.viseme_same_percent", _percent(heard == known), "phones that show the viseme the known lips show"
        ),
        Figure("truth.viseme_means_percent", whole, "visemes whose mean, as heard, is nearest to their own"),
    ]


def viseme_table(tokens: Tokens) -> Table:
    """One row a viseme: tokens, how many are told apart, what the others are taken for, and its mean shapes."""
    if not len(tokens.visemes):
        return Table(_TITLE, _HEADER, ())
    centroids = centroids_of(tokens.visemes, tokens.known)
    heard, known = nearest(tokens.heard, centroids), nearest(tokens.known, centroids)
    rows: list[tuple[str | float, ...]] = []
    for viseme in centroids.visemes:
        its = tokens.visemes == viseme
        wrong = Counter(str(name) for name in heard[its] if name != viseme).most_common(1)
        shapes = np.stack([tokens.heard[its].mean(axis=0), tokens.known[its].mean(axis=0)], axis=1).reshape(-1)
        shares = (_percent(heard[its] == viseme), _percent(known[its] == viseme), _percent((heard == known)[its]))
        taken = f"{wrong[0][0]} ({wrong[0][1]})" if wrong else ""
        rows.append((viseme, int(its.sum()), *map(round, shares), taken, *(round(float(value), 3) for value in shapes)))
    return Table(_TITLE, _HEADER, tuple(rows))


def confusion_table(tokens: Tokens) -> Table:
    """One row a viseme that was said, one column a viseme that its lips, as heard, are nearest to: % of the row."""
    if not len(tokens.visemes):
        return Table(_CONFUSIONS, ("said",), ())
    centroids = centroids_of(tokens.visemes, tokens.known)
    heard = nearest(tokens.heard, centroids)
    rows: list[tuple[str | float, ...]] = []
    for said in centroids.visemes:
        shares = [_percent(heard[tokens.visemes == said] == taken) for taken in centroids.visemes]
        rows.append((said, *map(round, shares)))
    return Table(_CONFUSIONS, ("said", *centroids.visemes), tuple(rows))


_CONFUSIONS = "What each viseme, as heard, is taken for, %"
_TITLE = "Visemes by nearest centroid on lip width, gap and protrusion"
_HEADER = (
    *("viseme", "tokens", "told apart %", "known lips %", "same as known %", "mostly taken for"),
    *(f"{name}, {whose}" for name in ("width", "gap", "protrusion") for whose in ("heard", "known")),
)


def _percent(hits: NDArray[np.bool_]) -> float:
    return 100.0 * float(np.mean(hits))
