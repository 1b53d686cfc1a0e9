import pytest

from lipstream.pipeline.session import Passed
from lipstream.serve.live.latency import Averages, stages_of
from lipstream.serve.live.opening import Latency

SPOKEN = Passed(came_ms=0, heard_ms=200, turn_ms=250, due_ms=290, painted_ms=265, taken_ms=300, repeated=False)
FILLER = Passed(None, None, turn_ms=250, due_ms=290, painted_ms=270, taken_ms=300, repeated=False)


def test_a_frame_is_followed_from_station_to_station() -> None:
    assert stages_of(SPOKEN) == {"heard": 200, "queued": 50, "painted": 15}
    assert stages_of(FILLER) == {"painted": 20}
    assert SPOKEN.late_ms == -25


def test_averages_follow_what_comes() -> None:
    averages = Averages()
    assert averages.latency() == Latency()
    averages.add(stages_of(SPOKEN))
    averages.add({"sent": 7})
    assert averages.latency() == Latency(heard_ms=200, queued_ms=50, painted_ms=15, sent_ms=7)
    averages.add(stages_of(FILLER))
    assert averages.latency().painted_ms == pytest.approx(15.2)
    for _ in range(300):
        averages.add({"painted": 90})
    assert averages.latency().painted_ms == pytest.approx(90, abs=0.01)
