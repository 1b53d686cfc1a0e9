import pytest

from lipstream.errors import BusyError, UnknownCallerError
from lipstream.serve.tokens import Tokens


def test_a_token_names_its_key_once() -> None:
    tokens = Tokens()
    alices, bobs = tokens.issue("alice", 0), tokens.issue("bob", 0)
    assert tokens.redeem(bobs, 10) == "bob"
    assert tokens.redeem(alices, 10) == "alice"
    with pytest.raises(UnknownCallerError, match="used already, is older than a minute"):
        tokens.redeem(alices, 10)
    assert len(tokens) == 0


@pytest.mark.parametrize(("age_ms", "good"), [(59_999, True), (60_000, False)])
def test_a_token_lives_a_minute(age_ms: float, good: bool) -> None:
    tokens = Tokens()
    token = tokens.issue("alice", 1000)
    if good:
        assert tokens.redeem(token, 1000 + age_ms) == "alice"
    else:
        with pytest.raises(UnknownCallerError):
            tokens.redeem(token, 1000 + age_ms)


def test_a_key_has_only_so_many_unused_tokens_and_takes_none_from_others() -> None:
    tokens = Tokens(most_a_key=3)
    for _ in range(3):
        tokens.issue("alice", 0)
    with pytest.raises(BusyError, match="has 3 tokens that nobody used") as refused:
        tokens.issue("alice", 20_000)
    assert refused.value.retry_after_ms == 40_000
    assert tokens.issue("bob", 0)
    assert tokens.issue("alice", 60_000)
    assert len(tokens) == 1


@pytest.mark.parametrize("token", ["", "lst_", "\ud800", "x" * 10_000])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(UnknownCallerError, match="or never was one"):
        Tokens().redeem(token, 0)


def test_tokens_are_not_kept_as_they_are() -> None:
    tokens = Tokens()
    assert tokens.issue("alice", 0) not in repr(vars(tokens))
