"""The whole way from a recording to a bundle that speaks, with a face that is found without looking."""

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra: pip install '.[train]'")
pytest.importorskip("nncf", reason="needs the extra: pip install '.[train]'")

from lipstream.avatar.bundle import open_bundle, open_speech
from lipstream.avatar.registry import ASSETS, speech_folder
from lipstream.avatar.terms import Terms
from lipstream.avatar.verify import verify
from lipstream.errors import OutputExistsError
from lipstream.pipeline.avatar import open_avatar
from lipstream.pipeline.offline import render
from lipstream.runtime.networks import load_speech
from lipstream.train import packing
from lipstream.train.learning import Schedule
from lipstream.train.person import Tools, Wish, new_bundle, train_person
from lipstream.train.preprocess.alignment import ANCHORS, CHIN, FOREHEAD, HOME
from lipstream.train.speech import SpeechTask
from lipstream.types import Float32, Image, Pcm
from lipstream.video.lips import INNER_LIPS, MOUTH_CORNERS, OUTER_LIPS

FRAMES = 110
JAW = {
    136: (47, 231),
    365: (273, 234),
    149: (86, 268),
    378: (233, 270),
    164: (159, 152),
    216: (72, 162),
    436: (248, 165),
}

pytestmark = pytest.mark.slow


def gap_of(frame: int) -> int:
    return round(16 * float(np.sin(np.pi * frame / 12)) ** 2)


def draw(gap: int) -> Image:
    """A face of one colour whose mouth is a dark box, `gap` pixels high; the gap is written into a corner."""
    image = np.full((320, 320, 3), (150, 180, 220), np.uint8)
    image[20:36, 50:120] = image[20:36, 206:276] = (40, 40, 40)
    image[190 : 190 + max(gap, 2), 100:220] = (60, 60, 90)
    image[304:, :16] = 10 * gap
    return image


class ReadingFinder:
    """Reads in the corner of the picture how far its mouth is open."""

    def detect_all(self, image: Image, near: Float32 | None = None) -> list[Float32]:
        del near
        gap = float(image[308:316, 4:12].mean()) / 10
        points = np.zeros((468, 3), np.float32)
        points[:, :2] = (160, 120)
        points[list(ANCHORS), :2] = HOME
        points[CHIN, :2], points[FOREHEAD, :2] = (160, 262 + gap), (160, -96)
        for upper, lower in INNER_LIPS:
            points[upper, :2], points[lower, :2] = (160, 190), (160, 190 + gap)
        points[list(OUTER_LIPS), :2] = (160, 180), (160, 205 + gap)
        points[list(MOUTH_CORNERS), :2] = (97, 190), (221, 190)
        for number, place in JAW.items():
            points[number, :2] = place
        return [points]


@pytest.fixture
def film(tmp_path: Path, hello: Pcm) -> Path:
    path = tmp_path / "me.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "12"})
        video.width, video.height, video.pix_fmt = 320, 320, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for frame in range(FRAMES):
            container.mux(video.encode(av.VideoFrame.from_ndarray(draw(gap_of(frame)), format="bgr24")))
        container.mux(video.encode(None))
        samples = (np.resize(hello, FRAMES * 640) * 32767).astype(np.int16)[None]
        sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        sound.sample_rate, sound.pts = 16_000, 0
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    return path


@pytest.fixture
def tools(tiny_path: Path) -> Tools:
    shared = open_speech(tiny_path.parents[1] / "speech")
    return Tools(ReadingFinder(), load_speech(shared, engine="openvino"), open_bundle(ASSETS / "iris"), shared)


class Interrupting:
    """Progress that presses Ctrl-C when training begins, once."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def __call__(self, group: str, done: int, total: int) -> None:
        del done, total
        if group.startswith("train") and group not in self.stages:
            self.stages.append(group)
            raise KeyboardInterrupt
        self.stages.append(group)


def test_a_recording_becomes_an_avatar_that_speaks(
    film: Path, tools: Tools, tmp_path: Path, hello: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "CALIBRATION", 4)
    wish = Wish([film], "me", tmp_path / "run", Terms("me", "my own face"), schedule=Schedule(steps=3))
    told: list[str] = []
    progress = Interrupting()
    with pytest.raises(KeyboardInterrupt), new_bundle(tmp_path / "me") as folder:
        train_person(wish, folder, tools, progress, lambda found, _: told.extend(found.lines()))
    assert not (tmp_path / "me").exists()
    assert "100 % of it with a usable face" in told[0]
    with pytest.raises(OutputExistsError, match="--resume"), new_bundle(tmp_path / "me") as folder:
        train_person(wish, folder, tools, progress, lambda *_: None)
    resumed = Wish(wish.videos, wish.name, wish.run, wish.terms, schedule=wish.schedule, resume=True)
    progress.stages = ["train fast"]
    with new_bundle(tmp_path / "me") as folder:
        judged = train_person(resumed, folder, tools, progress, lambda *_: None)
    assert "faces" not in progress.stages
    assert {path.name for path in (tmp_path / "run" / "fast").iterdir()} >= {"table.csv", "curves.png", "best.pt"}
    assert judged["fast"].pictures == 25
    bundle = open_bundle(tmp_path / "me")
    verify(bundle)
    assert bundle.manifest.subject == "me"
    assert json.loads((tmp_path / "run" / "report.json").read_text()) == bundle.manifest.evaluation
    avatar = open_avatar(tmp_path / "me", tools.speech, engine="openvino", quality="low")
    frames = list(render(hello[:8_000], avatar))
    assert len(frames) == 13
    assert frames[0].image.shape == (320, 320, 3)
    assert np.abs(frames[0].image[:100].astype(int) - draw(0)[:100]).mean() < 8


def test_speech_that_was_adapted_to_the_voice_goes_into_the_bundle(
    film: Path, tools: Tools, tmp_path: Path, hello: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "CALIBRATION", 4)
    scores = iter(range(100))
    monkeypatch.setattr(SpeechTask, "evaluate", lambda *_: {"score": float(next(scores))})
    tools = replace(tools, shared=open_speech(speech_folder()))
    wish = Wish([film], "me", tmp_path / "run", schedule=Schedule(steps=2, adapt_speech=True))
    stages: list[str] = []
    with new_bundle(tmp_path / "me") as folder:
        train_person(wish, folder, tools, lambda group, *_: stages.append(group), lambda *_: None)
    assert stages.index("train speech") < stages.index("train fast")
    assert (tmp_path / "run" / "speech" / "curves.png").is_file()
    bundle = open_bundle(tmp_path / "me")
    verify(bundle)
    assert set(bundle.manifest.own_speech) == {"speech_encoder", "articulation"}
    evaluation = json.dumps(bundle.manifest.evaluation)
    assert "speech.score_shared" in evaluation
    assert "speech.score_own" in evaluation
    avatar = open_avatar(tmp_path / "me", tools.speech, engine="openvino", quality="low")
    assert len(list(render(hello[:8_000], avatar))) == 13
