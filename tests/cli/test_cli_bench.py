import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lipstream.cli.bench import bench, table
from lipstream.config import Config
from lipstream.evaluate.figures import Figure
from lipstream.evaluate.speed.bench import Bench
from lipstream.evaluate.speed.stopwatch import Timing

REPORT = Bench(
    "tiny",
    (Timing("generator", "openvino bf16, batch 8", 8, 160.0, 5),),
    (Figure("speed.generator_fps", 50.0, "frames/s"),),
    {"reference network": "torch is not installed"},
)


def test_the_table_sets_stages_beside_real_time() -> None:
    lines = table(REPORT).splitlines()
    assert " ".join(lines[2].split()) == "generator openvino bf16, batch 8 20.00 ms/frame 50.0 frames/s 2.0 x real time"
    assert lines[4].split() == ["speed.generator_fps", "50.000", "≥", "40", "pass", "frames/s"]
    assert lines[5] == "reference network: not measured: torch is not installed"


def test_json_joins_stages_and_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_path: Path) -> None:
    assets = tiny_path.parents[1]
    monkeypatch.setattr("lipstream.avatar.registry.speech_folder", lambda: assets / "speech")
    monkeypatch.setattr("lipstream.evaluate.speed.bench.bench_stages", lambda *_: REPORT)
    whole = [Figure("speed.first_frame_s", 1.0, "start")]
    monkeypatch.setattr("lipstream.evaluate.speed.bench.bench_processes", lambda *_: whole)
    app = typer.Typer()
    app.command()(bench)
    result = CliRunner().invoke(app, ["--avatar", str(tiny_path), "--json"], obj=Config(tmp_path))
    assert result.exit_code == 0, result.output
    names = [figure["name"] for figure in json.loads(result.stdout)["figures"]]
    assert names == ["speed.generator_fps", "speed.first_frame_s"]


def test_an_hour_is_made_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_path: Path) -> None:
    peak = Figure("speed.hour_memory_mb", 800.0, "peak")
    monkeypatch.setattr("lipstream.evaluate.speed.bench.bench_hour", lambda *_: [peak])
    app = typer.Typer()
    app.command()(bench)
    result = CliRunner().invoke(app, ["--avatar", str(tiny_path), "--hour"], obj=Config(tmp_path))
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == ["speed.hour_memory_mb", "800.000", "≤", "1536", "pass", "peak"]
