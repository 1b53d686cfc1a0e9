from lipstream.pipeline.backlog import Backlog
from lipstream.types import FRAME_RATE_HZ

TARGET_MS = 80.0


def observed(backlog: Backlog, *levels_ms: float) -> tuple[int, int]:
    for level_ms in levels_ms:
        backlog.observe(level_ms)
    return backlog.spare_frames, backlog.overdue_frames


def second(level_ms: float) -> list[float]:
    return [level_ms] * FRAME_RATE_HZ


def test_what_lasts_less_than_a_second_or_is_little_is_left_as_it_is() -> None:
    assert observed(Backlog(TARGET_MS), *second(400)[1:]) == (0, 0)
    assert observed(Backlog(TARGET_MS), *second(200)) == (0, 0)
    assert observed(Backlog(TARGET_MS), *second(400)[1:], 90.0, *second(400)[1:]) == (0, 0)


def test_the_lowest_level_of_a_second_is_taken_back_to_the_target() -> None:
    assert observed(Backlog(TARGET_MS), 900.0, *second(405)) == (8, 0)


def test_what_a_short_pause_did_not_take_back_is_left_to_the_next() -> None:
    backlog = Backlog(TARGET_MS)
    assert observed(backlog, *second(400)) == (8, 0)
    backlog.left_out(3)
    assert observed(backlog, 280.0) == (5, 0)
    assert observed(backlog, 170.0, 170.0) == (2, 0)  # somebody else took of it
    assert observed(backlog, 60.0, 400.0) == (0, 0)


def test_what_is_later_than_2_s_is_overdue() -> None:
    assert observed(Backlog(TARGET_MS), *second(2_500)) == (60, 12)
