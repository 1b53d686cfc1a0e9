"""Where SyncTalk_2D cuts pictures; and zips that are no packages."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lipstream.errors import InputError, MissingExtraError
from lipstream.train.synctalk.checkpoint import import_generator
from lipstream.train.synctalk.package import opened
from lipstream.train.synctalk.rectangles import read_squares, within


def test_squares_hang_from_three_landmarks(tmp_path: Path) -> None:
    points = np.arange(220).reshape(110, 2)
    (tmp_path / "landmarks").mkdir()
    np.savetxt(tmp_path / "landmarks" / "0.lms", points, "%d", newline="\r\n")
    assert read_squares(tmp_path).tolist() == [[2, 105, 62, 165]]


@pytest.mark.skipif("LIPSTREAM_DATA" not in os.environ, reason="LIPSTREAM_DATA names the folder of real data")
def test_squares_of_a_real_dataset_are_all_right() -> None:
    dataset = Path(os.environ["LIPSTREAM_DATA"]) / "reference" / "synctalk_dataset"
    said = json.loads((dataset / "crop_rectangles.json").read_bytes())
    squares = read_squares(dataset)
    assert len(squares) == 523
    assert squares.tolist() == [said[str(index)]["rect"] for index in range(523)]
    assert within(squares, 1280, 720).tolist() == squares.tolist()


def test_what_leaves_the_picture_is_cut_off_as_slicing_does() -> None:
    assert within(np.array([[10, 20, 110, 120]], np.int32), 100, 90).tolist() == [[10, 20, 100, 90]]
    for wrong in ([-1, 0, 9, 9], [0, -1, 9, 9], [5, 5, 5, 9], [5, 5, 4, 9], [100, 5, 120, 9]):
        with pytest.raises(InputError, match=r"Picture 0 is cut at .* outside its 100 x 90 pixels"):
            within(np.array([wrong], np.int32), 100, 90)


@pytest.mark.parametrize("text", ["", "[[1, 2, 3]]", '{"0": {}}', '{"1": {"rect": [1, 2, 3, 4]}}', "3", "[" * 9_999])
def test_rectangles_that_are_none_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "crop_rects.json").write_text(text)
    with pytest.raises(InputError, match=r"crop_rects.json cannot be read"):
        read_squares(tmp_path)


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "a\\b", "C:a"])
def test_zips_that_reach_outside_are_refused(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(InputError, match="expected names inside the package"), opened(tmp_path / "a.zip"):
        pass


def test_links_in_zips_are_refused(tmp_path: Path) -> None:
    member = zipfile.ZipInfo("a")
    member.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, b"/etc/passwd")
    with pytest.raises(InputError, match="holds a link"), opened(tmp_path / "a.zip"):
        pass


@pytest.mark.parametrize(("name", "says"), [("a.zip", "is no intact zip"), ("gone", "There is no dataset at")])
def test_what_is_no_dataset_is_refused(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 and nothing more")
    with pytest.raises(InputError, match=says), opened(tmp_path / name):
        pass


def test_a_checkpoint_needs_torch_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    monkeypatch.delitem(__import__("sys").modules, "lipstream.train.synctalk.weights", raising=False)
    (tmp_path / "best.pth").write_bytes(b"x")
    with pytest.raises(MissingExtraError, match=r'pip install "lipstream\[train\]"; or give the network as \.onnx'):
        import_generator(tmp_path / "best.pth", tmp_path / "a.onnx", {})
