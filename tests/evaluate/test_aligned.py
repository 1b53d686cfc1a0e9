import json
from pathlib import Path

import numpy as np
import pytest
from drawn_face import no_progress

from lipstream.errors import InputError
from lipstream.evaluate.aligned import AlignedRecording, find_aligned, measure_aligned, viseme_codes
from lipstream.evaluate.contacts import Spoken
from lipstream.evaluate.faces import Subject
from lipstream.evaluate.phones import SpokenPhone

HELLO = Path(__file__).parents[2] / "examples" / "hello.wav"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One recording in each of the two forms; the sounds are empty, for nobody listens."""
    folder = tmp_path / "aligned_speech"
    words = [
        {"t": "<sil>", "w": [{"b": 0.0, "d": 0.25, "t": "SIL"}]},
        {"t": "bee", "w": [{"b": 0.25, "d": 0.125, "t": "B"}, {"b": 0.375, "d": 0.5, "t": "IY"}]},
    ]
    label = (
        "0 1300000 x^x-sil+hh=iy@x_x/A:0\n1300000 2050000 x^sil-hh+iy=t@1_2/A:0\n2050000 2700000 sil^hh-iy+t=er@2_1\n"
    )
    for name, content in (
        ("librivox/7.phone.json", json.dumps({"w": words})),
        ("librivox/7.wav", ""),
        ("arctic_phone.lab", label),
        ("arctic.wav", ""),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def test_both_forms_of_labels_are_read(data: Path) -> None:
    words, context = find_aligned(data)
    assert words.phones == (SpokenPhone("SIL", 0, 250), SpokenPhone("B", 250, 375), SpokenPhone("IY", 375, 875))
    assert (words.path.name, context.path.name) == ("7.wav", "arctic.wav")
    assert context.phones == (SpokenPhone("SIL", 0, 130), SpokenPhone("HH", 130, 205), SpokenPhone("IY", 205, 270))


def test_labels_without_sound_are_left_out(data: Path) -> None:
    (data / "aligned_speech" / "arctic.wav").unlink()
    assert len(find_aligned(data)) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("arctic_phone.lab", "0 1300000 nothing"),
        ("arctic_phone.lab", "0 x^x-sil+hh=iy"),
        ("librivox/7.phone.json", "{}"),
        ("librivox/7.phone.json", '{"w": [{"w": [{"t": "B"}]}]}'),
    ],
)
def test_broken_labels_are_refused(data: Path, name: str, content: str) -> None:
    path = data / "aligned_speech" / name
    path.write_text(content)
    with pytest.raises(InputError, match=f"{path} cannot be read .*; expected .*: check the file"):
        find_aligned(data)


def test_a_recording_is_judged_phone_by_phone(subject: Subject) -> None:
    phones = [SpokenPhone("SIL", 0, 300), SpokenPhone("HH", 300, 400), SpokenPhone("EH", 400, 500)]
    phones += [SpokenPhone("L", 500, 600), SpokenPhone("OW", 600, 900), SpokenPhone("M", 2000, 2100)]
    measured = measure_aligned(subject, [AlignedRecording(HELLO, tuple(phones))], no_progress)
    names = {figure.name for figure in measured.figures}
    assert names == {"aligned.closure_percent", "aligned.picture_closure_percent", "aligned.rounding_percent"}
    assert len(measured.plots) == 1
    assert measured.plots[0].title.endswith("hh eh l ow m")
    assert all(len(row) == len(table.header) for table in measured.tables for row in table.rows)


def test_the_table_shows_means_over_tokens() -> None:
    codes = np.repeat(np.array([0.2, 0.4], np.float32), 5)[:, None] * np.ones(12, np.float32)
    table = viseme_codes([Spoken((SpokenPhone("B", 0, 200), SpokenPhone("M", 200, 400)), codes)])
    assert table.rows == (("p b m", 2, *[0.3] * 6),)
