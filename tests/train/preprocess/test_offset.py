import numpy as np
import pytest

from lipstream.train.preprocess.offset import in_time, measure_offset
from lipstream.types import Float32


def lips(frames: int) -> Float32:
    rough = np.random.default_rng(0).standard_normal(frames)
    return np.convolve(rough, np.hanning(7), "same").astype(np.float32)


@pytest.mark.parametrize("late", [-8, -1, 0, 5, 12])
def test_the_lag_of_the_sound_is_found(late: int) -> None:
    seen, runs = lips(400), np.repeat([0, 1], 200)
    heard = np.concatenate([np.roll(part, late) for part in (seen[:200], seen[200:])])
    found = measure_offset(heard, seen, runs)
    assert abs(found.late_ms - 40 * late) < 8
    assert found.r > 0.9


def test_what_does_not_fit_at_any_lag_is_left_in_time() -> None:
    found = measure_offset(
        lips(300), np.random.default_rng(1).standard_normal(300).astype(np.float32), np.zeros(300, np.int64)
    )
    assert found.late_ms == 0.0


@pytest.mark.parametrize("late_ms", [-120.0, 0.0, 62.5])
def test_sound_is_moved_by_what_it_is_late(late_ms: float) -> None:
    pcm = np.zeros(16_000, np.float32)
    pcm[8_000] = 1.0
    moved = in_time(pcm, late_ms)
    assert len(moved) == len(pcm)
    assert int(moved.argmax()) == 8_000 - round(late_ms * 16)
