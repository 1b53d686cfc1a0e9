import json
from pathlib import Path

import pytest

from lipstream.errors import InputError, OutputExistsError
from lipstream.train.run_folder import adapts, alone, forget, forgotten_if_refused, is_of, open_run, request_of


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "me.mp4"
    path.write_bytes(b"a video")
    return path


def test_a_run_goes_on_only_where_that_is_asked_for(video: Path, tmp_path: Path) -> None:
    request = request_of([video], 3)
    open_run(tmp_path / "run", request, resume=False)
    open_run(tmp_path / "run", request, resume=True)
    with pytest.raises(OutputExistsError, match="--resume"):
        open_run(tmp_path / "run", request, resume=False)


def test_another_video_or_seed_is_another_training(video: Path, tmp_path: Path) -> None:
    open_run(tmp_path / "run", request_of([video], 3), resume=True)
    with pytest.raises(InputError, match="other videos"):
        open_run(tmp_path / "run", request_of([video], 4), resume=True)
    video.write_bytes(b"another video")
    with pytest.raises(InputError, match="other videos"):
        open_run(tmp_path / "run", request_of([video], 3), resume=True)


def test_a_run_knows_whether_its_speech_is_adapted_and_is_the_same_run_either_way(video: Path, tmp_path: Path) -> None:
    request = request_of([video], 3)
    assert not adapts(tmp_path / "run")
    for wished in (False, True, False):
        open_run(tmp_path / "run", request, resume=True, adapt_speech=wished)
        assert adapts(tmp_path / "run") == wished
        assert is_of(tmp_path / "run", request)


def test_a_run_that_says_nothing_of_its_speech_goes_on(video: Path, tmp_path: Path) -> None:
    request = request_of([video], 3)
    (tmp_path / "request.json").write_text(json.dumps(request))
    assert is_of(tmp_path, request)
    assert not adapts(tmp_path)
    open_run(tmp_path, request, resume=True, adapt_speech=True)
    assert adapts(tmp_path)


def test_a_video_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"me\.mp4 cannot be read"):
        request_of([tmp_path / "me.mp4"], 0)


@pytest.mark.parametrize("kept", [False, True], ids=["nothing kept", "something kept"])
def test_the_run_of_refused_recordings_leaves_its_name_to_better_ones(kept: bool, video: Path, tmp_path: Path) -> None:
    open_run(tmp_path / "run", request_of([video], 0), resume=False)
    if kept:
        (tmp_path / "run" / "prepared.npz").write_bytes(b"much work")
    with pytest.raises(InputError, match="no face"), forgotten_if_refused(tmp_path / "run"):
        raise InputError("no face")
    assert (tmp_path / "run").exists() == kept


def test_nobody_else_trains_in_a_folder_until_its_training_ends(tmp_path: Path) -> None:
    run = tmp_path / "me"
    with alone(run):
        with pytest.raises(InputError, match="Another process trains in"), alone(run):
            pass
        with pytest.raises(InputError, match="Another process trains in"):
            forget(run)
        assert run.is_dir()
    with alone(run):
        pass
    forget(run)
    forget(run)
    assert not run.exists()
