import numpy as np
import pytest
from drawn_face import no_progress

from lipstream.errors import MissingExtraError
from lipstream.evaluate import parity
from lipstream.evaluate.faces import Subject
from lipstream.evaluate.parity import Absent, Stray, compared, measure_parity, parity_figures, parity_table
from lipstream.evaluate.speed.stages import VARIANTS
from lipstream.runtime.engines import load_engine


def test_only_the_mask_is_compared() -> None:
    exact = np.full((2, 3, 8, 8), 0.5, np.float32)
    weight = np.zeros((8, 8), np.float32)
    weight[2:6, 2:6] = 1.0
    outside = exact.copy()
    outside[:, :, 0, 0] = 1.0
    assert compared(outside, exact, weight) == (99.0, 0.0)
    inside = exact.copy()
    inside[0, 1, 3, 3] += np.float32(0.1)
    found_db, levels = compared(inside, exact, weight)
    assert levels == pytest.approx(25.5, abs=0.01)
    assert found_db < 99.0


def test_the_worst_counts_and_int8_stands_apart() -> None:
    results: list[Stray | Absent] = [
        Stray("fast", "openvino bf16 against openvino f32", "float", 50.0, 3.0),
        Stray("fast", "onnx f32", "float", 90.0, 0.1),
        Stray("fast", "openvino int8", "int8", 35.0, 30.0),
        Absent("fast", "torch auto", "not installed"),
    ]
    assert {figure.name: figure.value for figure in parity_figures(results)} == {
        "parity.float_psnr_db": 50.0,
        "parity.int8_psnr_db": 35.0,
    }
    assert parity_table(results).rows[-1] == ("fast", "torch auto", "not measured: not installed", "")


def test_every_engine_here_agrees_on_the_tiny_avatar(subject: Subject) -> None:
    measured = measure_parity(subject, no_progress)
    values = {figure.name: figure.value for figure in measured.figures}
    assert values["parity.float_psnr_db"] > 40
    assert len(measured.tables[0].rows) == len(VARIANTS) - 1


def test_an_engine_that_is_not_installed_is_named(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_onnx(name: str, *arguments: object, **options: object) -> object:
        if name == "onnx":
            raise MissingExtraError("ONNX Runtime is not installed")
        return load_engine(name, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(parity, "load_engine", without_onnx)
    rows = measure_parity(subject, no_progress).tables[0].rows
    missing = [row[1] for row in rows if "not measured: ONNX Runtime" in str(row[2])]
    assert missing == ["onnx f32", "onnx int8"]
