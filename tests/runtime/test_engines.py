import logging
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from lipstream.errors import EngineError, MissingExtraError
from lipstream.runtime import engines
from lipstream.runtime.engines import ModelFile, RenamedEngine, choose, load_engine
from lipstream.runtime.golden import GoldenPair, read_golden

SPEECH = Path(__file__).parents[1] / "assets" / "speech"


@pytest.fixture
def model() -> ModelFile:
    return ModelFile(SPEECH / "articulation.onnx", read_golden(SPEECH / "golden.npz")["articulation"], {})


@pytest.fixture
def cpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(engines, "distribution", refuse)


def wrong(model: ModelFile) -> ModelFile:
    """A model that does not reproduce its golden values."""
    outputs = {name: values + 1 for name, values in model.golden.outputs.items()}
    return replace(model, golden=GoldenPair(model.golden.inputs, outputs))


@pytest.mark.usefixtures("cpu_only")
def test_auto_is_openvino_without_a_gpu(model: ModelFile) -> None:
    assert choose("auto", model).name == "openvino"


@pytest.mark.usefixtures("cpu_only")
def test_auto_passes_over_an_engine_that_fails(
    model: ModelFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("onnxruntime", reason='needs pip install ".[onnx]"')
    monkeypatch.setattr("lipstream.runtime.openvino.load", lambda *_, **__: refuse())
    with caplog.at_level(logging.WARNING):
        assert choose("auto", model).name == "onnx"
    assert caplog.messages == ["engine passed over"]


def refuse() -> None:
    raise EngineError("not today")


@pytest.mark.usefixtures("cpu_only")
def test_auto_says_why_nothing_works(model: ModelFile) -> None:
    with pytest.raises(EngineError, match=r"No engine runs .*: Engine openvino in .* deviates by"):
        choose("auto", wrong(model))


def test_a_named_engine_must_reproduce_its_golden_values(model: ModelFile) -> None:
    with pytest.raises(EngineError, match="Engine openvino in f32 deviates by"):
        choose("openvino", wrong(model), precision="f32")


def test_a_network_with_other_tensors(model: ModelFile) -> None:
    other = replace(model, golden=GoldenPair({"mel": np.zeros((1, 1), np.float32)}, model.golden.outputs))
    with pytest.raises(EngineError, match=r"cannot run .* on its golden input") as caught:
        choose("openvino", other)
    assert "\n" not in str(caught.value)


def test_an_engine_that_fails_without_a_word(model: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> float:
        raise RuntimeError

    monkeypatch.setattr(engines, "deviation", fail)
    with pytest.raises(EngineError, match="golden input: RuntimeError"):
        choose("openvino", model)


def test_a_named_engine_never_falls_back(model: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipstream.runtime.openvino.load", lambda *_, **__: refuse())
    with pytest.raises(EngineError, match="not today"):
        choose("openvino", model)


def test_tensors_go_by_our_names(model: ModelFile) -> None:
    theirs = GoldenPair({"sound": model.golden.inputs["audio"]}, {"shape": model.golden.outputs["code"]})
    engine = choose("openvino", replace(model, golden=theirs, tensors={"sound": "audio", "shape": "code"}))
    assert isinstance(engine, RenamedEngine)
    assert (engine.name, engine.device) == ("openvino", "cpu")
    assert engine.run(theirs.inputs).keys() == {"shape"}


def test_an_unknown_engine(model: ModelFile) -> None:
    with pytest.raises(EngineError, match="no engine 'tflite'; use auto, openvino, onnx, torch"):
        load_engine("tflite", model.path)


def test_openvino_is_for_the_cpu(model: ModelFile) -> None:
    with pytest.raises(EngineError, match="runs on the CPU, not on 'cuda'"):
        load_engine("openvino", model.path, device="cuda")


@pytest.mark.parametrize(("engine", "package", "extra"), [("onnx", "onnxruntime", "onnx"), ("torch", "torch", "train")])
def test_a_missing_package_names_its_extra(
    model: ModelFile, monkeypatch: pytest.MonkeyPatch, engine: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"lipstream.runtime.{engine}", raising=False)
    monkeypatch.delattr(f"lipstream.runtime.{engine}", raising=False)
    with pytest.raises(MissingExtraError, match=rf'pip install "lipstream\[{extra}\]"'):
        load_engine(engine, model.path)
