from pathlib import Path

import numpy as np
import pytest

from lipstream.render.mask import read_mask
from lipstream.render.reference import read_references
from lipstream.train.footage import write_stills, write_video
from lipstream.video.clip import Clip
from lipstream.video.colour import to_video_frame

GREY = np.full((320, 320, 3), 90, np.uint8)


def test_stills_are_read_as_the_renderer_reads_them(tmp_path: Path) -> None:
    mask = np.zeros((320, 320), np.uint8)
    mask[100:200, 100:200] = 255
    write_stills(tmp_path, mask, [GREY, GREY // 2], GREY)
    np.testing.assert_array_equal(read_mask((tmp_path / "mask.png").read_bytes()).generated, mask)
    references = read_references((tmp_path / "references.png").read_bytes(), 2)
    np.testing.assert_array_equal(references[1], GREY // 2)
    assert (tmp_path / "poster.jpg").stat().st_size > 500


def test_stills_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_stills(tmp_path / "nowhere", GREY[..., 0], [GREY], GREY)


def test_a_clip_is_decoded_picture_by_picture(tmp_path: Path) -> None:
    levels = range(20, 220, 8)
    write_video(tmp_path / "frames.mp4", (to_video_frame(np.full((32, 48, 3), k, np.uint8)) for k in levels), 14)
    clip = Clip((tmp_path / "frames.mp4").read_bytes())
    assert (len(clip), clip.width, clip.height) == (len(levels), 48, 32)
    assert [abs(int(clip.image(i).mean()) - k) <= 3 for i, k in enumerate(levels)] == [True] * len(levels)
