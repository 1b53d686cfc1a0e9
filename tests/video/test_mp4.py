import io
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from lipstream.errors import OutputError, OutputExistsError
from lipstream.types import Float32, Image
from lipstream.video.mp4 import SOUND_RATE_HZ, SOUND_SAMPLES, mp4_fragments, open_mp4

FRAMES = 30


def pictures(count: int = FRAMES) -> Iterator[Image]:
    ramp = np.add.outer(np.arange(48), np.arange(64))
    for index in range(count):
        yield np.stack([ramp + index, ramp, 255 - ramp], -1).astype(np.uint8)


def tone(samples: int, block_samples: int = 4_800) -> Iterator[Float32]:
    wave = 0.5 * np.sin(np.arange(samples) * (2 * np.pi * 440 / SOUND_RATE_HZ))
    stereo = np.stack([wave, -wave], axis=1).astype(np.float32)
    return (stereo[start : start + block_samples] for start in range(0, samples, block_samples))


def write(path: Path, sound: Iterator[Float32], *, overwrite: bool = False) -> None:
    with open_mp4(path, width=64, height=48, sound=sound, overwrite=overwrite) as writer:
        for image in pictures():
            writer.write(image)


def decoded_sound(path: Path) -> Float32:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def test_streams_are_what_players_expect(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    write(path, tone(FRAMES * SOUND_SAMPLES))
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (str(video.average_rate), video.frames) == ("25", FRAMES)
        assert (video.width, video.height) == (64, 48)
        context = video.codec_context
        assert (context.colorspace, context.color_range) == (Colorspace.ITU709, ColorRange.MPEG)
        assert (context.color_primaries, context.color_trc) == (ColorPrimaries.BT709, ColorTrc.BT709)
        assert (audio.codec_context.name, audio.rate, audio.codec_context.channels) == ("aac", 48_000, 2)
        assert len(list(container.decode(video=0))) == FRAMES
    assert path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat")


@pytest.mark.parametrize("sound_samples", [0, 1, 20 * SOUND_SAMPLES + 77, 40 * SOUND_SAMPLES])
def test_sound_lasts_as_long_as_the_picture(tmp_path: Path, sound_samples: int) -> None:
    path = tmp_path / "out.mp4"
    write(path, tone(sound_samples))
    with av.open(str(path)) as container:
        for stream in container.streams:
            assert stream.duration is not None
            assert stream.time_base is not None
            assert stream.duration * stream.time_base * 25 == FRAMES


def test_sound_is_that_of_the_source_and_then_silence(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    write(path, tone(20 * SOUND_SAMPLES))
    sound = decoded_sound(path)[:, : FRAMES * SOUND_SAMPLES]
    wave = np.concatenate(list(tone(20 * SOUND_SAMPLES))).T
    middle = slice(2 * SOUND_SAMPLES, 18 * SOUND_SAMPLES)
    assert np.abs(sound[:, middle] - wave[:, middle]).max() < 0.02
    assert np.abs(sound[:, 22 * SOUND_SAMPLES :]).max() < 1e-3


def test_pictures_keep_their_order_and_their_colours(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    write(path, tone(0))
    with av.open(str(path)) as container:
        for frame, image in zip(container.decode(video=0), pictures(), strict=True):
            blue = frame.to_ndarray(format="bgr24")[..., 0].astype(float)
            assert abs(blue.mean() - image[..., 0].mean()) < 4


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    def write_badly() -> None:
        with open_mp4(tmp_path / "out.mp4", width=64, height=48, sound=tone(0)) as writer:
            writer.write(next(pictures()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_badly()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match="overwrite=True"):
        write(path, tone(0))
    assert path.read_text() == "mine"
    write(path, tone(0), overwrite=True)
    assert path.stat().st_size > 1000
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.mp4"]


def test_a_colon_is_part_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("take:2.mp4"), tone(0))
    assert [entry.name for entry in tmp_path.iterdir()] == ["take:2.mp4"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nowhere.*folder does not exist"):
        write(tmp_path / "nowhere" / "out.mp4", tone(0))


def test_fragments_are_a_file_that_plays_before_it_is_complete() -> None:
    parts = list(mp4_fragments(pictures(80), tone(80 * SOUND_SAMPLES)))
    assert len(parts) >= 4  # the header, and about one a second
    with av.open(io.BytesIO(b"".join(parts[:-1])), "r") as container:
        assert 50 <= len(list(container.decode(video=0))) < 80
    with av.open(io.BytesIO(b"".join(parts)), "r") as container:
        assert len(list(container.decode(video=0))) == 80
        container.seek(0)
        assert sum(frame.samples for frame in container.decode(audio=0)) >= 80 * SOUND_SAMPLES


def test_the_first_fragment_comes_soon() -> None:
    written = 0

    def counted() -> Iterator[Image]:
        nonlocal written
        for picture in pictures(60):
            written += 1
            yield picture

    parts = mp4_fragments(counted(), tone(60 * SOUND_SAMPLES))
    assert any(b"moof" in part for part in parts)
    assert written <= 12


def test_fragments_of_one_picture_are_a_file() -> None:
    with av.open(io.BytesIO(b"".join(mp4_fragments(pictures(1), tone(0)))), "r") as container:
        assert len(list(container.decode(video=0))) == 1


def test_fragments_that_nobody_takes_stop_the_pictures() -> None:
    closed = []

    def endless() -> Iterator[Image]:
        try:
            while True:
                yield from pictures()
        finally:
            closed.append(True)

    parts = mp4_fragments(endless(), tone(0))
    next(parts)
    del parts
    assert closed == [True]
