"""A whole speech in, the contexts that SyncTalk_2D's own inference makes of it out, one for each frame that it shows.

Its frames are not those of the sound: the last window is moved back until it fits, and the first and last rows of
features count twice, so that `int((T - 16) / 80 * 25) + 4` frames come of T mel rows.
"""

from collections.abc import Iterator

import numpy as np

from lipstream.audio.mel import mel_spectrogram
from lipstream.audio.window import own_contexts
from lipstream.errors import InputError
from lipstream.rate import window_start_row
from lipstream.speech.contexts import BATCH_FRAMES
from lipstream.types import FRAME_RATE_HZ, WINDOW_ROWS, Contexts, Engine, Features, Mel, Pcm, Windows

MEL_ROWS_PER_SECOND = 80


def reference_contexts(encoder: Engine, pcm: Pcm) -> Iterator[Contexts]:
    """Hear a whole speech as SyncTalk_2D does.

    Args:
        encoder: `mel` `[n, 1, 80, 16]` to `features` `[n, 512]`.
        pcm: `[L]` float32 in -1..1 at 16 kHz.

    Yields:
        Contexts of at most 128 frames, `[b, 32, 16, 16]` float32; two frames more than there are windows.

    Raises:
        InputError: the speech is shorter than a window.
    """
    features = padded_features(encoder, reference_windows(mel_spectrogram(pcm)))
    for start in range(0, len(features), BATCH_FRAMES):
        yield own_contexts(features, range(start, min(start + BATCH_FRAMES, len(features))))


def reference_windows(mel: Mel) -> Windows:
    """Cut mel rows into windows; those that would reach beyond the end are the last 16 rows.

    Args:
        mel: `[T, 80]` float32.

    Returns:
        `[int((T - 16) / 80 * 25) + 2, 80, 16]` float32, mel by time.

    Raises:
        InputError: there are fewer than 16 rows.
    """
    if len(mel) < WINDOW_ROWS:
        raise InputError(f"The sound has {len(mel)} rows of mel; expected at least {WINDOW_ROWS}, which are 190 ms.")
    count = int((len(mel) - WINDOW_ROWS) / MEL_ROWS_PER_SECOND * FRAME_RATE_HZ) + 2
    starts = [min(window_start_row(window), len(mel) - WINDOW_ROWS) for window in range(count)]
    return np.stack([mel[start : start + WINDOW_ROWS].T for start in starts])


def padded_features(encoder: Engine, windows: Windows) -> Features:
    """Encode windows, the first row and the last twice: `[n + 2, 512]` float32."""
    batches = [windows[start : start + BATCH_FRAMES, None] for start in range(0, len(windows), BATCH_FRAMES)]
    rows = np.concatenate([encoder.run({"mel": batch})["features"] for batch in batches])
    return np.concatenate([rows[:1], rows, rows[-1:]])
