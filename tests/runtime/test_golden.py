from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from lipstream.errors import AvatarError
from lipstream.runtime.golden import GoldenPair, deviation, read_golden
from lipstream.types import Float32

ASSETS = Path(__file__).parents[1] / "assets"
PAIR = GoldenPair({"audio": np.zeros((1, 2), np.float32)}, {"code": np.array([[3, 4]], np.float32)})


class Answers:
    """An engine that answers whatever it was given."""

    def __init__(self, **outputs: Float32) -> None:
        self._outputs = outputs

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        assert inputs is PAIR.inputs
        return self._outputs


def code(*values: float) -> Float32:
    return np.array([values], np.float32)


def test_reads_levels_as_0_to_1_and_halves_as_float32() -> None:
    pair = read_golden(ASSETS / "avatars" / "tiny" / "golden.npz")["generator.fast"]
    assert pair.inputs.keys() == {"visual", "code"}
    assert pair.outputs["image"].shape == (1, 3, 320, 320)
    for array in (*pair.inputs.values(), *pair.outputs.values()):
        assert array.dtype == np.float32
    assert 0.9 < pair.inputs["visual"].max() <= 1


def test_tells_outputs_from_inputs_by_the_kind_of_network() -> None:
    golden = read_golden(ASSETS / "speech" / "golden.npz")
    assert golden["speech_encoder"].outputs.keys() == {"features"}
    assert golden["articulation"].outputs.keys() == {"code"}


def test_deviation_is_relative() -> None:
    assert deviation(Answers(code=code(3, 4)), PAIR) == 0
    assert deviation(Answers(code=code(3.3, 4.4)), PAIR) == pytest.approx(0.1)


@pytest.mark.parametrize("answer", [{"code": code(3)}, {"image": code(3, 4)}, {"code": code(np.nan, 4)}])
def test_other_shapes_names_and_nan_never_pass(answer: dict[str, Float32]) -> None:
    assert not deviation(Answers(**answer), PAIR) <= 1e9


@pytest.mark.parametrize("values", [["a"], np.zeros(3, complex), np.zeros(3, "M8[s]"), np.zeros(3, "V4")])
def test_refuses_what_is_no_number(tmp_path: Path, values: object) -> None:
    np.savez(tmp_path / "golden.npz", **{"articulation/audio": values, "articulation/code": np.zeros(3)})  # type: ignore[arg-type]
    with pytest.raises(AvatarError, match=r"'articulation/audio' is .*, expected real numbers"):
        read_golden(tmp_path / "golden.npz")


@pytest.mark.parametrize("key", ["code", "face/image", "generator.fast/visual", "articulation/code"])
def test_refuses_incomplete_pairs(tmp_path: Path, key: str) -> None:
    np.savez(tmp_path / "golden.npz", **{key: np.zeros(3)})  # type: ignore[arg-type]
    with pytest.raises(AvatarError, match="expected inputs and an output"):
        read_golden(tmp_path / "golden.npz")
