from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from drawn_face import no_progress

from lipstream.evaluate import lookahead
from lipstream.evaluate.faces import Subject
from lipstream.evaluate.lookahead import (
    LOOKAHEADS_MS,
    Heard,
    Sweep,
    lookahead_figures,
    measure_lookahead,
    median_r,
    pooled_r,
    some_of_each,
)
from lipstream.evaluate.real import Recording
from lipstream.evaluate.speaking import heard_codes
from lipstream.evaluate.truth import TruthClip
from lipstream.pipeline.offline import render_file
from lipstream.speech.codes import SpeechToCode
from lipstream.types import Engine, Float32, Pcm

HELLO = Path(__file__).parents[2] / "examples" / "hello.wav"
CURVE = np.sin(np.arange(40, dtype=np.float32))
NOTHING = np.zeros(0, np.float32)


def heard(lips: Float32, speaker: str = "") -> Heard:
    return Heard(NOTHING, lips, speaker)


def test_the_sweep_runs_from_the_shortest_to_the_full_look_ahead() -> None:
    assert list(LOOKAHEADS_MS) == [172, 212, 252, 292, 332, 372, 412, 452]


def test_what_live_use_loses() -> None:
    sweep = Sweep(np.array([0.5, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.78], np.float32), 9)
    values = {figure.name: figure for figure in lookahead_figures({"truth": sweep, "real": sweep})}
    assert values["lookahead.truth_loss_r"].value == pytest.approx(0.08)
    assert values["lookahead.truth_loss_r"].passes is False
    assert values["lookahead.real_live_r"].value == pytest.approx(0.7)


def test_one_face_is_pooled_and_different_ones_are_not() -> None:
    known = [heard(CURVE, "a"), heard(CURVE + 5, "b"), heard(-CURVE, "c")]
    gaps = [[CURVE, CURVE, CURVE]]
    assert median_r(gaps, known)[0] == pytest.approx(1.0)
    many = [heard(CURVE, "a")] * 5 + [heard(-CURVE, "b"), heard(-CURVE, "c")]
    assert median_r([[CURVE] * 7], many)[0] == pytest.approx(-1.0)  # two of three speakers
    assert pooled_r(gaps, known)[0] < 0.5
    assert pooled_r([[CURVE, CURVE + 5, -CURVE]], known)[0] == pytest.approx(1.0)


def test_some_recordings_of_each_speaker_are_taken_evenly() -> None:
    many = [Recording("grid_s1", "s1", Path(str(number))) for number in range(90)]
    one = Recording("other_speakers", "s2", Path("other"))
    taken = some_of_each([*many, one], 4)
    assert [recording.path.name for recording in taken] == ["0", "30", "59", "89", "other"]
    assert some_of_each(many[:3], 4) == many[:3]


class Noting(SpeechToCode):
    """Notes the look-ahead of every speech; the tiny networks hear the same with any."""

    asked_ms: ClassVar[list[int]] = []

    def __init__(self, encoder: Engine, articulation: Engine, *, lookahead_ms: int) -> None:
        super().__init__(encoder, articulation, lookahead_ms=lookahead_ms)
        self.asked_ms.append(lookahead_ms)


def test_known_and_real_speech_are_heard_with_every_look_ahead(
    subject: Subject, hello: Pcm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookahead, "SpeechToCode", Noting)
    codes = heard_codes(subject.avatar, hello)
    clip = TruthClip(hello, codes, (), list(range(len(codes))), NOTHING)
    render_file(HELLO, tmp_path / "self.mp4", subject.avatar)
    measured = measure_lookahead(
        subject, [clip], [Recording("other_speakers", "tiny", tmp_path / "self.mp4")], no_progress
    )
    values = {figure.name: figure.value for figure in measured.figures}
    truth, real = measured.plots[0].series.values()
    assert Noting.asked_ms == [*LOOKAHEADS_MS, *LOOKAHEADS_MS]  # the known clip, then the recording
    assert truth[-1] == pytest.approx(1.0)
    assert values["lookahead.truth_live_r"] == pytest.approx(float(truth[1]))
    assert values["lookahead.real_live_r"] > 0.8
    assert len(real) == len(LOOKAHEADS_MS)
    assert measured.plots[0].positions is not None
