from pathlib import Path

import numpy as np
import pytest
from drawn_face import no_progress

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.real import Comparison, Recording, compare, find_recordings, measured_real, real_figures
from lipstream.pipeline.offline import render_file
from lipstream.types import Float32

HELLO = Path(__file__).parents[2] / "examples" / "hello.wav"


def comparison(speaker: str, theirs: Float32, late: int, noise: float) -> Comparison:
    rng = np.random.default_rng(3)
    ours = (np.roll(theirs, late) + noise * rng.standard_normal(len(theirs))).astype(np.float32)
    recording = Recording("grid_s1" if speaker == "grid_s1" else "other_speakers", speaker, Path(f"{speaker}.mpg"))
    voiced = np.arange(len(theirs)) % 2 == 0
    return Comparison(recording, theirs, ours, -theirs, rng.random(len(theirs), np.float32), voiced)


CURVE = np.sin(np.arange(75, dtype=np.float32) / 3)


def figures(comparisons: list[Comparison]) -> dict[str, float]:
    return {figure.name: figure.value for figure in real_figures(comparisons)}


def test_every_speaker_counts_as_much_as_another() -> None:
    bad = [comparison("grid_s1", CURVE, 0, 9.0)] * 9
    good = [comparison(name, CURVE, 0, 0.0) for name in ("a", "b")]
    values = figures([*bad, *good])
    assert values["real.opening_r"] == pytest.approx(1.0)
    assert values["real.other_speakers_opening_r"] == pytest.approx(1.0)
    assert values["real.grid_s1_opening_r"] < 0.5
    assert abs(values["real.loudness_r"]) < 0.4
    assert values["real.code_r"] == pytest.approx(-1.0)
    assert "real.other_speakers_opening_r" not in figures(bad)


def test_a_speaker_is_the_median_of_their_clips() -> None:
    clips = [comparison("grid_s1", CURVE, 0, 0.0)] * 2 + [comparison("grid_s1", CURVE, 0, 9.0)]
    assert figures(clips)["real.grid_s1_opening_r"] == pytest.approx(1.0)


def test_frames_without_voice_do_not_count_among_the_voiced() -> None:
    one = comparison("grid_s1", CURVE, 0, 0.0)
    one.ours[~one.voiced] = 7.0
    values = figures([one])
    assert values["real.voiced_opening_r"] == pytest.approx(1.0)
    assert values["real.opening_r"] < 0.9


def test_lost_faces_are_told() -> None:
    one = comparison("grid_s1", CURVE, 0, 0.0)
    one.ours[:15] = np.nan
    values = figures([one])
    assert values["real.opening_r"] == pytest.approx(1.0)
    assert values["real.face_found_percent"] == pytest.approx(80.0)


def test_lips_that_come_late_are_noticed() -> None:
    measured = measured_real([comparison(name, CURVE, 2, 0.0) for name in ("grid_s1", "a")])
    assert {figure.name: figure.value for figure in measured.figures}["real.lag_frames"] == 2
    (table,) = measured.tables
    assert [(row[0], row[1], row[-1]) for row in table.rows] == [("grid_s1", 1, 2), ("a", 1, 2)]
    assert len(measured.plots) == 3  # a clip of each set, and r by lag
    assert all(len(row) == len(table.header) for row in table.rows)


def test_a_recording_in_both_sets_is_taken_once(tmp_path: Path) -> None:
    for name, content in (
        ("grid_s1/a.mpg", b"1"),
        ("grid_s1/b.mpg", b"2"),
        ("grid_10_speakers/a.mpg", b"1"),
        ("grid_10_speakers/c.mpg", b"3"),
        ("videoretalking_face3.mp4", b"4"),
    ):
        path = tmp_path / "talking_head" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    found = [(one.speakers, one.speaker, one.path.stem) for one in find_recordings(tmp_path)]
    assert found == [
        ("grid_s1", "grid_s1", "a"),
        ("grid_s1", "grid_s1", "b"),
        ("other_speakers", "c", "c"),
        ("other_speakers", "videoretalking_face3", "videoretalking_face3"),
    ]


def test_an_avatar_follows_a_recording_of_itself(tmp_path: Path, subject: Subject) -> None:
    video = tmp_path / "self.mp4"
    render_file(HELLO, video, subject.avatar)
    (itself,) = compare(subject, [Recording("grid_s1", "grid_s1", video)], no_progress)
    values = figures([itself])
    assert float(itself.theirs.max()) > 0.01  # it does open its mouth
    assert 0.3 < np.mean(itself.voiced) <= 1.0
    assert values["real.opening_r"] > 0.9
    assert values["real.lag_frames"] == 0
