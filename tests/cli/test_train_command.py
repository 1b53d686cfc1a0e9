import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lipstream.cli import train
from lipstream.cli.main import execute
from lipstream.cli.progress import StageLines
from lipstream.cli.train import summary
from lipstream.train.judging import Judgement
from lipstream.train.run_folder import open_run, request_of

if TYPE_CHECKING:
    from lipstream.train.person import Wish

pytestmark = pytest.mark.usefixtures("tiny_speech")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "me.mp4"
    path.write_bytes(b"nothing that can be decoded")
    return path


def test_without_torch_the_extra_is_named(
    video: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [one for one in sys.modules if one.startswith(("lipstream.train.", "lipstream.nets."))]:
        monkeypatch.delitem(sys.modules, name)
    assert execute(["train", str(video), "--name", "me"]) == 1
    assert capsys.readouterr().err == "error: Training needs torch: pip install 'lipstream[train]'.\n"


def test_a_video_that_is_missing_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["train", str(tmp_path / "me.mp4"), "--name", "me"]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_name_is_no_path(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["train", str(video), "--name", "../me", "--overwrite"]) == 2
    assert "cannot be an avatar's name" in capsys.readouterr().err


@pytest.mark.parametrize(("seed", "words"), [(-1, "than or equal to 0"), (2**32, "than or equal to 4294967295")])
def test_a_seed_has_a_range(seed: int, words: str, video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["train", str(video), "--name", "me", "--seed", str(seed)]) == 2
    assert words in capsys.readouterr().err


def test_somebody_elses_consent_is_not_ones_own(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["train", str(video), "--name", "me", "--self", "--subject", "Anna"]) == 1
    assert "--self" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "adapted"),
    [
        (["--resume"], True),
        (["--resume", "--overwrite"], True),
        (["--resume", "--no-adapt-speech"], False),
        (["--overwrite"], False),
        (["--overwrite", "--adapt-speech"], True),
    ],
    ids=["goes on", "is written again", "is told otherwise", "begins anew", "begins anew, adapting"],
)
def test_a_training_that_adapts_speech_goes_on_doing_so(
    asked: list[str], adapted: bool, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = pytest.importorskip("lipstream.train.person", reason="needs the extra `train`")
    wishes: list[Wish] = []

    def train_person(wish: "Wish", *_: object) -> dict[str, Judgement]:
        wishes.append(wish)
        return {}

    monkeypatch.setenv("LIPSTREAM_HOME", str(tmp_path))
    monkeypatch.setattr(train, "_tools", lambda *_: None)
    monkeypatch.setattr(person, "train_person", train_person)
    open_run(tmp_path / "training" / "me", request_of([video], 0), resume=False, adapt_speech=True)
    execute(["train", str(video), "--name", "me", *asked])
    assert [wish.schedule.adapt_speech for wish in wishes] == [adapted]


def test_a_summary_says_how_good_it_is() -> None:
    figures = Judgement(450, 0.81, 0.8, 0, 30.12, 0.93, 99.0, 0.2, 0.6, 80.4)
    line = "over 450 held-out pictures: opening r 0.81, 0 frames late; mouth 30.1 dB, SSIM 0.93, 80 % as sharp"
    assert summary(figures) == line


def test_stages_are_told_now_and_then_with_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    lines = StageLines()
    for done, now_ms in ((0, 10_000.0), (1, 11_000.0), (25, 15_000.0), (100, 16_000.0)):
        lines.note("faces", done, 100, now_ms)
    assert capsys.readouterr().err == "faces: 0 %\nfaces: 25 %, 0:15 left\nfaces: 100 %\n"
