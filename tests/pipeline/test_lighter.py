import hashlib
import json
import shutil
from pathlib import Path

import numpy as np

from lipstream.pipeline.avatar import Avatar, open_avatar

SPEECH = Path(__file__).parents[1] / "assets" / "speech"


def with_a_larger_network(tiny_path: Path, folder: Path) -> Path:
    """A tiny avatar whose network of quality standard is the one of quality fast."""
    path = Path(shutil.copytree(tiny_path, folder / "tiny"))
    manifest = json.loads((path / "avatar.json").read_text())
    manifest["networks"]["standard"] = {**manifest["networks"]["fast"], "files": {"float": "generator.fast.onnx"}}
    with np.load(path / "golden.npz") as golden:
        values = dict(golden)
    values |= {name.replace("fast", "standard"): value for name, value in values.items()}
    np.savez(path / "golden.npz", **values)
    golden_bytes = (path / "golden.npz").read_bytes()
    manifest["files"]["golden.npz"] = {
        "sha256": hashlib.sha256(golden_bytes).hexdigest(),
        "size_bytes": len(golden_bytes),
    }
    (path / "avatar.json").write_text(json.dumps(manifest))
    return path


def test_where_the_larger_network_runs_the_smaller_one_may_take_over(tiny_path: Path, tmp_path: Path) -> None:
    path = with_a_larger_network(tiny_path, tmp_path)
    avatar = open_avatar(path, SPEECH, engine="openvino", quality="high")
    assert avatar.quality == "standard"
    lighter = avatar.lighter()
    assert lighter is not None
    assert lighter is avatar.lighter()  # loaded once
    visual, codes = np.full((1, 6, 320, 320), 0.5, np.float32), np.zeros((1, 12), np.float32)
    np.testing.assert_array_equal(lighter.generate(visual, codes), avatar.face.generate(visual, codes))


def test_the_smallest_network_has_none_below_it(tiny: Avatar) -> None:
    assert tiny.lighter() is None
