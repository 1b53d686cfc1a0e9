import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from drawn_face import no_progress
from truth_clips import clip

from lipstream.errors import OutputError, OutputExistsError
from lipstream.evaluate.faces import Subject
from lipstream.evaluate.figures import Evaluation, Figure
from lipstream.evaluate.report import report, side_by_side
from lipstream.evaluate.report.report import FILM, check_report, write_report
from lipstream.evaluate.truth import ARRAYS

EVALUATION = Evaluation("tiny", {"engine": "onnx"}, (Figure("silence.mean_percent", 1.0, "mean"),))


@pytest.fixture(autouse=True)
def sentence(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence of nine frames came with lipstream."""
    assets = tmp_path_factory.mktemp("assets")
    (assets / "iris").mkdir()
    (assets / "iris" / ARRAYS).touch()
    monkeypatch.setattr(side_by_side, "ASSETS", assets)
    monkeypatch.setattr(side_by_side, "read_truth", lambda _: [clip(9, range(0), rendered=False)])


def write(folder: Path, subject: Subject, *, overwrite: bool = False) -> None:
    write_report(folder, EVALUATION, subject, None, no_progress, overwrite=overwrite)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_report_has_three_files(tmp_path: Path, subject: Subject) -> None:
    write(tmp_path / "report", subject)
    assert names(tmp_path / "report") == ["evaluation.json", "index.html", "side_by_side.mp4"]
    assert json.loads((tmp_path / "report" / "evaluation.json").read_text()) == EVALUATION.as_json()
    page = (tmp_path / "report" / "index.html").read_text()
    assert "silence.mean_percent" in page
    assert "A sentence" in page
    assert FILM in page


def test_what_lies_there_is_replaced_only_if_asked(tmp_path: Path, subject: Subject) -> None:
    (tmp_path / "index.html").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"is not empty; .*overwrite=True"):
        write(tmp_path, subject)
    assert names(tmp_path) == ["index.html", "notes.txt"]
    write(tmp_path, subject, overwrite=True)
    assert names(tmp_path) == ["evaluation.json", "index.html", "notes.txt", "side_by_side.mp4"]
    assert (tmp_path / "index.html").read_text() != "mine"
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_empty_folder_is_used(tmp_path: Path, subject: Subject) -> None:
    write(tmp_path, subject)
    assert len(names(tmp_path)) == 3


def test_a_film_of_another_report_does_not_stay(
    tmp_path: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "ASSETS", tmp_path)
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / FILM).touch()
    write(folder, subject, overwrite=True)
    assert names(folder) == ["evaluation.json", "index.html"]
    assert "There is none" in (folder / "index.html").read_text()


def test_places_that_cannot_be_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        check_report(tmp_path / "file", overwrite=True)
    with pytest.raises(OutputError, match="does not exist; create it first"):
        check_report(tmp_path / "gone" / "report", overwrite=False)
    with pytest.raises(OutputError):
        check_report(tmp_path / "file" / "report", overwrite=False)
    check_report(tmp_path / "new", overwrite=False)
    check_report(Path(), overwrite=True)


@pytest.mark.parametrize("existing", [False, True])
def test_an_interruption_leaves_nothing(
    existing: bool, tmp_path: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Iterator[None]:
        raise KeyboardInterrupt

    folder = tmp_path / "report"
    if existing:
        folder.mkdir()
    monkeypatch.setattr(report, "page", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(folder, subject)
    assert folder.exists() == existing
    assert list(tmp_path.rglob("*")) == [folder] * existing


def test_an_interruption_while_names_are_given_leaves_nothing(
    tmp_path: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> None:
        replace(self, target)
        if target.name == "evaluation.json":
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "report", subject)
    assert names(tmp_path) == []
