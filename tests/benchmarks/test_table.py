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
    monkeypatch.setattr(table, "TRAINING_GUIDE", tmp_path / "README.md")
    (tmp_path / "here.evaluation.json").write_text(json.dumps(EVALUATION))
    (tmp_path / "here.bench.json").write_text(json.dumps(BENCH))
    (tmp_path / "README.md").write_text(f"{table.BEGIN}{table.END}")
    table.main(["here"])
    assert "| generator |" in capsys.readouterr().out
    table.main(["here", "--write"])
    assert "`truth.opening_r`" in (tmp_path / "README.md").read_text()


MACHINE = {key: BENCH[key] for key in ("version", "machine", "versions")}
TIMES = {"client_ms": 40.0, "server_ms": 36.5, "overhead_ms": 3.5}
LEVEL = {"calls": 9, "frames_per_second": 80.5, "p50_ms": 50.1, "p95_ms": 61.0, "p99_ms": 70.0, "mean_batch": 3.4}
BYTES = {
    "n_plus_15_bytes": 48_705,
    "n_times_16_bytes": 164_070,
    "saved": 0.7031,
    "n_plus_15_gzip_bytes": 27_690,
    "n_times_16_gzip_bytes": 90_615,
}
SERVING = {
    **MACHINE,
    "by_batch": {
        way: {"25": {**TIMES, "request_bytes": size}}
        for way, size in (("grpc_frames", 0), ("grpc_mouths", 62_000_000), ("http_json_mouths", 109_000_000))
    },
    "workers_or_batches": {"frames": 100, "5 workers, a frame each": 70.1, "batches of 5": 90.2},
    "bytes": {"4": BYTES, "20 frames, plain, client_ms": 300.4, "20 frames, gzip, client_ms": 310.0},
    "by_stage": {
        "frames": 24,
        "model_load_time_ms": 0.06,
        "audio_processing_ms": 14.0,
        "inference_time_ms": 270.0,
        "composite_time_ms": 48.5,
        "total_time_ms": 340.0,
        "client_ms": 344.0,
        "unaccounted": 0.0219,
    },
    "by_clients": {
        "frames_a_call": 4,
        "batching on": {"clients": {"16": LEVEL}},
        "batching off": {"clients": {"16": {**LEVEL, "mean_batch": 1.0}}},
    },
}
SOAK = {
    "seconds": 600.0,
    "passed": True,
    "requests": {
        "batch: answered": 900,
        "video: answered": 90,
        "video: refused: the server was full": 4,
        "wrong: fault": 6,
    },
    "unanswered_or_amiss": 0,
    "memory_mb_by_quarter": [800.0, 900.4, 901.0, 902.0],
}


def test_a_server_s_figures_are_tables(table: ModuleType) -> None:
    shown = table.serving_tables(SERVING, SOAK)
    assert "| 25 | 40.0 | 3.5 | 40.0 | 3.5 | 40.0 | 3.5 | 62.0 | 109.0 |" in shown
    assert "| 5 workers, a frame each | batches of 5 |" in shown
    assert "| 4 | 48,705 | 164,070 | 70.3 % | 27,690 | 90,615 |" in shown
    assert "16 chunks each; 20 frames, plain 300 ms; 20 frames, gzip 310 ms:" in shown
    assert "| model load | audio processing | inference | composite | total | unaccounted |" in shown
    assert "| 0.1 ms | 14.0 ms | 270.0 ms | 48.5 ms | 340.0 ms | 2.2 % |" in shown
    assert "| 16 | 80.5 | 50.1 | 61.0 | 70.0 | 3.4 | 80.5 | 50.1 | 61.0 | 70.0 |" in shown
    assert "10 minutes of mixed load with faults passed: of 1,000 requests 990 answered, 4 refused, 6 fault;" in shown
    assert "memory in the four quarters 800, 900, 901, 902 MB." in shown
    assert "mixed load" not in table.serving_tables(SERVING, None)


def test_a_server_s_tables_stand_between_marks_of_their_own(
    table: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    monkeypatch.setattr(table, "README", tmp_path / "README.md")
    monkeypatch.setattr(table, "TRAINING_GUIDE", tmp_path / "README.md")
    (tmp_path / "here.serving.json").write_text(json.dumps(SERVING))
    (tmp_path / "README.md").write_text("\n".join([table.BEGIN, table.END, *table.SERVING_MARKS]))
    table.main(["here", "--write"])
    written = (tmp_path / "README.md").read_text()
    assert written.startswith(f"{table.BEGIN}\n{table.END}\n{table.SERVING_MARKS[0]}\n\nMilliseconds of one")


def test_the_readme_holds_the_last_results(table: ModuleType) -> None:
    page = table.README.read_text(encoding="utf-8")
    made = table.tables("epyc-2-cores")
    assert {(table.BEGIN, table.END), table.SERVING_MARKS, table.LIVE_MARKS} <= set(made)
    for marks, shown in made.items():
        assert table.replaced(page, shown, marks) == page
    guide = table.TRAINING_GUIDE.read_text(encoding="utf-8")
    assert table.replaced(guide, made[table.TRAINING_MARKS], table.TRAINING_MARKS) == guide


def test_live_sessions_and_dialects_have_tables(table: ModuleType) -> None:
    spread = {"p50": 1.4, "p95": 2.6, "worst": 30.0}
    live = {
        **{key: SERVING[key] for key in ("version", "machine", "versions")},
        "reactions": {"first_frame_after_enough_sound_ms": spread, "interruption_to_silence_ms": spread},
        "one_session": {"seconds": 60.0, "late_ms": spread, "sample_to_frame_ms": spread, "cpu_cores": 0.88},
        "most_sessions": {"share_late_at_most": 0.01}
        | {quality: {"sessions": count} for quality, count in (("low", 3), ("medium", 2), ("high", 1))},
    }
    row = {"request_bytes": 40_997, "mean_answer_bytes": 29_672, "p50_ms": 55.01, "p95_ms": 60.1}
    claps = {
        "chromium": "151.0",
        "claps": 20,
        "sound_minus_picture_ms": {"p5": -19.2, "p50": -5.0, "p95": 12.1},
        "microphone_to_picture_ms": {"p5": 504.6, "p50": 518.5, "p95": 538.3},
    }
    shown = table.live_tables(live, {"by_dialect": {"json": row}}, {"page": {"webrtc": claps}})
    assert "| interruption to silence | 1 | 3 | 30 | ≤ 100 |" in shown
    assert "3 in `low`, 2 in `medium`, 1 in `high`" in shown
    assert "| json | 40,997 | 29,672 | 55.01 | 60.1 |" in shown
    assert "The page in Chromium 151.0, by claps" in shown
    assert "| WebRTC | 20 | -5 | -19 | 12 | -40 to 60 | 518 | 538 |" in shown
    assert "dialect" not in table.live_tables(live, None)


JUDGED = {
    "opening_r": 0.8202,
    "lag_frames": 0.0,
    "mouth_psnr_db": 31.18,
    "mouth_ssim": 0.941,
    "closed_percent": 94.2,
    "quiet_deviation_percent": 0.255,
    "quiet_deviation_theirs_percent": None,
    "sharpness_percent": 81.3,
}


def test_trained_avatars_have_a_table_and_rows_of_adapted_speech_where_it_was_measured(table: ModuleType) -> None:
    others = {
        "real.opening_r": 0.71,
        "real.loudness_r": 0.39,
        "real.lag_frames": 0,
        "real.face_found_percent": 100.0,
    }
    clips = {
        **MACHINE,
        "figures": {"fast": JUDGED},
        "taught": {"fast": {"steps": 8000, "minutes": 51.6}},
        "other_people": others,
    }
    points = [{"seconds": 15, "from_scratch": scratch, **JUDGED} for scratch in (False, True)]
    few = {"schedule": {"minutes": 10.0}, "threads": 1, "points": points}
    shown = table.training_tables({"clips": clips, "few": few})
    assert "| four fifths of 90 clips | fast | 52 | 0.82 | 0 | 31.2 | 0.94 | 94 | 0.26 |  | 81 |" in shown
    assert "| *bar* |  | ≤ 60 | ≥ 0.80 | ±1 | ≥ 28 | ≥ 0.85 |  |  |  |  |" in shown
    assert "10 minutes of 1 CPU core each" in shown
    assert "| 15 | from scratch | 0.82 |" in shown
    assert "opening r 0.71 against those people's own lips" in shown
    assert "--adapt-speech" not in shown
    adapted = {**clips, "figures": {"fast": {**JUDGED, "opening_r": 0.85}}}
    both = table.training_tables({"clips": clips, "clips-adapted": adapted, "few": few})
    assert "| four fifths of 90 clips with `--adapt-speech` | fast | 52 | 0.85 |" in both
