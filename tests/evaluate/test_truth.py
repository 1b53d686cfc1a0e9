from pathlib import Path

import av
import numpy as np
import pytest
from drawn_face import no_progress

from lipstream.errors import InputError, MediaError
from lipstream.evaluate.faces import Subject, openings
from lipstream.evaluate.reconstruction import heard_codes, paint, run_truth, truth_figures
from lipstream.evaluate.truth import ARRAYS, CROPS, read_truth
from lipstream.types import ARTICULATION, Codes, Image

FRAMES = (30, 41)  # of two clips


def known_codes(frames: int, phase: float) -> Codes:
    codes = np.zeros((frames, 12), np.float32)
    codes[:, ARTICULATION.index("lip_gap")] = 0.5 - 0.5 * np.cos(np.arange(frames) * 0.7 + phase)
    return codes


def write_crops(path: Path, crops: list[Image]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=25, options={"crf": "0"})
        stream.width, stream.height, stream.pix_fmt = 320, 320, "rgb24"
        for crop in crops:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(crop, "bgr24")))
        container.mux(stream.encode(None))


def write_truth(folder: Path, subject: Subject) -> Path:
    """What the tiny avatar paints is its own truth."""
    codes = [known_codes(frames, phase) for frames, phase in zip(FRAMES, (0.0, 1.0), strict=True)]
    indices = [list(range(frames)) for frames in FRAMES]
    painted = [one for some, where in zip(codes, indices, strict=True) for one in paint(subject, some, where)]
    write_crops(folder / CROPS, [one.crop for one in painted])
    np.savez(
        folder / ARRAYS,
        pcm=np.zeros(sum(FRAMES) * 640 - 100, np.int16),
        codes=np.concatenate(codes),
        frame_index=np.concatenate(indices).astype(np.int32),
        opening_px=100 * openings((one.image for one in painted), subject.finder),
        clip_start=np.array([0, FRAMES[0]], np.int32),
        pcm_start=np.array([0, FRAMES[0] * 640], np.int32),
    )
    return folder


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory, subject: Subject) -> Path:
    return write_truth(tmp_path_factory.mktemp("truth"), subject)


def test_clips_are_read_apart(truth: Path) -> None:
    first, second = read_truth(truth)
    assert (len(first.codes), len(second.codes)) == FRAMES
    assert len(first.pcm) == 30 * 640
    assert len(second.pcm) == 41 * 640 - 100
    assert second.frame_index == list(range(41))
    np.testing.assert_allclose(second.codes, known_codes(41, 1.0))


def test_an_avatar_told_its_own_truth_is_perfect(truth: Path, subject: Subject) -> None:
    heard, told = run_truth(subject, truth, no_progress)
    values = {figure.name: figure.value for figure in truth_figures(heard, told)}
    assert values["truth.told_opening_r"] > 0.999
    assert values["truth.told_mouth_psnr_db"] == 99.0
    assert values["truth.mouth_psnr_db"] < 40  # what it hears is silence
    assert values["truth.opening_r"] < 0.5
    assert all(np.isfinite(list(values.values())))


def test_codes_are_heard_for_every_frame(subject: Subject) -> None:
    assert heard_codes(subject.avatar, np.zeros(30 * 640 + 1, np.float32)).shape == (31, 12)


def test_truth_that_does_not_fit_together_is_refused(tmp_path: Path, truth: Path, subject: Subject) -> None:
    arrays = dict(np.load(truth / ARRAYS))
    np.savez(tmp_path / ARRAYS, **(arrays | {"pcm": arrays["pcm"][:-2000]}))
    with pytest.raises(InputError, match="expected \\[38, 12\\]"):
        read_truth(tmp_path)
    np.savez(tmp_path / ARRAYS, codes=arrays["codes"])
    with pytest.raises(InputError, match="lacks clip_start"):
        read_truth(tmp_path)
    np.savez(tmp_path / ARRAYS, **arrays)
    with pytest.raises(MediaError):
        run_truth(subject, tmp_path, no_progress)
    write_crops(tmp_path / CROPS, [np.zeros((320, 320, 3), np.uint8)] * 60)
    with pytest.raises(InputError, match="does not hold a 320 x 320 crop for every frame"):
        run_truth(subject, tmp_path, no_progress)
