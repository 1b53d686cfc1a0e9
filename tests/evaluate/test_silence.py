import numpy as np
import pytest
from drawn_face import no_progress

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.silence import measure_silence, quiet_sounds, silence_figures


def test_quiet_sounds_are_quiet_and_the_same_every_time() -> None:
    sounds = quiet_sounds()
    assert not sounds["digital"].any()
    assert len(sounds["room"]) == 8 * 16_000
    assert float(np.sqrt(np.mean(np.square(sounds["room"])))) == pytest.approx(1e-3, rel=1e-4)
    np.testing.assert_array_equal(sounds["room"], quiet_sounds()["room"])


def test_the_worse_of_both_sounds_counts() -> None:
    still, restless = np.full(100, 0.01, np.float32), np.tile(np.array([0.0, 0.04], np.float32), 50)
    restless[:2] = np.nan
    values = {figure.name: figure.value for figure in silence_figures({"digital": still, "room": restless})}
    assert values["silence.deviation_percent"] == pytest.approx(2.0, rel=1e-3)
    assert values["silence.mean_percent"] == pytest.approx(2.0, rel=1e-3)
    assert values["silence.face_found_percent"] == pytest.approx(99.0)


def test_without_any_face_only_that_is_said() -> None:
    (only,) = silence_figures({"digital": np.full(5, np.nan, np.float32)})
    assert (only.name, only.value, only.passes) == ("silence.face_found_percent", 0.0, False)


def test_the_tiny_avatar_is_still(subject: Subject) -> None:
    figures = measure_silence(subject, no_progress, seconds=1)
    assert {figure.name: figure.passes for figure in figures} == {
        "silence.deviation_percent": True,
        "silence.mean_percent": True,
        "silence.face_found_percent": True,
    }
