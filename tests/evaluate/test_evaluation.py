import os
from functools import partial
from pathlib import Path

import pytest
from drawn_face import no_progress

from lipstream.evaluate.evaluation import GROUPS, Material, evaluate
from lipstream.evaluate.faces import Subject
from lipstream.evaluate.silence import measure_silence


@pytest.fixture
def quick_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same measurement of one second in place of six."""
    monkeypatch.setattr("lipstream.evaluate.evaluation.measure_silence", partial(measure_silence, seconds=1))


@pytest.mark.usefixtures("quick_silence")
def test_what_cannot_be_measured_says_why(subject: Subject) -> None:
    evaluation = evaluate(subject, Material(), no_progress)
    assert {figure.name.split(".")[0] for figure in evaluation.figures} == {"silence", "sounds", "seam", "parity"}
    for group in ("truth", "swap", "gain"):
        assert "--truth" in evaluation.not_measured[group]
    for group in ("real", "aligned", "lookahead"):
        assert "LIPSTREAM_DATA" in evaluation.not_measured[group]
    assert evaluation.avatar == "tiny"
    assert evaluation.setting["quality"] == "fast"


def test_a_folder_without_recordings_is_no_measurement(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = {name: GROUPS[name] for name in ("real", "aligned", "lookahead")}
    monkeypatch.setattr("lipstream.evaluate.evaluation.GROUPS", real)
    evaluation = evaluate(subject, Material(data=tmp_path), no_progress)
    assert evaluation.figures == ()
    assert "no recordings" in evaluation.not_measured["real"]
    assert set(evaluation.not_measured) == set(real)


@pytest.mark.slow
def test_real_recordings_are_measured(subject: Subject) -> None:
    root = os.environ.get("LIPSTREAM_DATA")
    if not root:
        pytest.skip("LIPSTREAM_DATA is unset: no recordings of real speakers")
    evaluation = evaluate(subject, Material(data=Path(root)), no_progress)
    assert "real.opening_r" in {figure.name for figure in evaluation.figures}
