import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def home(tiny_path: Path, tmp_path: Path) -> Path:
    """Where the tiny avatar is installed."""
    shutil.copytree(tiny_path, tmp_path / "avatars" / "tiny")
    return tmp_path


def run(home: Path, script: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """A benchmark's exit code and report."""
    command = [sys.executable, str(BENCHMARKS / script), "--avatar", "tiny", *arguments]
    environment = {**os.environ, "LIPSTREAM_HOME": str(home)}
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=False, timeout=300)  # noqa: S603  ours
    return done.returncode, json.loads(done.stdout)


def test_a_server_is_measured_in_every_way(home: Path) -> None:
    sizes = ("--batches", "2", "--call-frames", "4", "20", "--clients", "1", "2", "--worker-frames", "5")
    code, found = run(home, "serving.py", *sizes, "--repeats", "1", "--seconds", "0.1")
    assert code == 0
    for way in ("grpc_frames", "grpc_mouths", "http_json_mouths"):
        times = found["by_batch"][way]["2"]
        assert times["client_ms"] > times["server_ms"] > 0
        assert times["overhead_ms"] == pytest.approx(times["client_ms"] - times["server_ms"], abs=0.02)
    assert set(found["workers_or_batches"]) == {"frames", "5 workers, a frame each", "batches of 5"}
    sent = found["bytes"]["20"]
    assert sent["n_plus_15_gzip_bytes"] < sent["n_plus_15_bytes"] < sent["n_times_16_bytes"]
    assert sent["n_plus_15_bytes"] == pytest.approx(35 * 2560, rel=0.01)
    assert abs(found["by_stage"]["unaccounted"]) < 0.2
    for name in ("batching on", "batching off"):
        for level in found["by_clients"][name]["clients"].values():
            assert level["calls"] >= 1
            assert level["p50_ms"] <= level["p99_ms"]
    assert found["by_clients"]["batching off"]["clients"]["2"]["mean_batch"] == 1
    assert found["machine"]["cores"]


def test_every_dialect_is_measured_with_the_same_pictures(home: Path) -> None:
    code, found = run(home, "dialects.py", "--repeats", "2")
    assert code == 0
    sent = {name: row["request_bytes"] for name, row in found["by_dialect"].items()}
    assert sent["binary, int16 at 24 kHz"] == 12 + 30_720
    assert sent["checked, float32 at 24 kHz"] == 17 + 61_440
    assert sent["json, int16 at 24 kHz"] > 40_960
    assert all(0 < row["p50_ms"] <= row["p95_ms"] for row in found["by_dialect"].values())


def test_a_server_under_mixed_load_answers_everything_it_accepts(home: Path) -> None:
    """So short a run says nothing of memory, which grows until every cache is full."""
    _, found = run(home, "soak.py", "--seconds", "3", "--copies", "1")
    assert found["first_amiss"] == []
    assert found["exit_code"] == 0
    assert not any(found["held_afterwards"].values())
    assert sum(count for kind, count in found["requests"].items() if kind.endswith(": answered")) >= 4


def test_live_sessions_are_measured_from_their_clients(home: Path) -> None:
    code, found = run(home, "live.py", "--seconds", "2", "--step-seconds", "1", "--repeats", "2", "--most", "2")
    assert code == 0
    assert found["reactions"]["repeats"] == 2
    for name in ("first_frame_after_enough_sound_ms", "interruption_to_silence_ms"):
        assert 0 < found["reactions"][name]["p50"] <= found["reactions"][name]["worst"]
    one = found["one_session"]
    assert one["frames"] >= 50
    assert one["sample_to_frame_ms"]["p50"] > 212
    assert one["stage_mean_ms"]["heard"] >= 172
    assert one["late_ms"]["p50"] <= one["late_ms"]["worst"]
    assert 0 <= found["most_sessions"]["low"]["sessions"] <= 2
