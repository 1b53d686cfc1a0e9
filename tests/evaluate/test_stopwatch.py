import pytest

from lipstream.evaluate.speed import stopwatch
from lipstream.evaluate.speed.stopwatch import Patience, Timing, timed


class Clock:
    """Time that passes only when work says so."""

    def __init__(self) -> None:
        self.ms = 0.0

    def __call__(self) -> float:
        return self.ms


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stopwatch, "now_ms", clock)
    return clock


def test_the_median_leaves_out_the_first_run(clock: Clock) -> None:
    durations_ms = iter([500.0, 10.0, 30.0, 20.0, 90.0, 20.0])

    def work() -> None:
        clock.ms += next(durations_ms)

    assert timed("mel", "", 16, work, Patience(budget_ms=0, least_runs=5)) == Timing("mel", "", 16, 20.0, 5)


def test_quick_work_is_repeated_until_the_budget_is_used(clock: Clock) -> None:
    def work() -> None:
        clock.ms += 10.0

    assert timed("mel", "", 1, work, Patience(budget_ms=95, least_runs=2)).runs == 10


def test_speed_is_relative_to_frames_that_are_shown() -> None:
    timing = Timing("generator", "openvino bf16, batch 8", 8, 160.0, 5)
    assert timing.frames_per_second == 50.0
    assert timing.times_real_time == 2.0
