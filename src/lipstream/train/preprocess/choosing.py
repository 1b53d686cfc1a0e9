"""Codes, poses and sharpness of every picture in, which serve as closed-mouth references and as driving clip out."""

import numpy as np
from numpy.typing import NDArray

from lipstream.types import ARTICULATION, FRAME_RATE_HZ, Codes, Float32

GAP = ARTICULATION.index("lip_gap")
MOST_REFERENCES = 5
CLOSED_PERCENTILE = 20
"""Of the pictures, those with the smallest gap may be references."""
SHARP_SHARE = 0.5
"""Of these, the sharper half."""
APART_DEGREES = 3.0
"""Two references differ in pose by at least this much."""
CLIP_FRAMES = 8 * FRAME_RATE_HZ
"""Of film; played forward and backward it lasts twice as long."""
SHORTEST_LOOP_FRAMES = 8 * FRAME_RATE_HZ
RESTLESS_DEGREES = 1.0
"""A head that turns by so much from frame to frame counts as much as a mouth that is open as far as it speaks."""


def references(codes: Codes, poses: Float32, sharpness: Float32, allowed: NDArray[np.bool_]) -> list[int]:
    """Choose closed, sharp mouths whose poses cover the others best (greedy k-centre), nearest to the mean first.

    Args:
        codes: `[n, 12]` float32.
        poses: `[n, 3]` float32 degrees.
        sharpness: of the crops, `[n]` float32, higher is sharper.
        allowed: which may be taken, `[n]` bool.

    Returns:
        1 to 5 numbers of pictures.
    """
    gap = np.where(allowed, codes[:, GAP], np.inf)
    closed = np.flatnonzero(gap <= max(float(np.percentile(gap[allowed], CLOSED_PERCENTILE)), 0.0))
    sharp = closed[sharpness[closed] >= np.quantile(sharpness[closed], SHARP_SHARE)]
    chosen = [int(sharp[np.linalg.norm(poses[sharp] - np.median(poses, axis=0), axis=1).argmin()])]
    while len(chosen) < MOST_REFERENCES:
        away = np.linalg.norm(poses[sharp][:, None] - poses[chosen], axis=2).min(axis=1)
        if away.max() < APART_DEGREES:
            break
        chosen.append(int(sharp[away.argmax()]))
    return chosen


def driving_window(codes: Codes, poses: Float32, runs: NDArray[np.int64]) -> tuple[int, int]:
    """Choose the calmest stretch of one unbroken run: a quiet mouth, a head that moves smoothly.

    Args:
        codes: `[n, 12]` float32.
        poses: `[n, 3]` float32 degrees.
        runs: number of the unbroken run that each picture belongs to, `[n]`.

    Returns:
        The first picture and the end (excluded), CLIP_FRAMES apart or as long as the longest run.
    """
    unrest = _unrest(codes, poses)
    starts = np.flatnonzero(np.diff(runs, prepend=runs[0] - 1))
    ends = np.append(starts[1:], len(runs))
    length = min(CLIP_FRAMES, int((ends - starts).max()))
    total = np.concatenate([[0.0], np.cumsum(unrest)])
    first = [start for a, b in zip(starts, ends, strict=True) for start in range(a, b - length + 1)]
    best = min(first, key=lambda start: float(total[start + length] - total[start]))
    return int(best), int(best) + length


def unrolled(length: int) -> list[int]:
    """Forward and backward over `length` pictures, as often as a loop of eight seconds takes; it joins at both ends."""
    once = [*range(length), *range(length - 2, 0, -1)]
    return once * max(1, -(-SHORTEST_LOOP_FRAMES // len(once)))


def _unrest(codes: Codes, poses: Float32) -> Float32:
    """How restless each picture is, `[n]`: an open or moving mouth, a head that moves or jerks."""
    moving = np.abs(np.diff(codes[:, GAP], prepend=codes[0, GAP]))
    turn = np.diff(poses, axis=0, prepend=poses[:1])
    jerk = np.diff(turn, axis=0, prepend=turn[:1])
    head = (np.linalg.norm(turn, axis=1) + np.linalg.norm(jerk, axis=1)) / RESTLESS_DEGREES
    return np.asarray(np.abs(codes[:, GAP]) + moving + head, np.float32)
