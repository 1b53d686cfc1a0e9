"""Films turned by their metadata and of any frame rate, sound of any sample rate: dubbed upright and in time."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
import soxr
from fakes import write_wav
from in_time import late_samples
from tiny_film import PlacedFinder, film_of, turned, write_film

from lipstream.audio.read import read_pcm
from lipstream.pipeline.avatar import Avatar
from lipstream.train.dub import Wish, dub
from lipstream.train.preprocess.recording import steady_pictures
from lipstream.types import Float32, Image, Pcm
from lipstream.video.pictures import timed_pictures

Codec = Literal["libx264", "hevc"]
NARROW = np.s_[:, :112]


def quiet(group: str, done: int, total: int) -> None:
    """Tell nobody."""


def stored_sideways(tiny: Avatar, path: Path, quarters: int) -> tuple[Path, list[Image]]:
    """A film that is upright after so many quarter turns clockwise, and its pictures upright, 128 high and 112 wide."""
    upright = [image[NARROW] for image in film_of(tiny)[:8]]
    sideways = [np.ascontiguousarray(np.rot90(image, quarters), np.uint8) for image in upright]
    return turned(write_film(path, sideways), quarters), upright


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_what_is_trained_on_is_upright(quarters: int, tiny: Avatar, tmp_path: Path) -> None:
    film, upright = stored_sideways(tiny, tmp_path / "film.mp4", quarters)
    shown = list(steady_pictures(film))
    assert len(shown) == len(upright)
    for image, wanted in zip(shown, upright, strict=True):
        assert image is not None
        assert np.abs(image.astype(int) - wanted).mean() < 3


def test_a_film_stored_sideways_is_dubbed_and_written_upright(tiny: Avatar, hello: Pcm, tmp_path: Path) -> None:
    film, upright = stored_sideways(tiny, tmp_path / "film.mp4", 1)
    write_wav(tmp_path / "short.wav", hello[8_000:12_000])
    dub(Wish(film, tmp_path / "short.wav", tmp_path / "out.mp4"), tiny, 1.0, PlacedFinder(), quiet)
    with av.open(str(tmp_path / "out.mp4")) as container:
        frames = list(container.decode(video=0))
    assert {(frame.height, frame.width, frame.rotation) for frame in frames} == {(128, 112, 0)}
    assert len(frames) == len(upright)
    pairs = zip(frames, upright, strict=True)
    away = [np.abs(frame.to_ndarray(format="bgr24").astype(int) - wanted) for frame, wanted in pairs]
    assert max(image[:40].mean() for image in away) < 3
    assert max(image[84:100, 52:76].mean() for image in away) > 12


# Frames a second, or the times of the pictures in milliseconds.
RATES: dict[str, Fraction | Sequence[int]] = {
    "29.97": Fraction(30000, 1001),
    "50": Fraction(50),
    "12": Fraction(12),
    "variable": [0, 33, 67, 200, 233, 267, 300, 420, 433, 640, 660, 710, 867, 900, 960],
}


def brightening(image: Image, path: Path, codec: Codec, times_ms: Sequence[float]) -> Path:
    """A film whose upper edge is as bright as its time: 200 levels a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=1000)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 128, 128, "yuv420p", Fraction(1, 90_000)
        stream.options = {"x265-params": "log-level=none"} if codec == "hevc" else {}
        for at_ms in times_ms:
            shown = image.copy()
            shown[:24] = round(20 + 0.2 * at_ms)
            frame = av.VideoFrame.from_ndarray(shown, "bgr24")
            frame.pts, frame.time_base = round(90 * at_ms), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("rate", "codec"), [*((rate, "libx264") for rate in RATES), ("29.97", "hevc")])
def test_every_picture_is_shown_when_the_film_shows_it(
    rate: str, codec: Codec, tiny: Avatar, hello: Pcm, tmp_path: Path
) -> None:
    times = RATES[rate]
    times_ms = [1000 * k / float(times) for k in range(int(times))] if isinstance(times, Fraction) else times
    film = brightening(tiny.clip.image(0), tmp_path / "film.mp4", codec, times_ms)
    write_wav(tmp_path / "short.wav", hello[:640])
    dub(Wish(film, tmp_path / "short.wav", tmp_path / "out.mp4"), tiny, 1.0, PlacedFinder(), quiet)
    for at_s, image in timed_pictures(tmp_path / "out.mp4"):
        shown_ms = (float(image[4:20].mean()) - 20) / 0.2
        nearest_ms = min(times_ms, key=lambda one_ms: abs(one_ms - 1000 * (at_s or 0)))
        assert shown_ms == pytest.approx(nearest_ms, abs=15)  # three levels of the coding


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 96_000])
def test_the_sound_is_in_time_with_its_lips(rate_hz: int, tiny: Avatar, hello: Pcm, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", film_of(tiny)[:10])
    sound = soxr.resample(hello[4_000:12_000], 16_000, rate_hz)
    write_stereo(tmp_path / "said.wav", np.stack([sound, sound], axis=1), rate_hz)
    dub(Wish(film, tmp_path / "said.wav", tmp_path / "out.mp4"), tiny, 1.0, PlacedFinder(), quiet)
    with av.open(str(tmp_path / "out.mp4")) as container:
        starts = {float((stream.start_time or 0) * (stream.time_base or 0)) for stream in container.streams}
    assert max(starts) == 0
    assert abs(late_samples(hello[4_000:12_000], read_pcm(tmp_path / "out.mp4"))) <= 8  # half a millisecond


def write_stereo(path: Path, sound: Float32, rate_hz: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=rate_hz, layout="stereo")
        samples = np.ascontiguousarray((32_000 * np.clip(sound, -1, 1)).astype(np.int16).reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate = rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
