from lipstream.pipeline.backlog import Backlog
from lipstream.types import FRAME_MS, FRAME_RATE_HZ

TARGET_MS = 80.0


class Observed:
    """A backlog and the time that its levels are of."""

    def __init__(self, target_ms: float = TARGET_MS) -> None:
        self.backlog, self._now_ms = Backlog(target_ms), 0.0

    def after(self, *levels_ms: float, every_ms: float = FRAME_MS) -> tuple[int, int]:
        for level_ms in levels_ms:
            self._now_ms += every_ms
            self.backlog.observe(level_ms, self._now_ms)
        return self.backlog.spare_frames, self.backlog.overdue_frames


def second(level_ms: float) -> list[float]:
    """From its beginning to its end."""
    return [level_ms] * (FRAME_RATE_HZ + 1)


def test_what_lasts_less_than_a_second_or_is_little_is_left_as_it_is() -> None:
    assert Observed().after(*second(400)[1:]) == (0, 0)
    assert Observed().after(*second(200)) == (0, 0)
    assert Observed().after(*second(400)[1:], 90.0, *second(400)[1:]) == (0, 0)


def test_the_lowest_level_of_a_second_is_taken_back_to_the_target() -> None:
    assert Observed().after(900.0, *second(405)) == (8, 0)


def test_what_a_short_pause_did_not_take_back_is_left_to_the_next() -> None:
    observed = Observed()
    assert observed.after(*second(400)) == (8, 0)
    observed.backlog.left_out(3)
    assert observed.after(280.0) == (5, 0)
    assert observed.after(170.0, 170.0) == (2, 0)  # somebody else took of it
    assert observed.after(60.0, 400.0) == (0, 0)


def test_what_is_later_than_2_s_is_overdue() -> None:
    assert Observed().after(*second(2_500)) == (60, 12)


def test_what_is_too_much_goes_by_what_there_is_to_be() -> None:
    assert Observed(400.0).after(*second(445)) == (0, 0)
    assert Observed(400.0).after(*second(520)) == (0, 0)
    assert Observed(400.0).after(*second(521)) == (3, 0)


def test_what_is_being_caught_up_with_is_not_too_late() -> None:
    assert Observed().after(*[3_000.0] * 200, every_ms=8.0) == (0, 0)
    assert Observed().after(*[3_000.0] * 200, every_ms=34.0) == (0, 0)
    assert Observed().after(*[3_000.0] * 200, every_ms=50.0) == (73, 25)


def test_what_was_before_a_stall_says_nothing() -> None:
    observed = Observed()
    observed.after(*second(3_000)[1:])
    assert observed.after(4_000.0, every_ms=700.0) == (0, 0)
    assert observed.after(*second(4_000)[1:]) == (98, 50)
