import io
from pathlib import Path

import av
import numpy as np
import pytest

from lipstream.errors import MediaError
from lipstream.types import Image
from lipstream.video.clip import Clip
from lipstream.video.colour import to_video_frame

FRAMES, GROUP = 20, 6
WIDTH, HEIGHT = 96, 64
PICTURE_BYTES = WIDTH * HEIGHT * 3 // 2


def picture(index: int) -> Image:
    return np.full((HEIGHT, WIDTH, 3), (10 * index + 20, 128, 200), np.uint8)


@pytest.fixture(scope="module")
def encoded() -> bytes:
    """Twenty pictures, each brighter than the one before, in closed groups of six with B-frames."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        options = {"crf": "12", "g": str(GROUP), "bf": "2", "x264-params": "open-gop=0:scenecut=0"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(FRAMES):
            frame = to_video_frame(picture(index))
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def number(image: Image) -> int:
    return round((float(image[..., 0].mean()) - 20) / 10)


def test_pictures_come_in_any_order(encoded: bytes) -> None:
    clip = Clip(encoded)
    assert (len(clip), clip.width, clip.height) == (FRAMES, WIDTH, HEIGHT)
    order = np.random.default_rng(1).permutation(FRAMES).tolist()
    assert [number(clip.image(index)) for index in order] == order


def test_the_clip_is_a_loop(encoded: bytes) -> None:
    clip = Clip(encoded)
    assert number(clip.image(FRAMES)) == 0
    assert number(clip.image(5 * FRAMES + 7)) == 7


def test_a_picture_is_the_same_however_it_was_reached(encoded: bytes) -> None:
    tight, roomy = Clip(encoded, cache_bytes=1), Clip(encoded)
    for index in (13, 2, 13, 19, 12):
        assert np.array_equal(tight.image(index), roomy.image(index))


def test_a_picture_belongs_to_its_caller(encoded: bytes) -> None:
    clip = Clip(encoded)
    clip.image(3)[:] = 0
    assert number(clip.image(3)) == 3


def test_decoded_pictures_stay_within_the_cache(encoded: bytes) -> None:
    clip = Clip(encoded, cache_bytes=2 * GROUP * PICTURE_BYTES)
    for index in range(2 * FRAMES):
        clip.image(index)
        assert clip.held_bytes <= 2 * GROUP * PICTURE_BYTES


@pytest.mark.parametrize("content", [b"", b"not a video", bytes(1000)])
def test_what_is_no_video_is_refused(content: bytes) -> None:
    with pytest.raises(MediaError, match="not a video"):
        Clip(content)


def test_a_damaged_clip_is_refused_in_one_sentence(encoded: bytes) -> None:
    damaged = bytearray(encoded)
    start = damaged.index(b"mdat") + 4
    damaged[start : start + 600] = bytes(600)
    with pytest.raises(MediaError, match="install the avatar again"):
        Clip(bytes(damaged)).image(0)


def test_a_list_of_files_opens_none_of_them(tmp_path: Path, tiny_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.mp4").write_bytes((tiny_path / "frames.mp4").read_bytes())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MediaError, match="not a video that can be decoded"):
        Clip(b"ffconcat version 1.0\nfile other.mp4\n")
