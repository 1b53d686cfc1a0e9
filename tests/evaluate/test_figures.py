import json

import pytest

from lipstream.evaluate.figures import BARS, Bar, Evaluation, Figure, as_plain


@pytest.mark.parametrize(
    ("bar", "value", "passes"),
    [
        (Bar(least=0.9), 0.9, True),
        (Bar(least=0.9), 0.89, False),
        (Bar(most=0.5), 0.5, True),
        (Bar(most=0.5), 0.6, False),
        (Bar(least=-1, most=1), -1, True),
        (Bar(least=-1, most=1), 2, False),
        (Bar(least=0.9), float("nan"), False),
    ],
)
def test_a_bar_admits_what_reaches_it(bar: Bar, value: float, passes: bool) -> None:
    assert bar.admits(value) is passes


def test_bars_read_as_they_are() -> None:
    assert [str(BARS[name]) for name in ("truth.opening_r", "silence.mean_percent", "real.lag_frames")] == [
        "≥ 0.95",
        "≤ 2",
        "-1 … 1",
    ]


def test_what_is_no_number_is_null_and_missed() -> None:
    plain = as_plain(Figure("truth.opening_r", float("nan"), "opening"))
    assert (plain["value"], plain["passes"]) == (None, False)
    json.dumps(plain, allow_nan=False)


def test_json_says_what_was_measured_what_passes_and_what_is_missing() -> None:
    evaluation = Evaluation(
        "tiny",
        {"engine": "openvino"},
        (Figure("truth.opening_r", 0.962345, "opening"), Figure("truth.code_r", 0.5, "code")),
        {"real": "LIPSTREAM_DATA is unset"},
    )
    assert json.loads(json.dumps(evaluation.as_json())) == {
        "schema": "lipstream.evaluation/1",
        "avatar": "tiny",
        "setting": {"engine": "openvino"},
        "figures": [
            {"name": "truth.opening_r", "value": 0.9623, "meaning": "opening", "bar": "≥ 0.95", "passes": True},
            {"name": "truth.code_r", "value": 0.5, "meaning": "code"},
        ],
        "not_measured": {"real": "LIPSTREAM_DATA is unset"},
    }
