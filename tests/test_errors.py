import pytest

from lipstream.errors import reason_of


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [("one", -1, "one"), ("first\nlast\n\n", -1, "last"), ("first\nlast", 0, "first"), (" \n", -1, "ValueError")],
)
def test_the_reason_is_one_line(text: str, line: int, reason: str) -> None:
    assert reason_of(ValueError(text), line=line) == reason
