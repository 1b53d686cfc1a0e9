import pytest

from lipstream.errors import InputError
from lipstream.pipeline.session import StreamSettings


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_rate_hz": 999},
        {"sample_rate_hz": 768_001},
        {"lookahead_ms": 171},
        {"lookahead_ms": 453},
        {"preroll_ms": 39},
        {"queue_ms": 999},
        {"gain": 2.1},
        {"first_picture": -1},
        {"paced": False, "steered": True},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="expected"):
        StreamSettings(**wrong)  # type: ignore[arg-type]
