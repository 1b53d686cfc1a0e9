"""Phones with times in, smooth curves of articulation/1 out: 12 numbers a frame at 25 frames a second.

Each phone pulls every dimension towards its target with a dominance that fades with distance, so that neighbours blend
(after Cohen and Massaro). What must not blend is set afterwards: lips close on p b m, the lower lip meets the teeth on
f v, rounding leads u o w, and silence is rest.
"""

from collections.abc import Sequence

import numpy as np

from lipstream.evaluate.phones import SILENCE
from lipstream.types import ARTICULATION, CODE_SIZE, FRAME_MS, Codes, Float32
from studio.phones import Phone

STEP_MS = 5
"""Curves are made on a 5 ms grid and sampled at the centres of the frames, 40 i + 20 ms."""
SHORTEST_REST_MS = 160.0
ATTACK_MS = 120.0
"""The mouth begins to move this long before the first sound after a rest."""
ROUNDING_LEAD_MS = 140.0
"""Rounding starts this long before u o w, and is half done 75 ms before them."""

# jaw, rounding, spread, lip flare, tongue tip, teeth together; then how strongly it holds its jaw and its lips
_POSTURES: dict[str, tuple[float, float, float, float, float, float, float, float]] = {
    "SIL": (0.00, 0.0, 0.0, 0.0, 0.0, 0.0, 0.35, 0.35),
    "P": (0.12, 0.0, 0.0, 0.0, 0.0, 0.0, 0.45, 0.15),
    "B": (0.12, 0.0, 0.0, 0.0, 0.0, 0.0, 0.45, 0.15),
    "M": (0.14, 0.0, 0.0, 0.0, 0.0, 0.0, 0.45, 0.15),
    "F": (0.10, 0.0, 0.1, 0.1, 0.0, 0.4, 0.60, 0.40),
    "V": (0.12, 0.0, 0.1, 0.1, 0.0, 0.4, 0.60, 0.40),
    "TH": (0.20, 0.0, 0.1, 0.1, 1.0, 0.0, 0.55, 0.25),
    "DH": (0.20, 0.0, 0.1, 0.1, 0.9, 0.0, 0.45, 0.20),
    "T": (0.16, 0.0, 0.1, 0.0, 0.3, 0.3, 0.50, 0.15),
    "D": (0.18, 0.0, 0.1, 0.0, 0.3, 0.3, 0.50, 0.15),
    "N": (0.18, 0.0, 0.1, 0.0, 0.5, 0.2, 0.45, 0.15),
    "S": (0.10, 0.0, 0.4, 0.2, 0.0, 1.0, 0.85, 0.45),
    "Z": (0.11, 0.0, 0.4, 0.2, 0.0, 1.0, 0.80, 0.40),
    "L": (0.24, 0.0, 0.1, 0.0, 0.8, 0.0, 0.45, 0.15),
    "R": (0.18, 0.5, 0.0, 0.3, 0.0, 0.0, 0.50, 0.50),
    "RR": (0.22, 0.0, 0.1, 0.0, 0.3, 0.0, 0.40, 0.10),
    "SH": (0.14, 0.6, 0.0, 0.8, 0.0, 0.8, 0.80, 0.75),
    "ZH": (0.14, 0.6, 0.0, 0.8, 0.0, 0.8, 0.80, 0.70),
    "CH": (0.14, 0.6, 0.0, 0.8, 0.0, 0.8, 0.80, 0.70),
    "JH": (0.14, 0.6, 0.0, 0.8, 0.0, 0.8, 0.80, 0.70),
    "Y": (0.14, 0.0, 0.6, 0.1, 0.0, 0.2, 0.50, 0.45),
    "W": (0.12, 1.0, 0.0, 0.1, 0.0, 0.0, 0.60, 0.95),
    "K": (0.22, 0.0, 0.1, 0.0, 0.0, 0.0, 0.25, 0.10),
    "G": (0.22, 0.0, 0.1, 0.0, 0.0, 0.0, 0.25, 0.10),
    "NG": (0.24, 0.0, 0.1, 0.0, 0.0, 0.0, 0.25, 0.10),
    "X": (0.26, 0.0, 0.1, 0.0, 0.0, 0.0, 0.25, 0.10),
    "HH": (0.30, 0.0, 0.0, 0.0, 0.0, 0.0, 0.10, 0.05),
    "IY": (0.18, 0.0, 1.0, 0.1, 0.0, 0.1, 0.80, 0.85),
    "IH": (0.26, 0.0, 0.6, 0.0, 0.0, 0.0, 0.65, 0.60),
    "IX": (0.22, 0.0, 0.3, 0.0, 0.0, 0.0, 0.50, 0.40),
    "E": (0.36, 0.0, 0.7, 0.0, 0.0, 0.0, 0.80, 0.75),
    "EY": (0.38, 0.0, 0.8, 0.0, 0.0, 0.0, 0.80, 0.75),
    "EH": (0.50, 0.0, 0.5, 0.0, 0.0, 0.0, 0.85, 0.65),
    "AE": (0.75, 0.0, 0.5, 0.1, 0.0, 0.0, 0.95, 0.65),
    "AA": (0.90, 0.0, 0.1, 0.0, 0.0, 0.0, 1.00, 0.60),
    "AH": (0.55, 0.0, 0.1, 0.0, 0.0, 0.0, 0.85, 0.45),
    "AX": (0.30, 0.0, 0.1, 0.0, 0.0, 0.0, 0.40, 0.25),
    "ER": (0.30, 0.4, 0.0, 0.2, 0.0, 0.0, 0.65, 0.60),
    "AO": (0.68, 0.5, 0.0, 0.1, 0.0, 0.0, 0.95, 0.80),
    "O": (0.45, 0.8, 0.0, 0.1, 0.0, 0.0, 0.85, 0.95),
    "OW": (0.45, 0.8, 0.0, 0.1, 0.0, 0.0, 0.85, 0.95),
    "UH": (0.26, 0.7, 0.0, 0.1, 0.0, 0.0, 0.70, 0.80),
    "UW": (0.16, 1.0, 0.0, 0.1, 0.0, 0.0, 0.80, 1.00),
    "UE": (0.16, 0.9, 0.0, 0.1, 0.0, 0.0, 0.80, 1.00),
    "OE": (0.38, 0.8, 0.0, 0.1, 0.0, 0.0, 0.85, 0.95),
}
_GLIDES = {"AY": ("AA", "IH"), "AW": ("AA", "UH"), "OY": ("AO", "IH"), "EY": ("E", "IH"), "OW": ("O", "UW")}
_ROUNDED = {"W": 0.9, "UW": 0.9, "UE": 0.8, "O": 0.72, "OW": 0.72, "OE": 0.72, "UH": 0.63, "AO": 0.45}
_CLOSED = {"P": 1.0, "B": 1.0, "M": 1.0}
_TUCKED = {"F": 1.0, "V": 1.0}

# posture column, its hold column, reach before and after the phone in ms: rounding spreads furthest, backwards most
_BLENDS = (
    (0, 6, 55.0, 50.0),
    (1, 7, 85.0, 55.0),
    (2, 7, 65.0, 50.0),
    (3, 7, 55.0, 45.0),
    (4, 6, 35.0, 30.0),
    (5, 6, 40.0, 35.0),
)

_SCALE: Float32 = np.array([0.73, 0.62, 0.66, 0.92, 0.32, 0.39, 1.0, 1.0, 0.61, 0.65, 0.67, 0.67], np.float32)
"""98th percentile of each dimension before scaling, over the spoken frames of flite slt's training sentences."""


def curves(phones: Sequence[Phone], frames: int) -> Codes:
    """Articulate phones.

    Args:
        phones: in order, times in ms from the start of frame 0.
        frames: how many frames to return; those after the last phone are at rest.

    Returns:
        `[frames, 12]` float32, each dimension 0 at rest and 1 at its 98th percentile over speech.
    """
    return _raw(phones, frames) / _SCALE


def _raw(phones: Sequence[Phone], frames: int) -> Codes:
    if not phones or not frames:
        return np.zeros((frames, CODE_SIZE), np.float32)
    steps = frames * FRAME_MS // STEP_MS
    time_ms = (np.arange(steps) + 0.5) * STEP_MS
    posture = _blended(_targets(phones), time_ms)
    lead = _peaks(_ROUNDED, phones, time_ms, (ROUNDING_LEAD_MS, 40.0))
    posture[1] = np.maximum(posture[1], lead)
    active = _activity(phones, time_ms)
    code = _code(posture * active)
    sealed, tucked = (_peaks(heights, phones, time_ms, (28.0, 25.0)) for heights in (_CLOSED, _TUCKED))
    return _constrained(_centres(code), _held(sealed), _held(tucked))


def _targets(phones: Sequence[Phone]) -> list[tuple[float, float, tuple[float, ...]]]:
    """Start, end and posture of every phone: diphthongs as two, loud vowels wider, short silences held weakly."""
    targets = []
    for phone in phones:
        parts = _GLIDES.get(phone.symbol, (phone.symbol,))
        middle = phone.start_ms + 0.6 * (phone.end_ms - phone.start_ms)
        edges = [phone.start_ms, middle, phone.end_ms] if len(parts) == 2 else [phone.start_ms, phone.end_ms]
        loud = float(np.clip(1 + 0.03 * phone.level_db, 0.75, 1.2))
        for symbol, start, end in zip(parts, edges[:-1], edges[1:], strict=True):
            jaw, *others = _POSTURES[symbol]
            targets.append((start, end, (jaw * loud, *others)))
    return targets


def _blended(targets: list[tuple[float, float, tuple[float, ...]]], time_ms: Float32) -> Float32:
    """Mix all postures at every time, each weighted by its dominance there: `[6, steps]`."""
    start, end = (np.array([target[i] for target in targets])[:, None] for i in (0, 1))
    posture = np.array([target[2] for target in targets])
    before, after = (
        np.maximum(start + 0.25 * (end - start) - time_ms, 0),
        np.maximum(time_ms - end + 0.25 * (end - start), 0),
    )
    blended = []
    for column, hold, reach_before, reach_after in _BLENDS:
        dominance = posture[:, hold, None] * np.exp(-before / reach_before - after / reach_after) + 1e-9
        blended.append((dominance * posture[:, column, None]).sum(0) / dominance.sum(0))
    kernel = np.hanning(11) / np.hanning(11).sum()  # 25 ms wide at half height: rounds the corners
    return np.stack([np.convolve(np.pad(row, 5, "edge"), kernel, "valid") for row in blended]).astype(np.float32)


def _peaks(
    heights: dict[str, float], phones: Sequence[Phone], time_ms: Float32, ramps_ms: tuple[float, float]
) -> Float32:
    """Envelope that has a height inside the phones of `heights` and eases in and out around them: `[steps]`."""
    envelope = np.zeros(len(time_ms))
    rise_ms, fall_ms = ramps_ms
    for phone in phones:
        if phone.symbol in heights:
            rise = np.clip((time_ms - phone.start_ms + rise_ms) / rise_ms, 0, 1)
            fall = np.clip((phone.end_ms - time_ms + fall_ms) / fall_ms, 0, 1)
            envelope = np.maximum(envelope, heights[phone.symbol] * _smooth(np.minimum(rise, fall)))
    return envelope.astype(np.float32)


def _smooth(x: Float32) -> Float32:
    return x * x * (3 - 2 * x)


def _activity(phones: Sequence[Phone], time_ms: Float32) -> Float32:
    """1 while speaking; eases to 0 in rests, 160 ms after the last sound, and back 120 ms before the next."""
    active = np.ones(len(time_ms), np.float32)
    rests = [
        (p.start_ms, p.end_ms) for p in phones if p.symbol == SILENCE and p.end_ms - p.start_ms >= SHORTEST_REST_MS
    ]
    speaks = [p for p in phones if p.symbol != SILENCE]
    if not speaks:
        return np.zeros(len(time_ms), np.float32)
    first, last = speaks[0], speaks[-1]
    inner = [(start, end) for start, end in rests if start > first.start_ms and end < last.end_ms]
    for start, end in [(-np.inf, first.start_ms), *inner, (last.end_ms, np.inf)]:
        leaving = np.clip(1 - (time_ms - start) / SHORTEST_REST_MS, 0, 1) if np.isfinite(start) else 0 * time_ms
        coming = np.clip(1 - (end - time_ms) / ATTACK_MS, 0, 1) if np.isfinite(end) else 0 * time_ms
        inside = (time_ms >= start) & (time_ms < end)
        active = np.where(inside, np.maximum(_smooth(leaving), _smooth(coming)), active)
    return active.astype(np.float32)


def _code(posture: Float32) -> Float32:
    """Six posture curves `[6, steps]` to the twelve of articulation/1, `[steps, 12]`, before the constraints."""
    jaw, rounding, spread, flare, tongue, clenched = posture
    upper = 0.30 * jaw + 0.45 * flare + 0.15 * spread
    lower = 0.45 * jaw + 0.45 * flare + 0.15 * spread
    gap = np.maximum(
        0.70 * jaw + 0.18 * upper + 0.18 * lower - 0.22 * rounding * (1 - jaw), 0.05 * np.minimum(1, 8 * jaw)
    )
    return np.stack(
        [
            jaw,
            gap,
            0.9 * spread * (1 - 0.3 * jaw) - 1.0 * rounding - 0.12 * jaw,
            np.clip(rounding + 0.25 * flare, 0, 1),
            upper,
            lower,
            0 * jaw,
            0 * jaw,
            tongue,
            np.maximum(0.9 * jaw - 0.25 * clenched, 0),
            0.8 * spread + 0.1 * flare - 0.25 * rounding,
            0.8 * spread + 0.1 * flare - 0.25 * rounding,
        ],
        axis=1,
    )


def _centres(code: Float32) -> Codes:
    """Sample 5 ms steps at the centres of the frames, over the middle 20 ms: `[frames, 12]`."""
    centres: Codes = code.reshape(-1, FRAME_MS // STEP_MS, CODE_SIZE)[:, 2:6].mean(1)
    return centres


def _held(envelope: Float32) -> Float32:
    """The level an envelope holds for half of each frame, so that a closure of 40 ms is never lost: `[frames, 1]`."""
    per_frame = np.sort(envelope.reshape(-1, FRAME_MS // STEP_MS), axis=1)
    held: Float32 = per_frame[:, FRAME_MS // STEP_MS // 2 :].mean(1)[:, None]
    return held


def _constrained(code: Codes, sealed: Float32, tucked: Float32) -> Codes:
    """Close the lips where `sealed`, put the lower lip under the teeth where `tucked`, both `[frames, 1]` in 0..1."""
    index = {name: i for i, name in enumerate(ARTICULATION)}
    tuck = {
        "jaw": 0.12,
        "lip_gap": 0.10,
        "upper_lip": 0.25,
        "lower_lip": 0.0,
        "lip_press": 0.0,
        "lip_tuck": 1.0,
        "teeth_gap": 0.06,
    }
    seal = {
        "lip_gap": -0.05,
        "upper_lip": 0.0,
        "lower_lip": 0.0,
        "lip_press": 1.0,
        "lip_tuck": 0.0,
        "tongue_front": 0.0,
    }
    code = code.astype(np.float32)
    for amount, posture in ((tucked, tuck), (sealed, seal)):
        for name, value in posture.items():
            code[:, index[name]] += amount[:, 0] * (value - code[:, index[name]])
    for name in ("jaw", "teeth_gap"):
        code[:, index[name]] *= 1 - 0.5 * sealed[:, 0]
    return code
