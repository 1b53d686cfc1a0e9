"""Every file of the real test data, whatever it is, works or fails in one line, in bounded memory."""

import os
import resource
from pathlib import Path

import pytest

from lipstream.cli.main import execute
from lipstream.video import landmarks

DATA = os.environ.get("LIPSTREAM_DATA")
FILES = [path for folder in ("malformed", "media") for path in sorted(Path(DATA, folder).rglob("*.*"))] if DATA else []
MOST_MEMORY_KB = 1536 * 1024
MUST_WORK = {"wav_sizes_ffffffff_streaming.wav", "mulaw.wav", "grid_vp9_opus.webm", "8khz_5s.opus"}
MUST_FAIL = {"text_named_wav.wav", "aeneas_mono.empty.wav", "grid_no_audio.mp4", "pocketsphinx_awful.wav"}
MUST_BE_DUBBED = {"grid_vp9_opus.webm", "grid_no_audio.mp4"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="LIPSTREAM_DATA does not name the real test data"),
    pytest.mark.usefixtures("tiny_speech"),
]


@pytest.fixture(scope="module")
def landmarker() -> landmarks.FaceLandmarker:
    return landmarks.load_landmarker()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_works_or_fails_in_one_line(
    path: Path, tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    code = execute(["generate", str(path), "-o", str(out), "--avatar", str(tiny_path)])
    said = capsys.readouterr().err
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert "should not happen" not in said
    assert code in ((0,) if path.name in MUST_WORK else (1,) if path.name in MUST_FAIL else (0, 1))
    assert len(errors) == code
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MOST_MEMORY_KB
    assert [entry.name for entry in tmp_path.iterdir()] == ([] if code else ["out.mp4"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_film_is_dubbed_or_refused_in_one_line(  # noqa: PLR0917  fixtures
    path: Path,
    landmarker: landmarks.FaceLandmarker,
    tiny_path: Path,
    hello_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(landmarks, "load_landmarker", lambda _models: landmarker)
    out = tmp_path / "out.mp4"
    code = execute(["dub", str(path), "--audio", str(hello_path), "-o", str(out), "--avatar", str(tiny_path)])
    said = capsys.readouterr().err
    assert "should not happen" not in said
    assert code == (0 if path.name in MUST_BE_DUBBED else 1 if path.name in MUST_FAIL else code)
    assert len([line for line in said.splitlines() if line.startswith("error: ")]) == code
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MOST_MEMORY_KB
    assert [entry.name for entry in tmp_path.iterdir()] == ([] if code else ["out.mp4"])
