import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from lipstream.cli.evaluate import evaluate, table
from lipstream.config import Config
from lipstream.errors import OutputError, OutputExistsError
from lipstream.evaluate import evaluation
from lipstream.evaluate.figures import Evaluation, Figure
from lipstream.evaluate.report import side_by_side
from lipstream.evaluate.silence import measure_silence
from lipstream.types import Float32, Image

ASSETS = Path(__file__).parents[1] / "assets"


class SameFace:
    """Finds the same face in every picture."""

    def detect(self, image: Image) -> Float32 | None:
        points = np.zeros((468, 3), np.float32)
        points[152, 1] = float(image.shape[0])
        return points


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.delenv("LIPSTREAM_DATA", raising=False)
    monkeypatch.setattr("lipstream.video.landmarks.load_landmarker", lambda _: SameFace())
    monkeypatch.setattr("lipstream.avatar.registry.speech_folder", lambda: ASSETS / "speech")
    monkeypatch.setattr("lipstream.evaluate.evaluation.measure_silence", partial(measure_silence, seconds=1))
    some = {name: evaluation.GROUPS[name] for name in ("truth", "real", "silence")}  # the others take their time
    monkeypatch.setattr(evaluation, "GROUPS", some)
    monkeypatch.setattr(side_by_side, "ASSETS", ASSETS)  # without a sentence for a film
    app = typer.Typer()
    app.command()(evaluate)
    return app


def test_json_is_all_that_stdout_holds(app: typer.Typer, tmp_path: Path) -> None:
    avatar = str(ASSETS / "avatars" / "tiny")
    result = CliRunner().invoke(app, [avatar, "--json"], obj=Config(tmp_path))
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["schema"] == "lipstream.evaluation/1"
    assert report["figures"][0]["name"] == "silence.deviation_percent"
    assert sorted(report["not_measured"]) == ["real", "truth"]
    assert "measuring silence" in result.stderr


def test_a_report_is_written_and_named(app: typer.Typer, tmp_path: Path) -> None:
    avatar, folder = str(ASSETS / "avatars" / "tiny"), tmp_path / "report"
    result = CliRunner().invoke(app, [avatar, "--report", str(folder)], obj=Config(tmp_path))
    assert result.exit_code == 0, result.output
    assert f"report: {folder / 'index.html'}" in result.stdout
    assert json.loads((folder / "evaluation.json").read_text())["avatar"] == "tiny"


def test_figures_are_told_before_a_report_that_fails(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OutputError("no space left")

    monkeypatch.setattr("lipstream.evaluate.report.report.write_report", full)
    avatar = str(ASSETS / "avatars" / "tiny")
    result = CliRunner().invoke(app, [avatar, "--report", str(tmp_path / "report")], obj=Config(tmp_path))
    assert isinstance(result.exception, OutputError)
    assert "silence.deviation_percent" in result.stdout


def test_a_folder_that_is_not_empty_is_refused_before_any_work(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").touch()
    monkeypatch.setattr("lipstream.evaluate.faces.load_subject", lambda *_, **__: pytest.fail("loaded"))
    result = CliRunner().invoke(app, ["tiny", "--report", str(tmp_path)], obj=Config(tmp_path))
    assert isinstance(result.exception, OutputExistsError)


@pytest.mark.parametrize("option", ["--truth", "--data", "--face-models"])
def test_a_folder_that_is_not_there_is_refused_before_any_work(app: typer.Typer, tmp_path: Path, option: str) -> None:
    # A short path: a longer one is wrapped, in the middle of its name.
    result = CliRunner().invoke(app, ["tiny", option, "gone"], obj=Config(tmp_path))
    assert result.exit_code == 2
    assert "gone" in result.output


def test_the_table_sets_bars_and_verdicts_beside_figures() -> None:
    figures = (Figure("truth.opening_r", 0.95, "opening"), Figure("silence.mean_percent", 3.0, "mean"))
    lines = table(Evaluation("tiny", {"engine": "onnx"}, figures, {"real": "no data"})).splitlines()
    assert lines[0] == "tiny (engine onnx)"
    assert lines[2].split() == ["truth.opening_r", "0.950", "≥", "0.95", "pass", "opening"]
    assert lines[3].split() == ["silence.mean_percent", "3.000", "≤", "2", "MISS", "mean"]
    assert lines[4] == "real: not measured: no data"
