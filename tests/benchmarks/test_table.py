import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from lipstream.evaluate.figures import Evaluation, Figure
from lipstream.evaluate.speed.bench import Bench
from lipstream.evaluate.speed.stopwatch import Timing

FIGURES = (
    Figure("truth.opening_r", 0.96, "opening"),
    Figure("truth.voiced_opening_r", 0.9, "has no bar"),
    Figure("truth.loudness_r", 0.7, "baseline"),
    Figure("swap.talking_r", float("nan"), "no face"),
)
EVALUATION = Evaluation("tiny", {}, FIGURES, {"real": "LIPSTREAM_DATA is unset"}).as_json()
BENCH = Bench(
    "tiny",
    (Timing("generator", "openvino bf16, batch 8", 8, 160.0, 5),),
    (Figure("speed.generator_fps", 30.0, "frames/s"),),
    {},
).as_json()
HOUR = Bench("tiny", (), (Figure("speed.hour_memory_mb", 1234.5, "peak"),), {}).as_json()


@pytest.fixture(scope="module")
def table() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "table.py"
    spec = importlib.util.spec_from_file_location("benchmark_table", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_figures_with_a_bar_and_those_that_explain_them_are_rows(table: ModuleType) -> None:
    rows = table.figures_table(EVALUATION, BENCH, HOUR).splitlines()
    assert rows[2] == "| `truth.opening_r` | 0.96 ✓ | ≥ 0.95 | opening |"
    assert rows[3] == "| `truth.loudness_r` | 0.7 |  | baseline |"
    assert rows[4] == "| `swap.talking_r` | no number ✗ | ≥ 0.98 | no face |"
    assert rows[5] == "| `speed.generator_fps` | 30 ✗ | ≥ 40 | frames/s |"
    assert rows[6] == "| `speed.hour_memory_mb` | 1234 ✓ | ≤ 1536 | peak |"
    assert rows[7] == "| real | not measured | | LIPSTREAM_DATA is unset |"
    assert "cores of" in rows[-1]


def test_stages_stand_beside_real_time(table: ModuleType) -> None:
    assert table.stages_table(BENCH).splitlines()[2] == "| generator | openvino bf16, batch 8 | 20.00 | 50 | 2.0 |"


def test_only_what_stands_between_the_marks_changes(table: ModuleType) -> None:
    page = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    new = table.replaced(page, "| new |")
    assert new == f"before\n{table.BEGIN}\n\n| new |\n\n{table.END}\nafter\n"
    assert table.replaced(new, "| new |") == new
    with pytest.raises(ValueError, match="lacks"):
        table.replaced("no marks", "| new |")


def test_results_become_the_readme_s_table(
    table: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    monkeypatch.setattr(table, "README", tmp_path / "README.md")
    (tmp_path / "here.evaluation.json").write_text(json.dumps(EVALUATION))
    (tmp_path / "here.bench.json").write_text(json.dumps(BENCH))
    (tmp_path / "README.md").write_text(f"{table.BEGIN}{table.END}")
    table.main(["here"])
    assert "| generator |" in capsys.readouterr().out
    table.main(["here", "--write"])
    assert "`truth.opening_r`" in (tmp_path / "README.md").read_text()


def test_the_readme_holds_the_last_results(table: ModuleType) -> None:
    evaluation, bench, hour = (table.report(f"epyc-2-cores.{kind}.json") for kind in ("evaluation", "bench", "hour"))
    page = table.README.read_text(encoding="utf-8")
    assert table.replaced(page, table.figures_table(evaluation, bench, hour)) == page
