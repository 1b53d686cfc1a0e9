import numpy as np
import pytest
from drawn_face import no_progress
from talking import gap_codes

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.silence import (
    Curve,
    faded_percent,
    level_db,
    measure_silence,
    mixed,
    silence_figures,
    with_noise,
)
from lipstream.evaluate.truth import TruthClip
from lipstream.types import Float32, Pcm


def curve(values: Float32) -> Curve:
    return Curve(values, -60.0)


def known_clip(pcm: Pcm) -> TruthClip:
    """A clip whose lips open and shut all the time."""
    frames = -(-len(pcm) // 640)
    return TruthClip(pcm, gap_codes(frames, 9.0), (), list(range(frames)), np.zeros(0, np.float32))


def test_the_worse_of_both_sounds_counts() -> None:
    still, restless = np.full(100, 0.01, np.float32), np.tile(np.array([0.0, 0.04], np.float32), 50)
    restless[:2] = np.nan
    figures = silence_figures({"digital": curve(still), "room": curve(restless)})
    values = {figure.name: figure.value for figure in figures}
    assert values["silence.deviation_percent"] == pytest.approx(2.0, rel=1e-3)
    assert values["silence.mean_percent"] == pytest.approx(2.0, rel=1e-3)
    assert values["silence.face_found_percent"] == pytest.approx(99.0)
    assert "room" in figures[0].meaning


def test_a_sound_over_which_no_face_is_found_is_the_worst() -> None:
    still, lost = np.full(5, 0.01, np.float32), np.full(5, np.nan, np.float32)
    for curves in ({"digital": curve(still), "room": curve(lost)}, {"room": curve(lost), "digital": curve(still)}):
        figures = silence_figures(curves)
        assert [figure.passes for figure in figures] == [False, False, False]
        assert "room" in figures[0].meaning


def test_the_tiny_avatar_is_still_and_moves_with_two_talkers(subject: Subject, hello: Pcm) -> None:
    clips = [known_clip(hello), known_clip(hello[::-1].copy())]
    measured = measure_silence(subject, clips, None, no_progress, seconds=1)
    figures = {figure.name: figure for figure in measured.figures}
    for group in ("silence", "sounds"):
        assert figures[f"{group}.deviation_percent"].passes is True
        assert figures[f"{group}.mean_percent"].passes is True
    rows = {row[0]: row for row in measured.tables[0].rows}
    assert float(rows["two sentences at once"][2]) > 5 * figures["sounds.deviation_percent"].value
    assert rows["digital"][1] == -120.0
    assert "music" in measured.plots[0].series
    assert figures["sounds.moved_percent"].value < 5
    assert "sounds.faded_percent" in figures


def test_without_speech_only_sounds_are_measured(subject: Subject) -> None:
    measured = measure_silence(subject, [], None, no_progress, seconds=1)
    assert "sounds.faded_percent" not in {figure.name for figure in measured.figures}
    assert "two sentences at once" not in measured.plots[0].series


def test_speech_that_is_faded_is_counted(hello: Pcm) -> None:
    spoken, silent = known_clip(hello), known_clip(np.zeros(16_000, np.float32))
    assert faded_percent([(spoken, hello)]) < 30.0  # hello pauses, the clip's lips do not
    assert faded_percent([(silent, silent.pcm)]) == 100.0
    assert faded_percent([(spoken, np.zeros_like(hello))]) == 100.0


def test_noise_and_talkers_are_as_loud_as_said(hello: Pcm) -> None:
    noise = with_noise(hello) - hello
    assert level_db(noise) == pytest.approx(level_db(hello), abs=0.5)
    assert len(mixed(hello, hello[:5000])) == 5000
    assert level_db(mixed(hello, -hello)) == -120.0
