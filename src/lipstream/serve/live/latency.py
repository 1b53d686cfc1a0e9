"""When frames passed their stations in, where a session's time goes out, stage by stage."""

from collections.abc import Mapping

from lipstream.pipeline.session import Passed
from lipstream.serve.live.opening import Latency, Stage

AVERAGED_FRAMES = 25


def stages_of(passed: Passed) -> dict[Stage, float]:
    """What a frame took at each station before it was taken, in ms; a filler was neither heard nor queued."""
    stages: dict[Stage, float] = {"painted": passed.painted_ms - passed.turn_ms}
    if passed.came_ms is not None and passed.heard_ms is not None:
        stages["heard"] = passed.heard_ms - passed.came_ms
        stages["queued"] = passed.turn_ms - passed.heard_ms
    return stages


class Averages:
    """Running averages of every stage, in which a frame's weight halves within 17 others'."""

    def __init__(self) -> None:
        self._ms: dict[Stage, float] = {}

    def add(self, stages: Mapping[Stage, float]) -> None:
        """Count what a frame took, in ms."""
        for stage, ms in stages.items():
            average_ms = self._ms.setdefault(stage, ms)
            self._ms[stage] = average_ms + (ms - average_ms) / AVERAGED_FRAMES

    def latency(self) -> Latency:
        """As they stand; 0 for a stage that no frame has passed."""
        return Latency(**{f"{stage}_ms": ms for stage, ms in self._ms.items()})
