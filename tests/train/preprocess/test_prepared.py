from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from moving_face import KnowingFinder, face, talk

from lipstream.avatar.bundle import open_speech
from lipstream.errors import InputError, MediaError
from lipstream.runtime.networks import SpeechEngines, load_speech
from lipstream.train.preprocess.alignment import in_crop
from lipstream.train.preprocess.crops import kept_pictures, pictures_at, read_crops, sharpness, write_crops
from lipstream.train.preprocess.prepared import Prepared, framed_as, joined_runs, prepare, split
from lipstream.types import Float32, Pcm

FRAMES = 110


def write_film(path: Path, pcm: Pcm) -> None:
    """A noisy still of 320 x 320 with sound at 16 kHz, FRAMES long."""
    image = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 320, 320, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for _ in range(FRAMES):
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(video.encode(None))
        samples = (np.resize(pcm, FRAMES * 640) * 32767).astype(np.int16)[None]
        sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        sound.sample_rate, sound.pts = 16_000, 0
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))


@dataclass
class Told:
    """Progress that is remembered."""

    stages: list[str]

    def __call__(self, group: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        self.stages.append(group)


@pytest.fixture(scope="module")
def speech(tiny_path: Path) -> SpeechEngines:
    return load_speech(open_speech(tiny_path.parents[1] / "speech"), engine="openvino")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, hello: Pcm) -> Path:
    path = tmp_path_factory.mktemp("film") / "me.mkv"
    write_film(path, hello)
    return path


def faces(gaps: Float32) -> list[list[Float32]]:
    return [[face(float(gap), scale=0.9, shift=(8, 30))] for gap in gaps]


@pytest.fixture(scope="module")
def prepared(film: Path, speech: SpeechEngines) -> Prepared:
    return prepare([film], KnowingFinder(faces(talk(FRAMES))), speech, Told([]))


def test_a_recording_is_described_picture_by_picture(prepared: Prepared) -> None:
    assert len(prepared.frames) == FRAMES
    assert prepared.findings.usable_share == 1
    assert prepared.heard.shape == prepared.seen.shape == (FRAMES, 12)
    assert np.corrcoef(prepared.opening, talk(FRAMES))[0, 1] > 0.95
    assert prepared.mask.max() == 255


def test_what_is_held_out_lies_apart_at_the_end() -> None:
    training, held_out = split(1000)
    assert held_out[-150:].all()
    assert not held_out[:-150].any()
    assert training.sum() == 1000 - 150 - 12
    assert not (training & held_out).any()
    assert split(100_000)[1].sum() == 500


def test_it_is_read_as_it_was_written(prepared: Prepared, tmp_path: Path) -> None:
    with (tmp_path / "prepared.npz").open("wb") as file:
        prepared.save(file)
    read = Prepared.load(tmp_path / "prepared.npz")
    np.testing.assert_array_equal(read.transforms, prepared.transforms)
    assert read.scale == pytest.approx(prepared.scale)
    assert read.findings.cuts == 0


def test_crops_are_cut_where_the_face_is(prepared: Prepared, film: Path, tmp_path: Path) -> None:
    wanted, told = kept_pictures(prepared), Told([])
    write_crops(tmp_path / "crops.npy", [film], prepared, wanted, told)
    crops = read_crops(tmp_path / "crops.npy")
    assert crops.shape == (len(wanted), 3, 320, 320)
    assert told.stages == ["crops"] * len(wanted)
    assert len(wanted) == FRAMES - 12
    assert sharpness(crops[:3], prepared.mask).min() > 0
    numbers = [number for number, _ in pictures_at([film], prepared, np.array([3, 90]))]
    assert numbers == [3, 90]


def test_another_framing_moves_the_crop_about_its_centre(prepared: Prepared) -> None:
    points = np.stack([face(0.0, scale=0.9, shift=(8, 30))])
    before = in_crop(points, prepared.transforms[:1])
    framed = framed_as(prepared, 0.5 * prepared.scale)
    after = in_crop(points, framed.transforms[:1])
    spread = [float(np.ptp(placed[..., 0])) for placed in (before, after)]
    assert spread[1] == pytest.approx(0.5 * spread[0], rel=1e-3)


def test_runs_of_several_recordings_are_numbered_on() -> None:
    assert joined_runs([np.array([0, 0, 1]), np.zeros(0, np.int64), np.array([0, 2])]).tolist() == [0, 0, 1, 2, 4]


def test_a_recording_without_a_face_is_refused(film: Path, speech: SpeechEngines) -> None:
    with pytest.raises(InputError, match=r"No face was found in me\.mkv"):
        prepare([film], KnowingFinder([[]] * FRAMES), speech, Told([]))


def test_a_recording_without_speech_is_refused(tmp_path: Path, speech: SpeechEngines) -> None:
    write_film(tmp_path / "quiet.mkv", np.zeros(100, np.float32))
    with pytest.raises(InputError, match="no speech"):
        prepare([tmp_path / "quiet.mkv"], KnowingFinder([]), speech, Told([]))


def test_what_is_no_recording_is_refused(tmp_path: Path, speech: SpeechEngines) -> None:
    (tmp_path / "me.mp4").write_bytes(b"nothing")
    with pytest.raises(MediaError, match="cannot be decoded"):
        prepare([tmp_path / "me.mp4"], KnowingFinder([]), speech, Told([]))
