"""Counts of samples, mel rows, windows and frames, converted into each other in whole numbers."""

from lipstream.types import FRAME_SAMPLES, MEL_HOP_SAMPLES


def frames_of_samples(samples: int) -> int:
    """Frames that `samples` at 16 kHz give: ceil(samples / 640)."""
    return -(-samples // FRAME_SAMPLES)


def window_start_row(window: int) -> int:
    """First mel row of speech window `window`: int(3.2 window), that is 0, 3, 6, 9, 12, 16, ..."""
    return 16 * window // 5


def mel_rows_of_samples(samples: int) -> int:
    """Mel rows of a signal padded by half a transform at both ends: samples // 200 + 1."""
    return samples // MEL_HOP_SAMPLES + 1
