"""The examples against a server: they stand here because they need the fixtures of its tests."""

import shutil
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import av
import numpy as np
import pytest
from running import Running

from lipstream.audio.read import read_pcm
from lipstream.serve.core import Core, Speech
from lipstream.types import Image
from lipstream.wire.recording import Recording

EXAMPLES = Path(__file__).parents[2] / "examples"
TSX = EXAMPLES / "node_modules" / ".bin" / "tsx"
PATIENCE_S = 60


def run(command: list[str | Path], speech: Path, out: Path, server: Running) -> None:
    arguments = [*command, speech, out, "tiny", f"127.0.0.1:{server.server.ports[0]}"]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=PATIENCE_S)  # noqa: S603  ours
    assert done.returncode == 0, done.stderr


def opened(path: Path) -> tuple[list[Image], float]:
    """Pictures, and seconds of sound."""
    with av.open(path, "r") as file:
        pictures = [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in file.decode(video=0)]
    with av.open(path, "r") as file:
        return pictures, sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))


@pytest.fixture
def command(request: pytest.FixtureRequest) -> list[str | Path]:
    if request.param == "Python":
        return [sys.executable, EXAMPLES / "batch_client.py"]
    for needed in ("node", "ffmpeg"):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not installed")
    if not TSX.exists():
        pytest.skip("the example's packages are not there: npm install in examples/")
    return [TSX, EXAMPLES / "batch_client.ts"]


@pytest.mark.parametrize("command", ["Python", "TypeScript"], indirect=True)
def test_an_example_makes_the_video_that_lipstream_makes(
    command: list[str | Path], served: Running, core: Core, hello_path: Path, tmp_path: Path
) -> None:
    out, hello = tmp_path / "out.mp4", read_pcm(hello_path)
    run(command, hello_path, out, served)
    pictures, sound_s = opened(out)
    around = np.pad(hello, (8 * 640, 640 * 52 - len(hello) + 7 * 640))
    spoken = core.speak(Speech("tiny", 52, sound=Recording(around, 8, 52)), Future())
    frames = [painted.image for painted in spoken]
    assert len(pictures) == len(frames) == 52
    mouths = np.array([[one[86:100, 58:70].mean() for one in film] for film in (pictures, frames)])
    assert float(np.abs(mouths[0] - mouths[1]).max()) < 12  # compressed twice
    assert np.ptp(mouths[0]) > 5  # the mouth moves
    assert sound_s == pytest.approx(len(hello) / 16_000, abs=0.15)


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("batch_client.py", ["--help"], "python batch_client.py hello.wav out.mp4"),
        ("live_client.py", [], "python live_client.py hello.wav out.mp4"),
        ("batch_client.py", ["gone.wav", "out.mp4", "tiny", "127.0.0.1:1"], "No such file or directory: 'gone.wav'"),
        ("live_client.py", ["gone.wav", "out.mp4", "tiny", "127.0.0.1:1"], "No such file or directory: 'gone.wav'"),
    ],
)
def test_an_example_that_is_wrongly_asked_says_so_in_words(name: str, arguments: list[str], says: str) -> None:
    command: list[str | Path] = [sys.executable, EXAMPLES / name, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE_S)  # noqa: S603  ours
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_an_example_says_that_there_is_no_such_avatar(served: Running, hello_path: Path, tmp_path: Path) -> None:
    address = f"127.0.0.1:{served.server.ports[0]}"
    out, example = str(tmp_path / "out.mp4"), str(EXAMPLES / "batch_client.py")
    command = [sys.executable, example, str(hello_path), out, "nobody", address]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE_S)  # noqa: S603  ours
    assert "There is no avatar 'nobody'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["batch_client.py", "batch_client.ts", "batch_client.go", "live_client.py"])
def test_an_example_fits_on_a_page(name: str) -> None:
    assert len((EXAMPLES / name).read_text(encoding="utf-8").splitlines()) <= 60
