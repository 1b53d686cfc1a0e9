from dataclasses import dataclass, field

import pytest

from lipstream.serve.live.pressure import CALM_MS, LATE_MS, LONGEST_CALM_MS, Less, Pressure

IN_TIME, LATE = 0.0, LATE_MS + 1


@dataclass
class Frames:
    """25 frames a second, and when they made a difference."""

    now_ms: float = 0.0
    steps: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pressure = Pressure(0.0)

    def seconds(self, seconds: float, *, late: int = 0) -> None:
        """So many of every 25 are late."""
        for frame in range(round(25 * seconds)):
            self.now_ms += 40
            step = self.pressure.observe("one", LATE if frame % 25 < late else IN_TIME, self.now_ms)
            if step is not None:
                self.steps.append((self.now_ms, 1 if isinstance(step, Less) else -1))


def test_late_frames_ask_for_less_and_again_after_a_second_in_which_that_takes_effect() -> None:
    frames = Frames()
    frames.seconds(5, late=2)
    assert frames.steps == [(1_000, 1), (3_000, 1), (5_000, 1)]


def test_a_single_late_frame_changes_nothing() -> None:
    frames = Frames()
    frames.seconds(4, late=1)
    assert frames.steps == []


def test_after_a_calm_more_is_tried() -> None:
    frames = Frames()
    frames.seconds(1, late=25)
    frames.seconds(20)
    assert [step for _, step in frames.steps] == [1, -1, -1, -1, -1]
    assert frames.steps[1][0] == 1_000 + CALM_MS


def test_every_try_that_fails_makes_the_next_one_later() -> None:
    frames = Frames()
    frames.seconds(1, late=25)
    waits = []
    for _ in range(7):
        since_ms = frames.now_ms
        while frames.steps[-1][1] > 0:
            frames.seconds(1)
        waits.append(frames.now_ms - since_ms)
        frames.seconds(1, late=25)  # and that was too much
    assert waits[:4] == [CALM_MS, 2 * CALM_MS, 4 * CALM_MS, 8 * CALM_MS]
    assert max(waits) == LONGEST_CALM_MS


def test_a_try_that_lasts_is_forgiven() -> None:
    frames = Frames()
    frames.seconds(1, late=25)
    frames.seconds(5)
    frames.seconds(1, late=25)
    frames.seconds(10 + 10 + 5)  # the second try lasts, and is followed by others
    assert [step for _, step in frames.steps] == [1, -1, 1, -1, -1, -1]


@pytest.mark.parametrize(("late", "spread"), [("a", False), ("ab", False), ("abc", True), ("abcd", True)])
def test_it_is_told_who_is_late_and_whether_most_are(late: str, spread: bool) -> None:
    pressure, steps = Pressure(0.0), []
    for frame in range(1, 27):
        steps += [pressure.observe(one, LATE if one in late else IN_TIME, 40.0 * frame) for one in "abcd"]
    assert [step for step in steps if step is not None] == [Less(frozenset(late), spread)]
