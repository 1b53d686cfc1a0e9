import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from lipstream.avatar.bundle import open_bundle, open_speech
from lipstream.errors import AvatarError, EngineError, InputError
from lipstream.runtime.networks import load_generator, load_speech, select_network

ASSETS = Path(__file__).parents[1] / "assets"
TINY = open_bundle(ASSETS / "avatars" / "tiny")
FLOAT_ONLY = TINY.manifest.model_copy(
    update={"networks": {"standard": TINY.manifest.networks["fast"].model_copy(update={"files": {"float": "a.onnx"}})}}
)


@pytest.mark.parametrize(
    ("quality", "precisions"), [("low", {"int8"}), ("medium", {"f32", "bf16"}), ("auto", {"f32", "bf16"})]
)
def test_loads_a_generator(quality: str, precisions: set[str]) -> None:
    generator = load_generator(TINY, engine="openvino", quality=quality)
    assert generator.quality == "fast"
    assert generator.precision in precisions
    visual, code = np.ones((2, 6, 320, 320), np.float32), np.zeros((2, 12), np.float32)
    assert generator.engine.run({"visual": visual, "code": code})["image"].shape == (2, 3, 320, 320)


def test_loads_the_speech_networks_in_float32() -> None:
    speech = load_speech(open_speech(ASSETS / "speech"), engine="openvino")
    assert (speech.encoder.precision, speech.articulation.precision) == ("f32", "f32")
    features = speech.encoder.run({"mel": np.full((3, 1, 80, 16), -4, np.float32)})["features"]
    np.testing.assert_array_equal(features, np.zeros((3, 512)))  # digital silence


@pytest.mark.parametrize("quality", ["low", "medium"])
def test_a_missing_quality_falls_back_with_a_warning(quality: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert select_network(FLOAT_ONLY, quality) == ("standard", "float")
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("quality", ["high", "auto"])
def test_no_warning_for_what_was_asked(quality: str, caplog: pytest.LogCaptureFixture) -> None:
    assert select_network(FLOAT_ONLY, quality) == ("standard", "float")
    assert caplog.messages == []


def test_an_unknown_quality() -> None:
    with pytest.raises(InputError, match="no quality 'best'; use auto, low, medium, high"):
        load_generator(TINY, quality="best")


def test_an_unknown_engine() -> None:
    with pytest.raises(EngineError, match="no engine 'abacus'"):
        load_generator(TINY, engine="abacus")


def test_missing_golden_values(tmp_path: Path) -> None:
    speech = open_speech(Path(shutil.copytree(ASSETS / "speech", tmp_path / "speech")))
    shutil.copy(TINY.golden_path, speech.golden_path)
    with pytest.raises(AvatarError, match=r"golden\.npz has no values of speech_encoder"):
        load_speech(speech)
