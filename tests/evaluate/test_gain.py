from typing import Any

import numpy as np
import pytest
from drawn_face import no_progress

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.gain import GAINS, Gained, gain_figures, measure_gain, vowel_openings
from lipstream.evaluate.speaking import LIP_GAP, heard_codes
from lipstream.evaluate.truth import TruthClip
from lipstream.types import Float32, Pcm

WIDE = np.arange(40) % 4 == 0
CURVE = (0.02 + 0.01 * np.sin(np.arange(40) / 4)).astype(np.float32)


def spoken(openings: list[Float32]) -> list[Gained]:
    return [Gained(gain, opening, 50.0) for gain, opening in zip(GAINS, openings, strict=True)]


def values(openings: list[Float32]) -> dict[str, tuple[Any, bool | None]]:
    return {figure.name: (figure.value, figure.passes) for figure in gain_figures(spoken(openings), WIDE)}


def test_a_mouth_that_opens_with_the_gain_passes() -> None:
    found = values([np.float32(gain) * CURVE for gain in GAINS])
    assert found["gain.opening_r"] == (pytest.approx(1.0), True)
    assert found["gain.least_rise_percent"] == (pytest.approx(100 * 0.25 * CURVE[WIDE].mean(), rel=1e-3), True)
    assert found["gain.tremble_times"][0] == pytest.approx(1.0)
    assert found["gain.face_found_percent"][0] == 100.0


def test_a_mouth_that_stops_opening_fails() -> None:
    found = values([np.float32(min(gain, 1.0)) * CURVE for gain in GAINS])
    assert found["gain.least_rise_percent"] == (pytest.approx(0.0), False)
    assert found["gain.opening_r"][1] is False


def test_a_trembling_mouth_is_seen() -> None:
    openings = [np.float32(gain) * CURVE for gain in GAINS]
    openings[-1] = openings[-1] + np.where(np.arange(40) % 2, np.float32(0.004), np.float32(0))
    assert values(openings)["gain.tremble_times"][0] > 2


def test_a_lost_face_is_no_number() -> None:
    openings = [np.float32(gain) * CURVE for gain in GAINS]
    openings[0] = np.full(40, np.nan, np.float32)
    assert np.isnan(vowel_openings(spoken(openings), WIDE)[0])
    assert values(openings)["gain.least_rise_percent"][1] is False
    assert values(openings)["gain.face_found_percent"][0] == pytest.approx(80.0)


def test_the_tiny_avatar_opens_with_the_gain(subject: Subject, hello: Pcm) -> None:
    codes = heard_codes(subject.avatar, hello)
    known = codes / max(float(codes[:, LIP_GAP].max()), 1e-6)
    clip = TruthClip(hello, known, (), list(range(len(codes))), np.zeros(0, np.float32))
    measured = measure_gain(subject, [clip], no_progress)
    found = {figure.name: figure.value for figure in measured.figures}
    assert found["gain.least_rise_percent"] > 0
    assert len(measured.tables[0].rows) == len(GAINS)
