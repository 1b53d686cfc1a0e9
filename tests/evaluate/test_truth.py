from pathlib import Path

import av
import numpy as np
import pytest
from drawn_face import no_progress

from lipstream.errors import InputError, MediaError
from lipstream.evaluate import evaluation
from lipstream.evaluate.faces import Subject, openings
from lipstream.evaluate.phones import SpokenPhone
from lipstream.evaluate.reconstruction import Reconstruction, run_truth, true_pictures
from lipstream.evaluate.speaking import paint
from lipstream.evaluate.truth import ARRAYS, CROPS, SOUND, read_truth
from lipstream.evaluate.truth_figures import measured_truth
from lipstream.types import ARTICULATION, Codes, Image
from studio.pack import write_sound

FRAMES = (30, 41, 20)  # of three clips, the last without pictures
RENDERED = FRAMES[:2]


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
    codes = [known_codes(frames, phase) for frames, phase in zip(FRAMES, (0.0, 1.0, 2.0), strict=True)]
    indices = [list(range(frames)) for frames in FRAMES]
    painted = [one for some, where in zip(codes[:2], indices[:2], strict=True) for one in paint(subject, some, where)]
    write_crops(folder / CROPS, [one.crop for one in painted])
    write_sound(folder / SOUND, np.arange(sum(FRAMES) * 640 - 100).astype(np.int16))
    np.savez(
        folder / ARRAYS,
        codes=np.concatenate(codes),
        frame_index=np.concatenate(indices).astype(np.int32),
        opening_px=100 * openings((one.image for one in painted), subject.finder),
        clip_start=np.array([0, 30, 71], np.int32),
        pcm_start=np.array([0, 30, 71], np.int32) * 640,
        phone_symbol=np.array(["SIL", "AA", "B", "UW", "AH", "M"]),
        phone_start_ms=np.array([0, 200, 0, 800, 0, 300], np.float32),
        phone_end_ms=np.array([200, 1200, 800, 1640, 300, 800], np.float32),
        phone_first=np.array([0, 2, 4], np.int32),
    )
    return folder


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory, subject: Subject) -> Path:
    return write_truth(tmp_path_factory.mktemp("truth"), subject)


@pytest.fixture(scope="module")
def run(truth: Path, subject: Subject) -> Reconstruction:
    return run_truth(subject, truth, no_progress)


def test_clips_are_read_apart(truth: Path) -> None:
    first, second, third = read_truth(truth)
    assert tuple(len(clip.codes) for clip in (first, second, third)) == FRAMES
    assert (len(first.pcm), len(second.pcm), len(third.pcm)) == (30 * 640, 41 * 640, 20 * 640 - 100)
    assert second.frame_index == list(range(41))
    np.testing.assert_allclose(second.codes, known_codes(41, 1.0))
    assert second.phones == (SpokenPhone("B", 0.0, 800.0), SpokenPhone("UW", 800.0, 1640.0))
    assert [clip.rendered for clip in (first, second, third)] == [True, True, False]


def test_sound_comes_back_to_the_sample(truth: Path) -> None:
    pcm = np.concatenate([clip.pcm for clip in read_truth(truth)])
    np.testing.assert_array_equal(pcm * 32768, np.arange(len(pcm)).astype(np.int16))


def test_an_avatar_told_its_own_truth_is_perfect(run: Reconstruction) -> None:
    measured = measured_truth(run)
    values = {figure.name: figure.value for figure in measured.figures}
    assert (len(run.said), len(run.heard)) == (3, 2)
    assert values["truth.told_opening_r"] > 0.999
    assert values["truth.told_mouth_psnr_db"] == 99.0
    assert values["truth.face_found_percent"] == 100.0
    assert values["truth.mouth_psnr_db"] < 40  # what it hears is no speech
    assert values["truth.opening_r"] < 0.5
    assert values["truth.told_jitter_times"] == pytest.approx(1.0, abs=0.05)
    assert values["truth.known_closure_percent"] == 100.0
    assert values["truth.landmark_r"] > 0.99
    assert all(np.isfinite(list(values.values())))


def test_plots_and_tables_are_whole(run: Reconstruction) -> None:
    measured = measured_truth(run)
    assert len(measured.plots) == len(RENDERED) + 1
    for plot in measured.plots:
        assert plot.positions is not None
        assert {len(values) for values in plot.series.values()} == {len(plot.positions)}
    assert all(len(row) == len(table.header) for table in measured.tables for row in table.rows)


def test_speech_without_pictures_is_judged_by_its_codes(run: Reconstruction) -> None:
    measured = measured_truth(Reconstruction(run.said, (), (), ()))
    names = {figure.name for figure in measured.figures}
    assert {"truth.code_r", "truth.viseme_percent", "truth.closure_percent"} <= names
    assert "truth.opening_r" not in names
    assert not measured.plots


def test_what_needs_pictures_is_not_measured_without_them(
    tmp_path: Path, truth: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / ARRAYS, **(dict(np.load(truth / ARRAYS)) | {"opening_px": np.zeros(0, np.float32)}))
    (tmp_path / SOUND).write_bytes((truth / SOUND).read_bytes())
    monkeypatch.setattr(evaluation, "GROUPS", {name: evaluation.GROUPS[name] for name in ("seam", "swap")})
    found = evaluation.evaluate(subject, evaluation.Material(truth=tmp_path), no_progress)
    assert "no rendered clip" in found.not_measured["swap"]
    assert {figure.name.split("_")[0] for figure in found.figures} == {"seam.rest"}


def test_true_crops_are_set_in_as_painted_ones_are(truth: Path, subject: Subject) -> None:
    clip = read_truth(truth)[0]
    painted = list(paint(subject, clip.codes[:6], clip.frame_index[:6]))
    true = list(true_pictures(subject.avatar, [one.crop for one in painted], clip.frame_index[:6]))
    apart = [np.abs(one.image.astype(int) - picture).max() for one, picture in zip(painted, true, strict=True)]
    idle = np.abs(true[4].astype(int) - subject.avatar.clip.image(clip.frame_index[4])).max()
    assert idle > 40
    assert max(apart) < 10  # the mask's feather, which these crops have gone through before


def test_truth_that_does_not_fit_together_is_refused(tmp_path: Path, truth: Path, subject: Subject) -> None:
    arrays = dict(np.load(truth / ARRAYS))
    (tmp_path / SOUND).write_bytes((truth / SOUND).read_bytes())
    np.savez(tmp_path / ARRAYS, **(arrays | {"codes": arrays["codes"][:-3]}))
    with pytest.raises(InputError, match="expected \\[20, 12\\]"):
        read_truth(tmp_path)
    np.savez(tmp_path / ARRAYS, **(arrays | {"opening_px": arrays["opening_px"][:-3]}))
    with pytest.raises(InputError, match="whole clips"):
        read_truth(tmp_path)
    np.savez(tmp_path / ARRAYS, **(arrays | {"frame_index": arrays["frame_index"][:-3]}))
    with pytest.raises(InputError, match="17 pictures"):
        read_truth(tmp_path)
    for starts in ([], [0, 30]):
        np.savez(tmp_path / ARRAYS, **(arrays | {"clip_start": np.array(starts, np.int32)}))
        with pytest.raises(InputError, match="no clips, or not as many starts"):
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
