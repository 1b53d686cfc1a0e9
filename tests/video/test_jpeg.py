from pathlib import Path

import cv2
import numpy as np
import pytest

from lipstream.errors import InputError, OutputError, OutputExistsError
from lipstream.types import Image
from lipstream.video import jpeg, staging
from lipstream.video.jpeg import check_jpegs, check_pattern, decode_jpeg, encode_jpeg, open_jpegs


@pytest.fixture
def image() -> Image:
    ramp = np.add.outer(np.arange(48), np.arange(64))
    return np.stack([ramp, ramp * 2, 255 - ramp], -1).astype(np.uint8)


def write(pattern: Path, images: list[Image], *, overwrite: bool = False) -> None:
    with open_jpegs(pattern, overwrite=overwrite) as writer:
        for picture in images:
            writer.write(picture)


def test_a_picture_survives(image: Image) -> None:
    decoded = cv2.imdecode(np.frombuffer(encode_jpeg(image), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert np.abs(decoded.astype(int) - image).mean() < 2


def test_a_jpeg_is_read_again_and_what_is_none_is_refused(image: Image) -> None:
    encoded = encode_jpeg(image)
    again = decode_jpeg(encoded)
    assert again.shape == image.shape
    assert again.dtype == np.uint8
    for data in (b"", b"no picture", encoded[:20]):
        with pytest.raises(InputError, match="are no JPEG"):
            decode_jpeg(data)


def test_quality_costs_bytes(image: Image) -> None:
    assert len(encode_jpeg(image, quality=95)) > len(encode_jpeg(image, quality=30))


def test_pictures_are_numbered_from_0_in_a_folder_made_for_them(tmp_path: Path, image: Image) -> None:
    write(tmp_path / "frames" / "%04d.jpg", [image] * 3)
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == ["0000.jpg", "0001.jpg", "0002.jpg"]


def test_existing_pictures_are_kept(tmp_path: Path, image: Image) -> None:
    (tmp_path / "7.jpg").write_text("mine")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(OutputExistsError, match=r"7\.jpg"):
        write(tmp_path / "%d.jpg", [image])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["7.jpg", "notes.txt"]


def test_overwriting_leaves_nothing_of_a_longer_run(tmp_path: Path, image: Image) -> None:
    write(tmp_path / "%d.jpg", [image] * 5)
    others = ["01.jpg", "9.jpeg", "9.jpg.jpg", "a9.jpg", "notes.txt", "٩.jpg"]
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / "8.jpg").mkdir()
    write(tmp_path / "%d.jpg", [image] * 2, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["0.jpg", "1.jpg", "8.jpg", *others])


def test_a_place_is_checked_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "7.jpg").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"7\.jpg exists already; .*overwrite=True"):
        check_jpegs(tmp_path / "%d.jpg", overwrite=False)
    check_jpegs(tmp_path / "%d.jpg", overwrite=True)
    check_jpegs(tmp_path / "new" / "%d.jpg", overwrite=False)
    with pytest.raises(OutputError, match="folder does not exist"):
        check_jpegs(tmp_path / "a" / "b" / "%d.jpg", overwrite=False)
    with pytest.raises(OutputError, match="a file lies where its folder should be"):
        check_jpegs(tmp_path / "7.jpg" / "%d.jpg", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["7.jpg"]


def test_nothing_is_left_of_a_failure(tmp_path: Path, image: Image) -> None:
    def write_badly() -> None:
        with open_jpegs(tmp_path / "frames" / "%d.jpg") as writer:
            writer.write(image)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_badly()
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_appears_meanwhile_is_kept_and_the_others_are_taken_back(tmp_path: Path, image: Image) -> None:
    def race() -> None:
        with open_jpegs(tmp_path / "%d.jpg") as writer:
            writer.write(image)
            writer.write(image)
            (tmp_path / "1.jpg").write_text("theirs")

    with pytest.raises(OutputExistsError, match="meanwhile"):
        race()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("1.jpg", "theirs")]


def interrupt_the_second(monkeypatch: pytest.MonkeyPatch, *, renamed: bool) -> None:
    """Ctrl-C while the second picture is given its name, before or right after it has it."""
    calls: list[Path] = []

    def publish(temporary: Path, path: Path, *, overwrite: bool) -> None:
        calls.append(path)
        if len(calls) != 2 or renamed:
            staging.publish(temporary, path, overwrite=overwrite)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(jpeg, "publish", publish)


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("folder", ["", "new"])
def test_an_interruption_while_names_are_given_leaves_nothing(
    folder: str, renamed: bool, tmp_path: Path, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_the_second(monkeypatch, renamed=renamed)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / folder / "%d.jpg", [image] * 3)
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_never_takes_the_place_of_a_replaced_picture(
    tmp_path: Path, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0.jpg").write_text("old")
    (tmp_path / "2.jpg").write_text("old")
    interrupt_the_second(monkeypatch, renamed=True)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "%d.jpg", [image] * 3, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.jpg", "2.jpg"]
    assert (tmp_path / "0.jpg").read_bytes() == encode_jpeg(image)
    assert (tmp_path / "2.jpg").read_text() == "old"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_in_the_folders_place_is_told(tmp_path: Path, image: Image, overwrite: bool) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="a file lies where its folder should be"):
        write(tmp_path / "file" / "%d.jpg", [image], overwrite=overwrite)
    assert (tmp_path / "file").read_text() == "mine"


def test_only_one_folder_is_made(tmp_path: Path, image: Image) -> None:
    with pytest.raises(OutputError, match="folder does not exist"):
        write(tmp_path / "a" / "b" / "%d.jpg", [image])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["frame.jpg", "%d_%d.jpg", "%s.jpg", "%d%.jpg", "%5d.jpg"])
def test_a_pattern_has_one_place_for_a_number(name: str) -> None:
    with pytest.raises(InputError, match="%06d"):
        check_pattern(Path(name))
