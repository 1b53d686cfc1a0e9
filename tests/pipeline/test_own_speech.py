"""An avatar that hears with speech networks of its own: loaded, shown, checked and exchanged like every other."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from lipstream.avatar.archive import pack
from lipstream.avatar.arrays import read_npz
from lipstream.avatar.bundle import MANIFEST_NAME, Bundle, file_entries, open_bundle, open_speech
from lipstream.avatar.installed import install
from lipstream.avatar.manifest import Manifest
from lipstream.cli.avatar import describe
from lipstream.errors import AvatarError
from lipstream.pipeline.avatar import open_avatar, verify
from lipstream.types import Pcm

SHARED = Path(__file__).parents[1] / "assets" / "speech"


@pytest.fixture
def own(tiny_path: Path, tmp_path: Path) -> Bundle:
    """The tiny avatar with the tiny speech networks beside it, of which the second one says half as much."""
    onnx = pytest.importorskip("onnx", reason="needs the extra: pip install '.[train]'")
    folder = Path(shutil.copytree(tiny_path, tmp_path / "tiny"))
    golden = {**read_npz(folder / "golden.npz"), **read_npz(SHARED / "golden.npz")}
    shutil.copy(SHARED / "speech_encoder.onnx", folder)
    model = onnx.load(SHARED / "articulation.onnx")
    (strength,) = [one for one in model.graph.initializer if one.name == "strength"]
    strength.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(strength) / 2, "strength"))
    onnx.save(model, folder / "articulation.onnx")
    golden["articulation/code"] = golden["articulation/code"].astype(np.float32) / 2
    np.savez(folder / "golden.npz", **golden)  # type: ignore[arg-type]  # numpy types its own keywords only
    networks = open_speech(SHARED).manifest.networks
    fields = open_bundle(tiny_path).manifest.model_dump() | {
        "speech_encoder": networks["speech_encoder"],
        "speech_articulation": networks["articulation"],
        "files": file_entries(path for path in folder.iterdir() if path.name != MANIFEST_NAME),
    }
    (folder / MANIFEST_NAME).write_text(Manifest.model_validate(fields).model_dump_json())
    return open_bundle(folder)


def test_it_hears_with_its_own_networks(own: Bundle, tiny_path: Path, hello: Pcm) -> None:
    heard = {}
    for path in (own.folder, tiny_path):
        speech = open_avatar(path, SHARED, engine="openvino").speech(gain=1.0)
        heard[path] = np.concatenate([speech.push(hello), speech.finish()])
    np.testing.assert_allclose(heard[own.folder], heard[tiny_path] / 2, atol=1e-5)
    assert heard[own.folder].max() > 0.1


def test_its_networks_are_run_when_it_is_verified(own: Bundle) -> None:
    assert verify(own) == ["fast int8", "fast float", "speech encoder", "articulation"]


def test_it_is_packed_and_installed_with_them(own: Bundle, tmp_path: Path) -> None:
    pack(own.folder, [MANIFEST_NAME, *own.manifest.files], tmp_path / "me.avatar")
    folder = install(tmp_path / "me.avatar", tmp_path / "home", name="me")
    manifest = open_bundle(folder).manifest
    assert dict(describe(manifest, folder))["hears with"].startswith("speech networks of its own")
    assert (folder / "articulation.onnx").read_bytes() == (own.folder / "articulation.onnx").read_bytes()


def test_one_without_golden_values_is_refused(own: Bundle, tiny_path: Path) -> None:
    shutil.copy(tiny_path / "golden.npz", own.folder)
    with pytest.raises(AvatarError, match="no values of speech_encoder"):
        verify(own)
