"""What people really upload is refused in words that they can act on, before any of it is trained on."""

import os
from pathlib import Path

import pytest

from lipstream.avatar.bundle import open_speech
from lipstream.errors import InputError
from lipstream.runtime.networks import load_speech
from lipstream.train.preprocess.prepared import prepare
from lipstream.types import Float32, Image

DATA = os.environ.get("LIPSTREAM_DATA")
REASONS = {
    "media/noface_room_25fps_noaudio.mp4": "no audio track",
    "media/dhlive_000002_ai_face_noaudio.mp4": "no audio track",
    "media/liveportrait_d18_silent_audio_track.mp4": "no speech",
    "media/derived/grid_audio_only.mp4": "no video track",
    "media/derived/grid_vfr.mp4": "too short",
    "media/derived/grid_vp9_opus.webm": "too short",
    "malformed/mp4_truncated_half.mp4": "cannot be decoded",
    "malformed/png_named_mp4.mp4": "expected an audio or video file",
    "malformed/aeneas_mono.empty.wav": "is empty",
    "malformed/wav_truncated_data.wav": "no video track",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="LIPSTREAM_DATA does not name the real test data"),
]


class NoFinder:
    """Stands where faces would be looked for; what is refused by its sound needs none."""

    def detect_all(self, image: Image, near: Float32 | None = None) -> list[Float32]:
        raise AssertionError(f"no picture is looked at, got {image.shape} near {near}")


@pytest.mark.parametrize("name", REASONS)
def test_it_is_refused_for_what_is_wrong_with_it(name: str, tiny_path: Path) -> None:
    speech = load_speech(open_speech(tiny_path.parents[1] / "speech"), engine="openvino")
    with pytest.raises(InputError, match=REASONS[name]):
        prepare([Path(str(DATA)) / name], NoFinder(), speech, lambda *_: None)
