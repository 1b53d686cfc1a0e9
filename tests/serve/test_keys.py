import json
import logging
import stat
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lipstream.errors import InputError, OutputError, UnknownCallerError
from lipstream.serve.keys import (
    Key,
    KeyFile,
    Scope,
    new_secret,
    read_keys,
    secret_in,
    sha256_of,
    signature_of,
    write_keys,
)

SECRET = new_secret()


def key(name: str = "alice", secret: str = SECRET, *scopes: Scope) -> Key:
    return Key(name=name, sha256=sha256_of(secret), scopes=frozenset(scopes or ("infer",)), per_minute=600)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.yaml"
    write_keys(path, [key()])
    return path


def test_a_key_has_256_bits_and_no_two_are_the_same() -> None:
    assert len(SECRET) == 3 + 43
    assert len({new_secret() for _ in range(100)}) == 100


@pytest.mark.parametrize("name", ["keys.yaml", "keys.json"])
def test_keys_read_back_as_they_were_written_without_the_secret(name: str, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / name
    keys = (key(), key("bob", "b", "infer", "admin"))
    write_keys(path, keys)
    assert read_keys(path) == keys
    assert SECRET not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = json.loads(path.read_text()) if name.endswith("json") else yaml.safe_load(path.read_text())
    assert content["keys"][1] == {
        "name": "bob",
        "sha256": sha256_of("b"),
        "scopes": ["admin", "infer"],
        "per_minute": 600,
    }
    assert [one.name for one in path.parent.iterdir()] == [name]


def test_a_link_to_the_keys_file_stays_one(path: Path) -> None:
    link = path.with_name("link.yaml")
    link.symlink_to(path)
    write_keys(link, [])
    assert link.is_symlink()
    assert read_keys(path) == ()


def test_the_owner_of_a_key_is_known(path: Path) -> None:
    assert KeyFile(path).identify(SECRET).name == "alice"
    assert KeyFile(path).named("alice").name == "alice"


@given(st.text())
def test_nobody_else_is_let_in(secret: str) -> None:
    keys = KeyFile.__new__(KeyFile)
    keys.keys = lambda: (key(),)  # type: ignore[method-assign]
    with pytest.raises(UnknownCallerError, match="not known, or was revoked"):
        keys.identify(secret)


def test_no_key_at_all_is_told_how_to_send_one(path: Path) -> None:
    with pytest.raises(UnknownCallerError, match="send `authorization: Bearer KEY`"):
        KeyFile(path).identify(None)


def test_a_hash_is_no_key(path: Path) -> None:
    with pytest.raises(UnknownCallerError):
        KeyFile(path).identify(sha256_of(SECRET))


def test_a_revoked_key_counts_no_more(path: Path) -> None:
    keys = KeyFile(path)
    write_keys(path, [key("bob", "b")])
    assert keys.identify("b").name == "bob"
    with pytest.raises(UnknownCallerError):
        keys.identify(SECRET)
    with pytest.raises(UnknownCallerError, match="The key alice was revoked"):
        keys.named("alice")


def test_the_file_is_read_only_when_it_changed(path: Path) -> None:
    signatures = [(1, 1, 1), (1, 1, 1), (2, 1, 1)]
    keys = KeyFile(path, lambda _: signatures.pop(0))
    write_keys(path, [])
    assert len(keys.keys()) == 1
    assert keys.keys() == ()


def test_a_change_of_equal_size_is_seen(path: Path) -> None:
    before = signature_of(path)
    write_keys(path, [key()])
    assert signature_of(path) != before
    assert signature_of(path / "none") is None


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("keys: [")])
def test_a_file_that_became_unreadable_lets_nobody_in(
    change: object, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = KeyFile(path)
    assert callable(change)
    change(path)
    with caplog.at_level(logging.ERROR), pytest.raises(UnknownCallerError):
        keys.identify(SECRET)
    assert "nobody is let in" in caplog.text
    write_keys(path, [key()])
    assert keys.identify(SECRET)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("keys: [", "neither YAML nor JSON: line 1: expected the node content, but found '<stream end>'"),
        ("keys:\n- name: a\n   sha256: b", "neither YAML nor JSON: line 3: mapping values are not allowed here"),
        ("keys: [2020-13-45]", "neither YAML nor JSON"),
        ("5", "the whole is wrong; expected a list `keys`"),
        ("kyes: []", "malformed: kyes is wrong; expected a list `keys`, of which each has any of name, sha256"),
        ("keys: [{name: a}]", r"malformed: keys\.0\.sha256 is missing; expected 64 of 0-9 a-f\."),
        ("keys: [{name: a, sha256: beef, scopes: [infer]}]", r"keys\.0\.sha256"),
        (f"keys: [{{name: a, sha256: {'a' * 64}, scopes: [root]}}]", r"keys\.0\.scopes"),
        (f"keys: [{{name: a, sha256: {'a' * 64}, scopes: infer}}]", r"keys\.0\.scopes"),
        (f"keys: [{{name: a, sha256: {'a' * 64}, scopes: []}}]", r"keys\.0\.scopes"),
        (
            f"keys: [{{name: a, sha256: {'a' * 64}, scopes: [infer], per_minute: 0}}]",
            r"keys\.0\.per_minute is wrong; expected a whole",
        ),
        (f"keys: [&k {{name: a, sha256: {'a' * 64}, scopes: [infer]}}, *k]", "a key or a name twice"),
    ],
)
def test_a_malformed_file_is_refused(text: str, says: str, path: Path) -> None:
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        KeyFile(path)


def test_a_missing_file_is_refused_with_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`lipstream keys new --name NAME` makes it"):
        KeyFile(tmp_path / "none.yaml")


def test_a_file_of_other_bytes_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff\x00")
    with pytest.raises(InputError, match="cannot be read"):
        KeyFile(path)


def test_a_file_that_others_may_write_is_refused(path: Path) -> None:
    path.chmod(0o666)
    with pytest.raises(InputError, match="run `chmod 600`"):
        KeyFile(path)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_keys(tmp_path / "file" / "keys.yaml", [])


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({"authorization": "Bearer k"}, "k"),
        ({"authorization": "bearer  k "}, "k"),
        ({"x-api-key": "k"}, "k"),
        ({"authorization": "Basic x", "x-api-key": "k"}, "k"),
        ({"authorization": "Bearer"}, None),
        ({"authorization": "Basic x"}, None),
        ({}, None),
    ],
)
def test_the_key_is_found_in_headers(headers: dict[str, str], secret: str | None) -> None:
    assert secret_in(headers) == secret
