"""Counts of samples, mel rows, windows and frames, converted into each other in whole numbers."""

from lipstream.types import FRAME_SAMPLES


def frames_of_samples(samples: int) -> int:
    """Frames that `samples` at 16 kHz give: ceil(samples / 640)."""
    return -(-samples // FRAME_SAMPLES)


def window_start_row(window: int) -> int:
    """First mel row of speech window `window`: int(3.2 window), that is 0, 3, 6, 9, 12, 16, ..."""
    return 16 * window // 5
