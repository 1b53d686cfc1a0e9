import os
from pathlib import Path

import av
import numpy as np
import pytest

from lipstream.errors import MediaError
from lipstream.video.pictures import pictures


def write_video(path: Path, levels: list[int]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for level in levels:
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), level, np.uint8), "bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_every_picture_comes_in_order(tmp_path: Path) -> None:
    path = tmp_path / "steps.mp4"
    levels = [20, 60, 100, 140, 180, 220]
    write_video(path, levels)
    images = list(pictures(path))
    assert [image.shape for image in images] == [(32, 48, 3)] * 6
    assert {image.dtype for image in images} == {np.dtype(np.uint8)}
    np.testing.assert_allclose([image.mean() for image in images], levels, atol=3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"no video at all", r"cannot be decoded \(Invalid data found when processing input\)"),
        (None, r"cannot be decoded \(No such file or directory\)"),
    ],
    ids=["empty", "text", "missing"],
)
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match=rf"clip\.mp4 {reason}; expected a video file; export it again\.$"):
        list(pictures(path))


def test_pictures_stored_sideways_come_upright() -> None:
    root = os.environ.get("LIPSTREAM_DATA")
    if not root:
        pytest.skip("LIPSTREAM_DATA is unset: no video turned by its metadata")
    folder = Path(root) / "media" / "derived"
    assert next(pictures(folder / "grid_rotated90_metadata.mp4")).shape == (360, 288, 3)
    upright = next(pictures(folder / "grid_stored_sideways_upright_when_rotation_applied.mp4"))
    original = next(pictures(Path(root) / "talking_head" / "grid_s1" / "bbaf2n.mpg"))
    assert upright.shape == original.shape
    assert np.corrcoef(upright[::8, ::8].ravel(), original[::8, ::8].ravel())[0, 1] > 0.75  # from different moments


def test_a_list_of_files_that_names_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "itself"
    path.write_text("ffconcat version 1.0\nfile itself\n")
    with pytest.raises(MediaError, match="as a list of files; expected a video file; convert"):
        next(pictures(path))
