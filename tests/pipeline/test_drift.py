from dataclasses import dataclass

import numpy as np
import pytest

from lipstream.pipeline.drift import MAX_PPM, UPDATE_FRAMES, Drift
from lipstream.pipeline.hearing import Heard
from lipstream.pipeline.playout import Playout
from lipstream.types import FRAME_SAMPLES

SILENT = Heard(np.zeros(12, np.float32), np.zeros(FRAME_SAMPLES, np.float32), FRAME_SAMPLES)
TARGET_MS = 80.0


@dataclass
class Microphone:
    """A microphone whose clock differs, behind a network; its sound as counts of ms, the rest as in a stream."""

    skew_ppm: float
    seconds: int
    stall_ms: float = 0.0
    """Every five minutes nothing arrives for so long; then all of it at once."""

    def run(self) -> tuple[list[float], Playout]:
        """The spare sound of every second, in ms, and what was shown."""
        drift, playout = Drift(TARGET_MS), Playout(2)
        late_ms = np.random.default_rng(5).uniform(0, 30, self.seconds * 25).tolist()
        spare_ms, waiting_ms, seconds = 0.0, 0.0, []
        for frame in range(self.seconds * 25):
            waiting_ms += 40 * (1 + self.skew_ppm * 1e-6) / (1 + drift.ppm * 1e-6)
            stalled = frame % 7_500 >= 7_500 - self.stall_ms / 40
            if not stalled:
                arrived_ms = waiting_ms - late_ms[frame]
                waiting_ms -= arrived_ms
                spare_ms += arrived_ms
                complete = int(spare_ms // 40) - playout.queued_frames
                playout.put([SILENT] * complete)
            if playout.playing:
                drift.observe(spare_ms)
            spare_ms -= 40 * playout.ready
            playout.next(bridge=True)
            if frame % UPDATE_FRAMES == 0:
                seconds.append(spare_ms)
        return seconds, playout


@pytest.mark.parametrize("skew_ppm", [-200, -50, 0, 200])
def test_a_microphones_clock_is_followed_for_an_hour(skew_ppm: float) -> None:
    spare_ms, playout = Microphone(skew_ppm, 3_600).run()
    assert playout.underruns == 0
    assert np.ptp(spare_ms[1_200:]) < 45  # 30 of it is the jitter
    assert abs(np.mean(spare_ms[1_200:]) - (TARGET_MS - 40)) < 5  # after the frame has left
    assert playout.queued_frames <= 4


@pytest.mark.slow
@pytest.mark.parametrize("skew_ppm", [-200, 200])
def test_a_microphones_clock_is_followed_through_stalls_for_eight_hours(skew_ppm: float) -> None:
    spare_ms, playout = Microphone(skew_ppm, 8 * 3_600, stall_ms=400).run()
    assert max(spare_ms) < TARGET_MS + 400 + 60  # the longest stall, not the sum of them
    assert playout.underruns <= 8 * 12
    assert playout.queued_frames <= 14


def test_a_stall_teaches_nothing_about_the_clock() -> None:
    drift = Drift(TARGET_MS)
    for _ in range(600 * UPDATE_FRAMES):
        drift.observe(TARGET_MS + 500)
    assert drift.ppm == MAX_PPM
    for _ in range(UPDATE_FRAMES):
        drift.observe(TARGET_MS)
    assert abs(drift.ppm) < 1


def test_a_correction_lasts_a_second_and_has_a_limit() -> None:
    drift = Drift(TARGET_MS)
    given = [drift.observe(0.0) for _ in range(2 * UPDATE_FRAMES)]
    assert given[: UPDATE_FRAMES - 1] == [0.0] * (UPDATE_FRAMES - 1)
    assert given[UPDATE_FRAMES - 1 :] == [-MAX_PPM] * (UPDATE_FRAMES + 1)
