"""How far the queue in front of the speaker is from where it should be in, the resampler's correction in ppm out."""

from lipstream.types import FRAME_MS

MAX_PPM = 300.0
"""A correction is never larger: half a hundredth of a semitone, which nobody hears; quartz is off by 100 at most."""
UPDATE_FRAMES = 25
"""Levels are averaged over a second: arrivals jitter by tens of milliseconds, drift is 0.3 ms a second at most."""
_UPDATE_S = UPDATE_FRAMES * FRAME_MS / 1000.0

# A deviation of 1 ms is met by 10 ppm, and by 0.025 ppm more every second it lasts: with 1 ppm of correction moving the
# level by 0.001 ms a second, that is a loop of 200 s without overshoot, which lets a drift of 200 ppm reach 15 ms.
_PROPORTIONAL_PPM_PER_MS = 10.0
_INTEGRAL_PPM_PER_MS_S = 0.025


class Drift:
    """Follows a clock that is not ours, such as a microphone's, by the level of a queue that it fills.

    Args:
        target_ms: the level to keep.
    """

    def __init__(self, target_ms: float) -> None:
        self._target_ms = target_ms
        self._sum_ms = 0.0
        self._frames = 0
        self._lasting_ppm = 0.0
        self.ppm = 0.0

    def observe(self, level_ms: float) -> float:
        """Take the level of the queue, once a frame.

        Args:
            level_ms: what waits.

        Returns:
            How much faster than declared the source is to be taken, in ppm, -300 to 300; it changes once a second.
        """
        self._sum_ms += level_ms
        self._frames += 1
        if self._frames == UPDATE_FRAMES:
            self._correct(self._sum_ms / UPDATE_FRAMES - self._target_ms)
            self._sum_ms, self._frames = 0.0, 0
        return self.ppm

    def _correct(self, deviation_ms: float) -> None:
        lasting_ppm = self._lasting_ppm + _INTEGRAL_PPM_PER_MS_S * _UPDATE_S * deviation_ms
        wanted_ppm = _PROPORTIONAL_PPM_PER_MS * deviation_ms + lasting_ppm
        self.ppm = min(MAX_PPM, max(-MAX_PPM, wanted_ppm))
        if self.ppm == wanted_ppm:  # at the limit, after a stall, the deviation says nothing about the clock
            self._lasting_ppm = lasting_ppm
