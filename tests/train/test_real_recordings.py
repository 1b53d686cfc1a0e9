"""What people really upload: refused in words that they can act on, or dubbed upright and in time with its sound."""

import os
from pathlib import Path

import numpy as np
import pytest
from in_time import late_samples

from lipstream.audio.read import read_pcm
from lipstream.avatar.bundle import open_speech
from lipstream.errors import InputError
from lipstream.pipeline.avatar import Avatar
from lipstream.runtime.networks import load_speech
from lipstream.train.dub import Wish, dub
from lipstream.train.preprocess.following import sightings
from lipstream.train.preprocess.prepared import prepare
from lipstream.train.preprocess.recording import steady_pictures
from lipstream.types import Float32, Image
from lipstream.video.landmarks import FaceLandmarker, load_landmarker
from lipstream.video.lips import MOUTH_CORNERS, NOSE_BASE
from lipstream.video.pictures import pictures

DATA = Path(os.environ.get("LIPSTREAM_DATA", ""))
REASONS = {
    "media/noface_room_25fps_noaudio.mp4": "no audio track",
    "media/dhlive_000002_ai_face_noaudio.mp4": "no audio track",
    "media/liveportrait_d18_silent_audio_track.mp4": "no speech",
    "media/derived/grid_audio_only.mp4": "no video track",
    "media/derived/grid_vfr.mp4": "too short",
    "media/derived/grid_vp9_opus.webm": "too short",
    "malformed/mp4_truncated_half.mp4": "cannot be decoded",
    "malformed/png_named_mp4.mp4": "expected a video file; convert it to MP4",
    "malformed/aeneas_mono.empty.wav": "is empty",
    "malformed/wav_truncated_data.wav": "no video track",
}
SIDEWAYS = "media/derived/grid_stored_sideways_upright_when_rotation_applied.mp4"
# A film, and a sound to dub it with.
DUBBED = {
    SIDEWAYS: "speech/timit_sa1_f_8k.wav",
    "media/derived/grid_vfr.mp4": "speech/timit_sa1_f_44k_stereo.wav",
    "media/derived/grid_2997fps_48k_mono.mp4": "speech/formats/p001.aac",
    "media/derived/grid_50fps.mp4": "speech/formats/bobby_16bit_16khz_2ch.wav",
    "media/derived/grid_vp9_opus.webm": "media/audio_codecs/8khz_5s.opus",
    "media/derived/grid_odd_dims_yuv444.mp4": "media/derived/grid_audio_late_200ms.mp4",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.name, reason="LIPSTREAM_DATA does not name the real test data"),
]


class NoFinder:
    """Stands where faces would be looked for; what is refused by its sound needs none."""

    def detect_all(self, image: Image, near: Float32 | None = None) -> list[Float32]:
        raise AssertionError(f"no picture is looked at, got {image.shape} near {near}")


@pytest.fixture(scope="module")
def landmarker() -> FaceLandmarker:
    return load_landmarker()


@pytest.mark.parametrize("name", REASONS)
def test_it_is_refused_for_what_is_wrong_with_it(name: str, tiny_path: Path) -> None:
    speech = load_speech(open_speech(tiny_path.parents[1] / "speech"), engine="openvino")
    with pytest.raises(InputError, match=REASONS[name]):
        prepare([DATA / name], NoFinder(), speech, lambda *_: None)


def test_a_face_stored_sideways_is_looked_at_upright(landmarker: FaceLandmarker) -> None:
    tracks, frames, size = sightings(steady_pictures(DATA / SIDEWAYS), landmarker)
    assert (frames, size, [len(track) for track in tracks]) == (75, (288, 360), [75])
    points = np.stack([one.points for one in tracks[0]])
    assert (points[:, MOUTH_CORNERS, 1] > points[:, NOSE_BASE, None, 1]).all()


@pytest.mark.parametrize("film", DUBBED)
def test_it_is_dubbed_upright_and_in_time(film: str, tiny: Avatar, landmarker: FaceLandmarker, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    made = dub(Wish(DATA / film, DATA / DUBBED[film], out), tiny, 1.0, landmarker, lambda *_: None)
    assert made.painted == made.frames >= 72
    shown, wanted = next(pictures(out)), next(pictures(DATA / film))
    height, width = shown.shape[:2]
    assert (height, width) == (wanted.shape[0] // 2 * 2, wanted.shape[1] // 2 * 2)
    assert np.abs(shown[:90].astype(np.float32) - wanted[:90, :width]).mean() < 3
    assert abs(late_samples(read_pcm(DATA / DUBBED[film]), read_pcm(out))) <= 16  # a millisecond
