"""Mel rows in, speech windows and the 16-row contexts around frames out, whole or in pieces."""

from collections.abc import Sequence

import numpy as np

from lipstream.rate import window_start_row
from lipstream.types import (
    CONTEXT_ROWS,
    FEATURE_SIZE,
    FRAME_SAMPLES,
    MEL_BINS,
    SAMPLE_RATE_HZ,
    WINDOW_ROWS,
    Contexts,
    Features,
    Float32,
    Mel,
    Windows,
)

CONTEXT_BEHIND = 9
"""Windows of a context before the frame's own: nine, as the reference puts one row before the first window."""
CONTEXT_AHEAD = 6
"""Windows of a full context after the frame's own."""
WINDOW_REACH_SAMPLES = 3400
"""A window ends at most 15 rows and half a transform after its frame starts: 15 * 200 + 400 samples, 212.5 ms."""


def windows(mel: Mel) -> Windows:
    """Cut mel rows into speech windows; window w is rows int(3.2 w) to int(3.2 w) + 16, if all of them exist.

    Args:
        mel: `[T, 80]` float32.

    Returns:
        `[windows_of_rows(T), 80, 16]` float32, mel by time.
    """
    return _cut(mel, first_row=0, first_window=0)


def windows_of_rows(rows: int) -> int:
    """Windows that fit into the first `rows` mel rows."""
    return max(0, (5 * (rows - WINDOW_ROWS + 1) - 1) // 16 + 1)


class WindowStream:
    """Speech windows of mel rows that arrive in pieces."""

    def __init__(self) -> None:
        self._pending: Mel = np.zeros((0, MEL_BINS), np.float32)
        self._first_row = 0
        self._next_window = 0

    def push(self, mel: Mel) -> Windows:
        """Take the next mel rows, `[k, 80]`, and return the windows they complete, `[n, 80, 16]`."""
        self._pending = np.concatenate([self._pending, mel])
        cut = _cut(self._pending, self._first_row, self._next_window)
        self._next_window += len(cut)
        keep_from = window_start_row(self._next_window) - self._first_row
        self._pending = self._pending[keep_from:]
        self._first_row += keep_from
        return cut


def contexts(
    features: Features, first_frame: int, frames: int, *, first_window: int = 0, ahead: int = CONTEXT_AHEAD
) -> Contexts:
    """Gather the 16 feature rows around each frame: windows i - 9 to i + 6 of frame i.

    Args:
        features: `[n, 512]` float32, one row a window from `first_window` on; a window outside is a zero row.
        first_frame: First frame wanted.
        frames: How many.
        first_window: Window of the first feature row.
        ahead: Windows after i + `ahead` count as not yet arrived: zero rows. 6 keeps the full context.

    Returns:
        `[frames, 32, 16, 16]` float32, the `[16, 512]` of each frame reshaped in C order.
    """
    offsets = np.arange(-CONTEXT_BEHIND, CONTEXT_AHEAD + 1)
    rows = np.arange(first_frame, first_frame + frames)[:, None] + offsets - first_window
    exists = (rows >= 0) & (rows < len(features)) & (offsets <= ahead)
    gathered: Float32 = np.zeros((frames, CONTEXT_ROWS, FEATURE_SIZE), np.float32)
    gathered[exists] = features[rows[exists]]
    return gathered.reshape(frames, 32, 16, 16)


def own_contexts(features: Features, numbers: Sequence[int]) -> Contexts:
    """Gather what an avatar's own speech features say at pictures of its clip: rows i - 8 to i + 7 at picture i.

    Args:
        features: `[rows, 512]` float32, `speech_features.npy` of a bundle; row r is speech window r - 1.
        numbers: of the pictures; the features repeat as the clip does, each at its own length.

    Returns:
        As `contexts` does, one for every picture.
    """
    found = [contexts(features, number % len(features), 1, first_window=-1) for number in numbers]
    return np.concatenate(found)


def lookahead_samples(lookahead_ms: int) -> int:
    """Samples that have arrived when a frame leaves, from its start on; 212 ms stand for the 212.5 a window reaches."""
    return (lookahead_ms + 1) * SAMPLE_RATE_HZ // 1000


def windows_ahead(lookahead_ms: int) -> int:
    """Last window of a context, counted from the frame's own, that has arrived `lookahead_ms` after the frame starts.

    452 ms give 6, the full context; 212 ms give 0; 172 ms give -1.
    """
    return min(CONTEXT_AHEAD, (lookahead_samples(lookahead_ms) - WINDOW_REACH_SAMPLES) // FRAME_SAMPLES)


def _cut(mel: Mel, first_row: int, first_window: int) -> Windows:
    """Windows from `first_window` on in rows that start with row `first_row`."""
    count = windows_of_rows(first_row + len(mel)) - first_window
    starts = np.array([window_start_row(first_window + i) - first_row for i in range(count)], np.intp)
    rows = mel[starts[:, None] + np.arange(WINDOW_ROWS)]
    return np.ascontiguousarray(rows.transpose(0, 2, 1))
