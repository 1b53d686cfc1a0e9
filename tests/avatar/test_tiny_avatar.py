import runpy
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from lipstream.avatar.arrays import read_npz
from lipstream.avatar.bundle import open_bundle, open_speech

ASSETS = Path(__file__).parents[1] / "assets"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx", reason='needs pip install ".[train]"')
    script = runpy.run_path(str(ASSETS / "make_tiny_avatar.py"))
    folder = tmp_path_factory.mktemp("made")
    script["make_tiny"](folder)
    runpy.run_path(str(ASSETS / "make_tiny_synctalk.py"))["make_networks"](folder / "synctalk")
    return folder


def test_the_script_reproduces_the_committed_bundles(made: Path) -> None:
    hashes = {"files"}  # encoders of other versions write other bytes
    for opened, folder in ((open_bundle, "avatars/tiny"), (open_speech, "speech")):
        made_manifest, kept_manifest = opened(made / folder).manifest, opened(ASSETS / folder).manifest
        assert made_manifest.model_dump(exclude=hashes) == kept_manifest.model_dump(exclude=hashes)
        assert made_manifest.files.keys() == kept_manifest.files.keys()


@pytest.mark.parametrize("name", ["avatars/tiny/crops.npz", "avatars/tiny/golden.npz", "speech/golden.npz"])
def test_arrays(made: Path, name: str) -> None:
    found, kept = read_npz(made / name), read_npz(ASSETS / name)
    assert found.keys() == kept.keys()
    for key, array in kept.items():
        np.testing.assert_allclose(found[key].astype(float), array.astype(float), atol=2e-3)


@pytest.mark.parametrize("name", sorted(path.name for path in ASSETS.rglob("*.onnx")))
def test_networks(made: Path, name: str) -> None:
    (found,), (kept,) = made.rglob(name), ASSETS.rglob(name)
    assert found.read_bytes() == kept.read_bytes()


@pytest.mark.parametrize("name", ["mask.png", "references.png", "poster.jpg"])
def test_pictures(made: Path, name: str) -> None:
    found, kept = (cv2.imread(str(folder / "avatars" / "tiny" / name)) for folder in (made, ASSETS))
    assert found is not None
    assert kept is not None
    assert np.abs(found.astype(int) - kept).mean() < 1


def test_clip(made: Path) -> None:
    found, kept = (decode(folder / "avatars" / "tiny" / "frames.mp4") for folder in (made, ASSETS))
    assert found.shape == kept.shape == (12, 128, 128, 3)
    assert np.abs(found.astype(int) - kept).mean() < 2


def decode(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]).astype(np.uint8)
