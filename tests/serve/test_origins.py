import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.errors import AccessError
from lipstream.serve.origins import Origins

OPEN = Origins(hosts=["face.example.org"], origins=["https://shop.example.org"])


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "localhost.",
        "127.0.0.1:8080",
        "10.1.2.3",
        "[::1]:8080",
        "face.example.org",
        "Face.Example.Org.:443",
    ],
)
def test_a_name_of_this_server_passes(host: str) -> None:
    OPEN.check(host, None, secure=False)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "user@localhost",
        "localhost/evil",
        "localhost?x",
        "localhost#x",
        "localhost:99999",
        "[::1",
        "evil.example:8080",
        "face.example.org.evil.example",
        "localhost evil",
    ],
)
def test_a_name_that_was_rebound_is_refused(host: str | None) -> None:
    with pytest.raises(AccessError, match=r"add the name to auth\.hosts"):
        OPEN.check(host, None, secure=False)


@pytest.mark.parametrize(
    ("host", "origin", "secure"),
    [
        ("localhost:8080", "http://localhost:8080", False),
        ("localhost", "http://localhost:80", False),
        ("face.example.org", "https://face.example.org", True),
        ("[::1]:8080", "http://[::1]:8080", False),
        ("localhost:8080", "https://shop.example.org", False),
    ],
)
def test_its_own_pages_and_those_listed_pass(host: str, origin: str, secure: bool) -> None:
    OPEN.check(host, origin, secure=secure)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://localhost:3000",
        "https://localhost:8080",
        "http://evil.example",
        "http://localhost:8080.evil.example",
        "http://localhost:8080@evil.example",
        "http://shop.example.org",
        "https://shop.example.org.evil.example",
        "https://shop.example.org/",
        "file://",
    ],
)
def test_another_sites_page_is_refused(origin: str) -> None:
    with pytest.raises(AccessError, match=r"add that origin to auth\.origins"):
        OPEN.check("localhost:8080", origin, secure=False)


@given(st.text(), st.text())
def test_whatever_is_sent_passes_or_is_refused(host: str, origin: str) -> None:
    with contextlib.suppress(AccessError):
        OPEN.check(host, origin, secure=True)


def test_a_long_header_is_not_repeated() -> None:
    with pytest.raises(AccessError) as caught:
        OPEN.check("localhost", "x" * 10_000, secure=True)
    assert len(str(caught.value)) < 300


def test_only_listed_origins_may_read_answers() -> None:
    assert OPEN.cors_headers("https://shop.example.org")["access-control-allow-origin"] == "https://shop.example.org"
    for origin in (None, "null", "https://evil.example", "*"):
        assert OPEN.cors_headers(origin) == {}
    assert Origins().cors_headers("https://shop.example.org") == {}
