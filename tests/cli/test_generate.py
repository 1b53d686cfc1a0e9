import json
import os
import shutil
import signal
from pathlib import Path

import av
import numpy as np
import pytest
from fakes import Start, write_wav

from lipstream.cli.generate import summary
from lipstream.cli.main import execute
from lipstream.types import Pcm

pytestmark = pytest.mark.usefixtures("tiny_speech")


def generate(audio: Path, out: Path, avatar: Path, *options: str) -> int:
    return execute(["generate", str(audio), "-o", str(out), "--avatar", str(avatar), *options])


def test_a_video_is_made(hello_path: Path, tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate(hello_path, tmp_path / "out.mp4", tiny_path) == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert output.out.startswith(f"{tmp_path / 'out.mp4'}: 52 frames, 2.1 s of video in ")
    assert output.out.count("\n") == 1
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert container.streams.video[0].frames == 52


def test_the_summary_says_what_how_fast_and_by_what() -> None:
    line = summary(Path("a.mp4"), 250, 4000.0, "openvino bf16")
    assert line == "a.mp4: 250 frames, 10.0 s of video in 4.0 s, 2.5 times real time, openvino bf16"


def write_float_wav(path: Path, values: object) -> None:
    """A WAV of 32-bit floats, which the standard library does not write."""
    data = np.asarray(values, "<f4").tobytes()
    header = b"fmt " + np.array([16], "<u4").tobytes() + np.array([3, 1], "<u2").tobytes()
    header += np.array([16_000, 64_000], "<u4").tobytes() + np.array([4, 32], "<u2").tobytes()
    body = b"WAVE" + header + b"data" + np.array([len(data)], "<u4").tobytes() + data
    path.write_bytes(b"RIFF" + np.array([len(body)], "<u4").tobytes() + body)


def damaged(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 255
    (folder / name).write_bytes(content)


def changed(folder: Path, **fields: object) -> None:
    manifest = json.loads((folder / "avatar.json").read_text())
    (folder / "avatar.json").write_text(json.dumps(manifest | fields))


# Done to a folder with speech.wav and tiny/; changed in the command; the exit code; words of the line.
BAD: dict[str, tuple[object, dict[str, str], int, str]] = {
    "no such file": (None, {"audio": "gone.wav"}, 1, "gone.wav cannot be read"),
    "a folder": (None, {"audio": "tiny"}, 1, "tiny cannot be read"),
    "text": (lambda folder: (folder / "speech.wav").write_text("hello"), {}, 1, "speech.wav cannot be decoded"),
    "empty file": (lambda folder: (folder / "speech.wav").write_bytes(b""), {}, 1, "speech.wav is empty"),
    "no samples": (
        lambda folder: write_wav(folder / "speech.wav", np.zeros(0, np.float32)),
        {},
        1,
        "without a single sample",
    ),
    "no audio track": (None, {"audio": "tiny/frames.mp4"}, 1, "no audio track"),
    "no such avatar": (None, {"avatar": "nobody"}, 1, "no avatar 'nobody'"),
    "damaged network": (lambda folder: damaged(folder / "tiny", "generator.fast.onnx"), {}, 1, "is damaged"),
    "damaged clip": (lambda folder: damaged(folder / "tiny", "frames.mp4"), {}, 1, "is damaged"),
    "newer avatar": (lambda folder: changed(folder / "tiny", format="lipstream.avatar/2"), {}, 1, "lipstream.avatar/2"),
    "nobody's home": (None, {"avatar": "~nobody-here/x"}, 1, "no avatar '~nobody-here/x'"),
    "other codes": (
        lambda folder: changed(folder / "tiny", articulation="articulation/2"),
        {},
        1,
        "driven by articulation/2, the speech networks speak articulation/1",
    ),
    "a pipe": (lambda folder: os.mkfifo(folder / "pipe.wav"), {"audio": "pipe.wav"}, 1, "is a pipe or a device"),
    "a device": (None, {"audio": "/dev/zero"}, 1, "is a pipe or a device"),
    "text as avatar": (
        lambda folder: (folder / "a.avatar").write_text("x"),
        {"avatar": "a.avatar"},
        1,
        "not an intact",
    ),
    "no such folder": (None, {"out": "gone/out.mp4"}, 1, "folder does not exist"),
    "a file as folder": (None, {"out": "speech.wav/out.mp4"}, 1, "a file lies where its folder should be"),
    "a file as folder of frames": (None, {"out": "speech.wav/%d.jpg"}, 1, "a file lies where its folder should be"),
    "a folder as file": (lambda folder: (folder / "out.mp4").mkdir(), {}, 1, "exists already"),
    "existing file": (lambda folder: (folder / "out.mp4").write_text("mine"), {}, 1, "--overwrite"),
    "existing frames": (lambda folder: (folder / "3.jpg").write_text("mine"), {"out": "%d.jpg"}, 1, "--overwrite"),
    "too long a name": (None, {"out": "x" * 300 + ".mp4"}, 1, "shorter"),
    "another suffix": (None, {"out": "out.avi"}, 2, ".mp4"),
    "no suffix": (None, {"out": "out"}, 2, ".mp4"),
    "no place for a number": (None, {"out": "out.jpg"}, 2, "%06d"),
    "the input itself": (
        lambda folder: shutil.copy(folder / "speech.wav", folder / "in.mp4"),
        {"audio": "in.mp4", "out": "in.mp4"},
        2,
        "input itself",
    ),
    "too much gain": (None, {"gain": "3"}, 2, "gain"),
    "no number as gain": (None, {"gain": "nan"}, 2, "gain"),
    "words as gain": (None, {"gain": "much"}, 2, "'--gain'"),
    "no such quality": (None, {"quality": "best"}, 2, "'best' is not one of"),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_line(  # noqa: PLR0917  fixtures
    case: str,
    hello_path: Path,
    tiny_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare, changes, code, says = BAD[case]
    monkeypatch.chdir(tmp_path)
    shutil.copy(hello_path, "speech.wav")
    shutil.copytree(tiny_path, "tiny")
    if callable(prepare):
        prepare(tmp_path)
    before = contents(tmp_path)
    words = {"audio": "speech.wav", "out": "out.mp4", "avatar": "tiny", "gain": "1", "quality": "auto"} | changes
    options = [f"--{name}={words[name]}" for name in ("out", "avatar", "gain", "quality")]
    assert execute(["generate", words["audio"], *options]) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1
    assert says in output.err
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("old.mp4", "old.mp4 exists already; choose another name or allow it with --overwrite"),
        ("%d.jpg", "3.jpg exists already; choose another folder or allow it with --overwrite"),
        ("gone/out.mp4", "folder does not exist"),
        ("gone/frames/%d.jpg", "folder does not exist"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_the_avatar_is_loaded(
    out: str, says: str, hello_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("old.mp4", "3.jpg"):
        (tmp_path / name).touch()
    assert generate(hello_path, tmp_path / out, Path("nobody")) == 1  # who is not looked for
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("out", ["out.mp4", "%d.jpg", "frames/%d.jpg"])
def test_a_folder_that_may_not_be_written_is_told(
    out: str, hello_path: Path, tiny_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(hello_path, Path("/proc") / out, tiny_path) == 1  # where root may not write either
    error = capsys.readouterr().err
    assert error.startswith("error: Cannot write /proc/")
    assert error.count("\n") == 1


def test_samples_that_are_no_numbers_are_silence(tiny_path: Path, tmp_path: Path) -> None:
    write_float_wav(tmp_path / "nan.wav", [np.nan] * 8_000 + [np.inf] * 800)
    assert generate(tmp_path / "nan.wav", tmp_path / "out.mp4", tiny_path) == 0


def test_truncated_sound_gives_what_is_there(hello_path: Path, tiny_path: Path, tmp_path: Path) -> None:
    (tmp_path / "half.wav").write_bytes(hello_path.read_bytes()[:40_000])
    assert generate(tmp_path / "half.wav", tmp_path / "out.mp4", tiny_path) == 0
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].frames == -(-(40_000 - 44) // 2 // 640)


def test_overwriting_replaces_the_file(tiny_path: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.zeros(1_000, np.float32))
    (tmp_path / "out.mp4").write_text("old")
    assert generate(tmp_path / "a.wav", tmp_path / "out.mp4", tiny_path, "--overwrite") == 0
    assert (tmp_path / "out.mp4").stat().st_size > 1_000


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("out", ["out.mp4", "frames/%d.jpg"])
def test_a_signal_leaves_nothing_half_written(  # noqa: PLR0917  fixtures
    number: signal.Signals, code: int, out: str, start: Start, minute_path: Path, tiny_path: Path, tmp_path: Path
) -> None:
    with start("generate", minute_path, "-o", tmp_path / out, "--avatar", tiny_path) as process:
        assert process.stderr is not None
        assert "frames" in process.stderr.readline()
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == code
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []


def test_damage_is_told_once(hello: Pcm, tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(hello[None], format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    content[3_000:3_400] = np.random.default_rng(1).bytes(400)
    (tmp_path / "a.mp4").write_bytes(content)
    assert generate(tmp_path / "a.mp4", tmp_path / "out.mp4", tiny_path) == 0
    assert capsys.readouterr().err.count("damaged audio") == 1


@pytest.mark.parametrize(("out", "named", "limit_bytes"), [("out.mp4", "out.mp4", 20_000), ("%d.jpg", "0.jpg", 1_000)])
def test_a_full_disk_is_told_in_one_line(  # noqa: PLR0917  fixtures
    out: str, named: str, limit_bytes: int, start: Start, minute_path: Path, tiny_path: Path, tmp_path: Path
) -> None:
    with start(
        "generate", minute_path, "-o", tmp_path / out, "--avatar", tiny_path, file_limit_bytes=limit_bytes
    ) as process:
        _, error = process.communicate()
    assert process.returncode == 1
    lines = [line for line in error.splitlines() if "frames" not in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"error: Cannot write {tmp_path / named}: ")
    assert list(tmp_path.iterdir()) == []
