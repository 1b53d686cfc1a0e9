from pathlib import Path

import pytest

from lipstream.avatar.terms import NOT_RECORDED, Terms, stated_terms
from lipstream.errors import InputError


def test_what_is_not_said_is_not_recorded() -> None:
    assert stated_terms() == Terms(NOT_RECORDED, NOT_RECORDED, NOT_RECORDED, NOT_RECORDED)
    assert stated_terms(subject="Ada").missing == ["consent", "licence", "made_by"]


def test_consent_may_be_a_text(tmp_path: Path) -> None:
    (tmp_path / "consent.txt").write_text("\nI agree.\nAda\n", encoding="utf-8")
    assert stated_terms(consent=str(tmp_path / "consent.txt")).consent == "I agree.\nAda"
    assert stated_terms(consent="a contract of May").consent == "a contract of May"
    assert stated_terms(consent="x" * 5_000).consent == "x" * 5_000
    (tmp_path / "empty.txt").touch()
    assert stated_terms(consent=str(tmp_path / "empty.txt")).missing[1] == "consent"


@pytest.mark.parametrize(("content", "says"), [(b"\xff\xfe\xff", "no text in UTF-8"), (b"x" * 65_537, "at most 65536")])
def test_consents_that_are_no_text_are_refused(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "consent").write_bytes(content)
    with pytest.raises(InputError, match=says):
        stated_terms(consent=str(tmp_path / "consent"))


def test_oneself_needs_no_more_words() -> None:
    terms = stated_terms(is_self=True)
    assert terms.missing == []
    assert terms.made_by == "the person shown"
    assert stated_terms(is_self=True, made_by="a friend", licence="CC0-1.0").made_by == "a friend"
    with pytest.raises(InputError, match="leave out --subject and --consent"):
        stated_terms(is_self=True, subject="Ada")
