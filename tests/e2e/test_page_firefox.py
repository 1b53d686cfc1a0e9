import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from firefox import LOUDSPEAKER, PROGRAM, Visit, firefox, loudspeaker

from lipstream.types import Image

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

EARS = """
  const connect = AudioNode.prototype.connect;
  const ears = [];
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode || this instanceof MediaStreamAudioSourceNode) {
      const ear = new AnalyserNode(this.context);
      connect.call(this, ear);
      ears.push(ear);
    }
    return connect.call(this, target, ...rest);
  };
  window.loudest = () => Math.max(0, ...ears.flatMap((ear) => {
    const samples = new Float32Array(ear.fftSize);
    ear.getFloatTimeDomainData(samples);
    return [...samples.map(Math.abs)];
  }));
"""
"""What leaves for the loudspeaker, or is taken from a stream."""
MOST_LOOKS = 300


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for program, package in ((PROGRAM, "firefox-esr"), (LOUDSPEAKER, "pulseaudio")):
        if shutil.which(program) is None:
            pytest.skip(f"needs Debian's {package} (apt-get install {package})")
    with loudspeaker(tmp_path_factory.mktemp("loudspeaker")) as address:
        yield address


@pytest.mark.parametrize(("way", "name"), [("webrtc", "WebRTC"), ("websocket", "WebSocket")])
def test_in_firefox_too_the_face_speaks(served: str, sound: str, tmp_path: Path, way: str, name: str) -> None:
    with firefox(tmp_path, sound) as visit:
        begun(visit, served, EARS)
        visit.ask(f"document.querySelector('#way').value = '{way}'")
        press(visit, ".avatar input")
        press(visit, "#voice")
        visit.wait("document.querySelector('#state').dataset.state === 'speaking'")
        visit.wait("loudest() > 0.05")
        visit.wait(f"document.querySelector('#figure-way').textContent === '{name}'")
        assert not visit.ask("document.querySelector('#video').muted")
        faces = [visit.seen("#stage")]
        while len(faces) < MOST_LOOKS and mouth_moved(faces) <= 8:
            faces.append(visit.seen("#stage"))
        assert mouth_moved(faces) > 8
        assert min(face.mean() for face in faces) > 60  # none is black
        press(visit, "#disconnect")
        visit.wait("document.querySelector('#state').dataset.state === 'off'")
        assert visit.complaints == []


def mouth_moved(faces: list[Image]) -> float:
    """By how much its brightness differs."""
    height, width = faces[0].shape[:2]
    mouths = [face[int(0.69 * height) : int(0.81 * height), int(0.39 * width) : int(0.61 * width)] for face in faces]
    brightness = [float(mouth.mean()) for mouth in mouths]
    return max(brightness) - min(brightness)


def test_where_nothing_plays_sound_firefox_s_visitor_is_told(served: str, sound: str, tmp_path: Path) -> None:
    with firefox(tmp_path, sound, media__cubeb__force_null_context="true") as visit:
        begun(visit, served)
        press(visit, "#voice")
        visit.wait("document.querySelector('#trouble').innerText.includes('loudspeaker')")
        assert visit.ask("document.querySelector('#state').dataset.state") == "off"


def begun(visit: Visit, url: str, before: str = "") -> None:
    visit.open(url, before)
    visit.wait("document.querySelector('.avatar img')")


def press(visit: Visit, selector: str) -> None:
    visit.ask(f"document.querySelector('{selector}').click()")
