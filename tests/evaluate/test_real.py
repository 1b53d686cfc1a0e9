from pathlib import Path

import numpy as np
import pytest
from drawn_face import no_progress

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.real import Comparison, compare, find_recordings, real_figures
from lipstream.pipeline.offline import render_file
from lipstream.types import Float32

HELLO = Path(__file__).parents[2] / "examples" / "hello.wav"


def comparison(speakers: str, theirs: Float32, late: int, noise: float) -> Comparison:
    rng = np.random.default_rng(3)
    ours = np.roll(theirs, late) + noise * rng.standard_normal(len(theirs))
    return Comparison(speakers, theirs, ours.astype(np.float32), rng.random(len(theirs), np.float32))


def test_figures_take_medians_over_recordings() -> None:
    curve = np.sin(np.arange(75, dtype=np.float32) / 3)
    same = [comparison("one_speaker", curve, 0, 0.0)] * 2 + [comparison("one_speaker", curve, 0, 9.0)]
    others = [comparison("other_speakers", curve, 0, 0.0)]
    values = {figure.name: figure.value for figure in real_figures([*same, *others])}
    assert values["real.opening_r"] == pytest.approx(1.0)
    assert values["real.lag_frames"] == 0
    assert abs(values["real.loudness_r"]) < 0.4
    assert values["real.other_speakers_opening_r"] == pytest.approx(1.0)
    late = {figure.name: figure.value for figure in real_figures([comparison("one_speaker", curve, 2, 0.0)])}
    assert late["real.lag_frames"] == 2
    assert "real.other_speakers_opening_r" not in late


def test_a_recording_in_both_sets_is_taken_once(tmp_path: Path) -> None:
    for folder, name, content in (
        ("grid_s1", "a", b"1"),
        ("grid_10_speakers", "a", b"1"),
        ("grid_10_speakers", "b", b"2"),
    ):
        path = tmp_path / "talking_head" / folder / f"{name}.mpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    found = [(speakers, path.stem) for speakers, path in find_recordings(tmp_path)]
    assert found == [("one_speaker", "a"), ("other_speakers", "b")]


def test_an_avatar_follows_a_recording_of_itself(tmp_path: Path, subject: Subject) -> None:
    video = tmp_path / "self.mp4"
    render_file(HELLO, video, subject.avatar)
    (itself,) = compare(subject, [("one_speaker", video)], no_progress)
    values = {figure.name: figure.value for figure in real_figures([itself])}
    assert float(itself.theirs.max()) > 0.01  # it does open its mouth
    assert values["real.opening_r"] > 0.9
    assert values["real.lag_frames"] == 0
