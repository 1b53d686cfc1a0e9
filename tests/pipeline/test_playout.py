from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from lipstream.pipeline.hearing import Heard
from lipstream.pipeline.playout import (
    FADE_SAMPLES,
    REST_FRAMES,
    Ended,
    Event,
    Playout,
    Resting,
    Shown,
    Speaking,
    Underrun,
)
from lipstream.types import FRAME_SAMPLES


def heard(*jaws: float) -> list[Heard]:
    full = partial(np.full, dtype=np.float32)
    return [Heard(full(12, jaw), full(FRAME_SAMPLES, jaw), FRAME_SAMPLES, pause=not jaw) for jaw in jaws]


def shown(playout: Playout, frames: int) -> list[Shown | Event]:
    return [step for _ in range(frames) for step in playout.next(bridge=True)]


def jaws(steps: list[Shown | Event]) -> list[float]:
    return [round(float(step.code[0]), 3) for step in steps if isinstance(step, Shown)]


def kinds(steps: list[Shown | Event]) -> list[type]:
    return [type(step) for step in steps if isinstance(step, Event)]


@pytest.mark.parametrize("preroll_frames", [1, 2, 5])
def test_speech_begins_with_its_pre_roll(preroll_frames: int) -> None:
    playout = Playout(preroll_frames)
    for _ in range(preroll_frames):
        assert not playout.ready
        assert jaws(shown(playout, 1)) == [0.0]
        playout.put(heard(0.5))
    assert playout.ready
    assert jaws(shown(playout, 1)) == [0.5]


def test_speech_that_is_complete_needs_no_pre_roll() -> None:
    playout = Playout(5)
    playout.put(heard(0.5))
    playout.end()
    steps = shown(playout, 2)
    assert jaws(steps) == [0.5, 0.5]
    assert kinds(steps) == [Speaking, Ended]
    assert playout.underruns == 0


def test_the_mouth_holds_and_eases_to_rest() -> None:
    playout = Playout(1)
    playout.put(heard(1.0))
    steps = shown(playout, 10)
    assert jaws(steps) == [1.0, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0, 0.0, 0.0]
    assert kinds(steps) == [Speaking, Underrun]
    assert [step.filler for step in steps if isinstance(step, Shown)] == [False] + [True] * 9


def test_after_an_under_run_the_pre_roll_is_gathered_again() -> None:
    playout = Playout(3)
    playout.put(heard(0.1, 0.2, 0.3))
    assert jaws(shown(playout, 3)) == [0.1, 0.2, 0.3]
    shown(playout, 20)
    playout.put(heard(0.4, 0.5))
    assert jaws(shown(playout, 1)) == [0.0]
    playout.put(heard(0.6))
    assert jaws(shown(playout, 3)) == [0.4, 0.5, 0.6]
    assert playout.underruns == 1


def test_rest_is_told_after_a_while_and_speech_at_once() -> None:
    playout = Playout(1)
    pause = [0.0] * (REST_FRAMES - 1)
    playout.put(heard(0.5, *pause, 0.5, *pause, 0.0, 0.0, 0.5))
    events = [step for step in shown(playout, 3 + 2 * REST_FRAMES) if isinstance(step, Event)]
    assert [(type(event), event.frame_index) for event in events] == [
        (Speaking, 0),
        (Resting, 2 * REST_FRAMES),
        (Speaking, 2 * REST_FRAMES + 2),
    ]


def test_frames_count_on_through_fillers_and_events_say_what_was_played() -> None:
    playout = Playout(1)
    shown(playout, 3)
    playout.put(heard(0.5, 0.5))
    playout.end()
    playout.end()
    steps = shown(playout, 3)
    assert [step.index for step in steps if isinstance(step, Shown)] == [3, 4, 5]
    assert [step for step in steps if isinstance(step, Ended)] == [Ended(5, 1_280), Ended(5, 1_280)]


def test_without_a_pace_there_are_no_fillers() -> None:
    playout = Playout(1)
    assert playout.next(bridge=False) == []
    playout.put(heard(0.5))
    assert jaws(playout.next(bridge=False)) == [0.5]
    assert playout.next(bridge=False) == []
    assert playout.underruns == 0


def test_a_drop_goes_back_to_what_was_seen_last() -> None:
    playout = Playout(1)
    playout.put(heard(0.1, 1.0, 0.3, 0.4))
    playout.end()
    steps = shown(playout, 3)
    seen = [step for step in steps if isinstance(step, Shown)][1]
    assert playout.queued_samples == FRAME_SAMPLES
    assert playout.drop(seen, 1_280, speaking=True) == 1
    steps = shown(playout, REST_FRAMES + 4)
    assert jaws(steps)[:6] == [0.8, 0.6, 0.4, 0.2, 0.0, 0.0]
    assert kinds(steps) == [Resting]
    assert next(step.index for step in steps if isinstance(step, Shown)) == 2
    assert not playout.ready


def test_frames_of_a_pause_are_left_out_and_the_sound_fades_over_them() -> None:
    playout = Playout(1)
    playout.put(heard(0.5, 0.0, 0.0, 0.0, 0.0, 0.7))
    playout._queue[2] = replace(playout._queue[2], audio=np.full(FRAME_SAMPLES, 0.3, np.float32))
    assert jaws(shown(playout, 1)) == [0.5]
    assert playout.skip(9, saying=0) == 0  # somebody speaks
    assert jaws(shown(playout, 1)) == [0.0]
    assert playout.skip(2, saying=0) == 2
    assert playout.queued_samples == 4 * FRAME_SAMPLES
    (step,) = shown(playout, 1)
    assert isinstance(step, Shown)
    assert (step.index, step.skipped_samples) == (2, 2 * FRAME_SAMPLES)
    assert step.audio[0] == np.float32(0.3)  # as the first that was left out
    assert not step.audio[FADE_SAMPLES:].any()
    assert np.abs(np.diff(step.audio)).max() < 0.002
    assert jaws(shown(playout, 1)) == [0.7]
    assert playout.skip(9, saying=0) == 0  # nothing waits
    assert playout.underruns == 0


def test_a_pause_is_what_is_not_said_whatever_the_mouth_does() -> None:
    playout = Playout(1)
    still, moving = heard(0.0, 0.0, 0.0), heard(0.5, 0.5, 0.5)
    playout.put([replace(one, pause=False) for one in still])
    shown(playout, 1)
    assert playout.skip(9, saying=0) == 0
    shown(playout, 2)
    playout.put([replace(one, pause=True) for one in moving])
    shown(playout, 1)
    assert playout.skip(9, saying=0) == 1  # the last one that waits stays


def test_speech_is_left_out_where_it_must_be_and_none_before_an_end() -> None:
    playout = Playout(1)
    playout.put(heard(0.1, 0.2, 0.3, 0.4, 0.5))
    assert playout.skip(9, saying=2) == 2
    assert playout.skip(9, saying=1) == 1
    steps = shown(playout, 1)
    assert jaws(steps) == [0.4]
    assert [step.skipped_samples for step in steps if isinstance(step, Shown)] == [3 * FRAME_SAMPLES]
    playout.put(heard(0.6))
    playout.end()
    assert playout.skip(9, saying=9) == 0
    steps = shown(playout, 2)
    assert kinds(steps) == [Ended]
