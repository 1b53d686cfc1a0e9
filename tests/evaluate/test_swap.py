from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawn_face import no_progress
from talking import LeavesTheClip, talk_of

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.swap import SwapRun, swap_figures, swap_plot, swap_run
from lipstream.types import Float32

FRAMES = 60
CURVE: Float32 = (0.03 + 0.02 * np.sin(np.arange(FRAMES) / 3)).astype(np.float32)


def run_of(**curves: float) -> SwapRun:
    still = np.full(FRAMES, 0.01, np.float32)
    driving: Float32 = (0.05 + 0.05 * np.sin(np.arange(FRAMES) / 2)).astype(np.float32)
    return SwapRun(
        idle=CURVE,
        elsewhere=CURVE + np.float32(curves.get("elsewhere", 0.0)) * driving,
        talking=CURVE + np.float32(curves.get("leak", 0.0)) * driving,
        driving=driving,
        rest=still,
        rest_elsewhere=still,
    )


def values(run: SwapRun) -> dict[str, tuple[Any, bool | None]]:
    return {figure.name: (figure.value, figure.passes) for figure in swap_figures(run)}


def test_a_mouth_that_nothing_shows_through_passes() -> None:
    found = values(run_of())
    assert found["swap.talking_r"] == (pytest.approx(1.0), True)
    assert found["swap.talking_deviation_percent"] == (0.0, True)
    assert found["swap.loop_r"] == (pytest.approx(1.0), True)
    assert found["swap.driving_r"][0] == 0.0


def test_a_mouth_that_shows_through_is_seen_and_named() -> None:
    found = values(run_of(leak=0.3))
    assert found["swap.talking_r"][1] is False
    assert found["swap.talking_deviation_percent"][1] is False
    assert found["swap.driving_r"][0] == pytest.approx(1.0)
    assert found["swap.loop_r"][1] is True
    assert values(run_of(elsewhere=0.3))["swap.loop_r"][1] is False


def test_frames_without_a_face_are_left_out_and_no_face_fails() -> None:
    run = run_of()
    gone = run.talking.copy()
    gone[:5] = np.nan
    assert values(replace(run, talking=gone))["swap.talking_deviation_percent"] == (0.0, True)
    nothing = values(replace(run, talking=np.full(FRAMES, np.nan, np.float32)))
    assert nothing["swap.talking_deviation_percent"][1] is False
    assert nothing["swap.talking_r"][1] is False


def test_the_tiny_avatar_says_the_same_over_a_talking_mouth(subject: Subject) -> None:
    run = swap_run(subject, talk_of(subject, FRAMES), no_progress)
    found = values(run)
    assert found["swap.talking_r"][1] is True
    assert found["swap.talking_deviation_percent"][1] is True
    assert float(np.nanstd(run.driving)) > 0.01  # it does talk
    assert set(swap_plot(run).series) == {
        "over the driving clip",
        "started elsewhere",
        "over a talking mouth",
        "that mouth",
    }


def test_an_avatar_that_shows_the_driving_mouth_fails(subject: Subject) -> None:
    leaking = replace(subject, avatar=replace(subject.avatar, face=LeavesTheClip()))
    found = values(swap_run(leaking, talk_of(subject, FRAMES), no_progress))
    assert found["swap.talking_r"][1] is False
    assert found["swap.talking_deviation_percent"][1] is False
    assert found["swap.driving_r"][0] > 0.99
