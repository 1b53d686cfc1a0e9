"""The parity table: every engine and precision against the golden values of every bundle that is here."""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from lipstream.avatar.bundle import open_bundle, open_speech
from lipstream.avatar.registry import ASSETS as BUILT_IN
from lipstream.errors import EngineError
from lipstream.runtime.engines import load_engine
from lipstream.runtime.golden import TOLERANCE, GoldenPair, deviation, read_golden

TINY = Path(__file__).parents[1] / "assets"

PARITY = (
    # engine, precision, deviation: of networks that are not int8
    ("openvino", "f32", 1e-3),
    ("openvino", "bf16", 2e-2),
    ("onnx", "f32", 1e-3),
    ("torch", "f32", 1e-3),
    ("torch", "bf16", 2e-2),
    pytest.param("onnx", "f32", 1e-3, marks=pytest.mark.gpu),
    pytest.param("torch", "f16", 1e-2, marks=pytest.mark.gpu),
)
PACKAGES = {"openvino": ("openvino", ""), "onnx": ("onnxruntime", "onnx"), "torch": ("torch", "train")}


class Subject(NamedTuple):
    """A network under test."""

    name: str
    path: Path
    golden: GoldenPair
    int8: bool


def subjects() -> list[Subject]:
    """The networks of the tiny bundles and of the built-in ones."""
    found = []
    for folder in (*(TINY / "avatars").iterdir(), *BUILT_IN.glob("*/")):
        if (folder / "avatar.json").is_file():
            bundle, golden = open_bundle(folder), read_golden(folder / "golden.npz")
            for quality, network in bundle.manifest.networks.items():
                for precision in network.files:
                    path, pair = bundle.network_path(quality, precision), golden[f"generator.{quality}"]
                    found.append(Subject(f"{folder.name}/{path.name}", path, pair, precision == "int8"))
    for folder in (TINY / "speech", BUILT_IN / "speech"):
        if (folder / "speech.json").is_file():
            speech, golden = open_speech(folder), read_golden(folder / "golden.npz")
            for name in speech.manifest.networks:
                path = speech.network_path(name)
                found.append(Subject(f"{folder.parent.name}/{path.name}", path, golden[name], int8=False))
    return found


@pytest.mark.parametrize(("engine", "precision", "tolerance"), PARITY)
@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)
def test_parity(subject: Subject, engine: str, precision: str, tolerance: float, device: str) -> None:
    package, extra = PACKAGES[engine]
    if find_spec(package) is None:
        pytest.skip(f'needs pip install ".[{extra}]"')
    try:
        loaded = load_engine(engine, subject.path, device=device, precision=precision)
    except EngineError as error:
        if precision == "bf16" and "has no precision" in str(error):
            pytest.skip("this CPU does not compute in bf16")
        raise
    assert (loaded.name, loaded.device, loaded.precision) == (engine, device, precision)
    assert deviation(loaded, subject.golden) <= (TOLERANCE["int8"] if subject.int8 else tolerance)


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    """`cuda` for the rows marked gpu."""
    return "cuda" if request.node.get_closest_marker("gpu") else "cpu"
