from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra: pip install '.[train]'")

from lipstream.avatar.bundle import MANIFEST_NAME
from lipstream.errors import OutputExistsError
from lipstream.train.person import new_bundle


def write(path: Path, text: str, *, overwrite: bool = False) -> None:
    with new_bundle(path, overwrite=overwrite) as folder:
        (folder / MANIFEST_NAME).write_text(text)


def test_a_bundle_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), new_bundle(tmp_path / "me") as folder:
        (folder / "nowhere" / "frames.mp4").write_bytes(b"half")
    assert not list(tmp_path.iterdir())
    write(tmp_path / "me", "one")
    assert [path.name for path in tmp_path.iterdir()] == ["me"]


def test_only_a_bundle_is_replaced_and_only_where_allowed(tmp_path: Path) -> None:
    write(tmp_path / "me", "one")
    with pytest.raises(OutputExistsError):
        write(tmp_path / "me", "two")
    write(tmp_path / "me", "two", overwrite=True)
    assert (tmp_path / "me" / MANIFEST_NAME).read_text() == "two"
    (tmp_path / "photos").mkdir()
    with pytest.raises(OutputExistsError):
        write(tmp_path / "photos", "three", overwrite=True)
