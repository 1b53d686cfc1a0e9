import gc
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lipstream.avatar.arrays import Array
from lipstream.avatar.bundle import file_entries, open_bundle, open_speech
from lipstream.errors import AvatarError, AvatarNotFoundError, AvatarVersionError

ASSETS = Path(__file__).parents[1] / "assets"
TINY = ASSETS / "avatars" / "tiny"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "copy"))


def reseal(folder: Path, **fields: object) -> None:
    """Write new hashes, so that the fault behind them is found."""
    manifest = json.loads((folder / "avatar.json").read_bytes())
    entries = file_entries(path for path in folder.iterdir() if path.name != "avatar.json")
    manifest["files"] = {name: entry.model_dump() for name, entry in entries.items()}
    (folder / "avatar.json").write_text(json.dumps(manifest | fields))


def test_opens_a_folder() -> None:
    bundle = open_bundle(TINY)
    assert bundle.transforms.shape == (12, 2, 3)
    assert bundle.transforms.dtype == np.float32
    assert bundle.poses.shape == (12, 3)
    assert bundle.network_path("fast", "int8") == TINY / "generator.fast.int8.onnx"
    assert all(path.is_file() for path in (bundle.frames_path, bundle.references_path, bundle.mask_path))


def test_opens_a_zip_and_removes_what_it_unpacked(tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "tiny"), "zip", TINY)).rename(tmp_path / "tiny.avatar")
    bundle = open_bundle(archive)
    folder = bundle.folder
    assert bundle.manifest == open_bundle(TINY).manifest
    assert bundle.mask_path.read_bytes() == (TINY / "mask.png").read_bytes()
    del bundle
    gc.collect()
    assert not folder.exists()


def test_a_refused_zip_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with zipfile.ZipFile(tmp_path / "empty.avatar", "w") as archive:
        archive.writestr("avatar.json", "{}")
    with pytest.raises(AvatarError, match=r"empty\.avatar/avatar\.json has format None"):
        open_bundle(tmp_path / "empty.avatar")
    assert [path.name for path in tmp_path.iterdir()] == ["empty.avatar"]


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(AvatarNotFoundError, match="no avatar at"):
        open_bundle(tmp_path / "nobody")


def test_a_folder_without_manifest(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"avatar\.json is missing"):
        open_bundle(tmp_path)


def test_a_manifest_of_a_megabyte(copy: Path) -> None:
    (copy / "avatar.json").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(AvatarError, match="at most 1048576"):
        open_bundle(copy)


def test_a_newer_format(copy: Path) -> None:
    reseal(copy, format="lipstream.avatar/2")
    with pytest.raises(AvatarVersionError, match=f"{copy}/avatar.json has format lipstream.avatar/2"):
        open_bundle(copy)


def test_a_malformed_manifest_is_named(copy: Path) -> None:
    reseal(copy, fps=24)
    with pytest.raises(AvatarError, match=f"{copy}/avatar.json is malformed at 'fps'"):
        open_bundle(copy)


@pytest.mark.parametrize("name", sorted(path.name for path in TINY.iterdir() if path.name != "avatar.json"))
def test_every_file_missing_truncated_or_changed_in_one_bit(copy: Path, name: str) -> None:
    content = (copy / name).read_bytes()
    (copy / name).unlink()
    with pytest.raises(AvatarError, match=f"{name} is missing"):
        open_bundle(copy)
    for damaged in (content[:-1], bytes([content[0] ^ 1]) + content[1:]):
        (copy / name).write_bytes(damaged)
        with pytest.raises(AvatarError, match=f"{name} is damaged: its SHA-256"):
            open_bundle(copy)


def test_a_file_that_cannot_be_read(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("hashlib.file_digest", refuse)
    with pytest.raises(AvatarError, match=r"cannot be opened .*Permission denied"):
        open_bundle(copy)


def test_crops_of_another_clip(copy: Path) -> None:
    reseal(copy, timeline={"frames": 13})
    with pytest.raises(AvatarError, match=r"'transforms' is float32 \[12, 2, 3\], expected real numbers \[13, 2, 3\]"):
        open_bundle(copy)


def test_a_network_that_is_not_there() -> None:
    with pytest.raises(AvatarError, match="no float network of quality 'standard'"):
        open_bundle(TINY).network_path("standard")


def test_speech_networks() -> None:
    speech = open_speech(ASSETS / "speech")
    assert speech.network_path("speech_encoder").is_file()
    with pytest.raises(AvatarError, match="no int8 file"):
        speech.network_path("articulation", "int8")


def test_damaged_speech_networks(tmp_path: Path) -> None:
    folder = shutil.copytree(ASSETS / "speech", tmp_path / "speech")
    (folder / "articulation.onnx").write_bytes(b"")
    with pytest.raises(AvatarError, match="damaged"):
        open_speech(folder)


def test_speech_features_are_read_if_there_are_any(copy: Path) -> None:
    assert open_bundle(copy).speech_features is None
    features = np.arange(30 * 512, dtype=np.float32).reshape(30, 512)
    np.save(copy / "speech_features.npy", features)
    reseal(copy)
    read = open_bundle(copy).speech_features
    assert read is not None
    np.testing.assert_array_equal(read, features)


@pytest.mark.parametrize(
    "content",
    [
        np.zeros((0, 512), np.float32),
        np.zeros((3, 511), np.float32),
        np.zeros(512, np.float32),
        np.array(1.0),
        np.full((1, 512), np.nan, np.float32),
        np.array([{}]),
        b"",
        b"no array",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 512), }".ljust(128),
    ],
)
def test_features_of_another_kind_are_refused(copy: Path, content: Array | bytes) -> None:
    path = copy / "speech_features.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    reseal(copy)
    with pytest.raises(AvatarError, match=r"speech_features\.npy"):
        open_bundle(copy)
