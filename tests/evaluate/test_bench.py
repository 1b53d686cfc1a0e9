import json
from pathlib import Path

import numpy as np
import pytest
from drawn_face import no_progress

from lipstream.avatar.bundle import open_bundle
from lipstream.errors import LipstreamError
from lipstream.evaluate.speed import bench, stages
from lipstream.evaluate.speed.machine import machine, versions
from lipstream.evaluate.speed.process import first_frame_ms, generate_mp4
from lipstream.evaluate.speed.stages import bursts
from lipstream.evaluate.speed.stopwatch import Patience, Timing
from lipstream.pipeline.avatar import Avatar

ONCE = Patience(budget_ms=0, least_runs=1)
STAGES = {"mel", "speech", "driving clip", "crop", "blend", "jpeg", "h.264", "pipeline"}


def test_every_stage_is_timed_and_reported(tiny: Avatar, tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_reference", lambda _: Timing(bench.REFERENCE_STAGE, "", 1, 250.0, 1))
    report = bench.bench_stages(open_bundle(tiny_path), tiny, bursts(1), ONCE, no_progress)
    plain = json.loads(json.dumps(report.as_json()))
    assert plain["schema"] == "lipstream.bench/1"
    assert plain["machine"]["cores"] >= 1
    assert "numpy" in plain["versions"]
    assert {timing["stage"] for timing in plain["timings"]} == STAGES | {"generator", bench.REFERENCE_STAGE}
    assert all(timing["median_ms"] >= 0 and timing["runs"] == 1 for timing in plain["timings"])
    assert any(timing["how"] == "openvino f32, batch 8" for timing in plain["timings"])
    names = {figure["name"] for figure in plain["figures"]}
    assert names == {"speed.mel_ms", "speed.generator_fps", "speed.pipeline_fps", "speed.times_reference"}


def test_an_engine_that_is_missing_is_said_to_be(
    tiny: Avatar, tiny_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(_: Patience) -> Timing:
        raise ImportError

    monkeypatch.setattr(bench, "_reference", absent)
    monkeypatch.setattr("lipstream.evaluate.speed.stages.VARIANTS", (("openvino", "f16", "float"),))
    report = bench.bench_stages(open_bundle(tiny_path), tiny, bursts(1), ONCE, no_progress)
    assert set(report.not_measured) == {"generator openvino f16", bench.REFERENCE_STAGE}


def test_what_an_engine_chose_is_named(tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "VARIANTS", (("openvino", "auto", "float"), ("openvino", "auto", "int8")))
    found = [
        timing.how for timing in stages.generator_timings(open_bundle(tiny_path), ONCE) if isinstance(timing, Timing)
    ]
    assert len(found) == 4
    assert not [how for how in found if "auto" in how]
    assert found[2] == "openvino int8, batch 1"


def test_figures_are_those_of_the_avatar_s_own_engine() -> None:
    timings = [
        Timing("generator", "openvino bf16, batch 1", 1, 10.0, 5),
        Timing("generator", "openvino bf16, batch 8", 8, 64.0, 5),
        Timing("generator", "openvino int8, batch 8", 8, 32.0, 5),
        Timing(bench.REFERENCE_STAGE, "", 1, 250.0, 5),
    ]
    values = {figure.name: figure.value for figure in bench.stage_figures(timings, "openvino bf16")}
    assert values == {"speed.generator_fps": 125.0, "speed.times_reference": 25.0}


def test_speech_is_cut_or_repeated() -> None:
    pcm = np.arange(24_000, dtype=np.float32)
    np.testing.assert_array_equal(bench.speech_of_seconds(pcm, 1), pcm[:16_000])
    np.testing.assert_array_equal(bench.speech_of_seconds(pcm, 2)[24_000:], pcm[:8_000])
    with pytest.raises(LipstreamError, match="no speech"):
        bench.speech_of_seconds(pcm[:0], 1)


def test_a_process_that_fails_is_not_a_time() -> None:
    with pytest.raises(LipstreamError, match=r"failed: .*nobody"):
        first_frame_ms("nobody")
    with pytest.raises(LipstreamError, match=r"failed: error: .*nobody"):
        generate_mp4(np.zeros(640, np.float32), "nobody")


def test_whole_processes_are_timed_from_their_start(tiny_path: Path) -> None:
    figures = bench.bench_processes(str(tiny_path), bursts(1), 1, no_progress)
    values = {figure.name: figure.value for figure in figures}
    assert set(values) == {"speed.first_frame_s", "speed.whole_s", "speed.memory_mb", "speed.install_mb"}
    assert 0 < values["speed.first_frame_s"] < 60
    assert 20 < values["speed.memory_mb"] < 4000
    assert 200 < values["speed.install_mb"] < 1000  # openvino alone has 180


def test_the_machine_is_described_without_a_name_of_its_own() -> None:
    found = machine()
    assert set(found) == {"processor", "cores", "instructions", "memory_gb", "system", "python"}
    assert "numpy" in versions()
