from pathlib import Path

import pytest

from lipstream.cli.main import execute
from lipstream.serve.keys import KeyFile, read_keys

pytestmark = pytest.mark.usefixtures("tiny_speech")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPSTREAM_HOME", str(tmp_path))
    monkeypatch.delenv("LIPSTREAM_AUTH__KEYS_FILE", raising=False)
    return tmp_path / "keys.yaml"


def test_a_key_is_made_and_shown_once(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--scope", "infer", "--scope", "admin", "--max-concurrent", "4", "--per-minute", "600"]
    assert execute(["keys", "new", "--name", "alice", *arguments]) == 0
    output = capsys.readouterr()
    assert f"{path}, the server's auth.keys_file, keeps only its hash" in output.err
    key = KeyFile(path).identify(output.out.strip())
    assert key.scopes == {"infer", "admin"}
    assert (key.name, key.max_concurrent, key.per_minute) == ("alice", 4, 600)
    assert output.out.strip() not in path.read_text()


def test_a_key_without_more_said_may_only_infer(path: Path) -> None:
    assert execute(["keys", "new", "--name", "bob"]) == 0
    (key,) = read_keys(path)
    assert key.scopes == {"infer"}
    assert (key.max_concurrent, key.per_minute) == (None, None)


def test_the_file_is_the_servers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = path.with_name("other.json")
    monkeypatch.setenv("LIPSTREAM_AUTH__KEYS_FILE", str(other))
    assert execute(["keys", "new", "--name", "bob"]) == 0
    assert [key.name for key in read_keys(other)] == ["bob"]
    assert not path.exists()


def test_keys_are_listed_and_revoked(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("alice", "bob"):
        execute(["keys", "new", "--name", name, "--per-minute", "60"])
    capsys.readouterr()
    assert execute(["keys", "list"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("alice  infer        any number at once, 60 a minute  ")
    assert second.startswith("bob ")
    assert execute(["keys", "revoke", "alice"]) == 0
    assert [key.name for key in read_keys(path)] == ["bob"]
    execute(["keys", "revoke", "bob"])
    capsys.readouterr()
    assert execute(["keys", "list"]) == 0
    assert capsys.readouterr().out == f"There is no key in {path}.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["new", "--name", "alice"], 1, "There is a key of alice already"),
        (["new", "--name", "a b"], 2, "The name is wrong; expected 1 to 64 of A-Z"),
        (["new", "--name", "bob", "--scope", "root"], 2, "'root' is not one of"),
        (
            ["new", "--name", "bob", "--per-minute", "0"],
            2,
            "The per_minute is wrong; expected a whole number",
        ),
        (["new"], 2, "Missing option '--name'"),
        (["revoke", "bob"], 1, "There is no key of bob"),
        (["list", "--keys-file", "none.yaml"], 1, "There is no keys file none.yaml"),
    ],
)
@pytest.mark.usefixtures("path")
def test_what_cannot_be_is_told_in_a_line(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(["keys", "new", "--name", "alice"])
    capsys.readouterr()
    assert execute(["keys", *arguments]) == code
    output = capsys.readouterr()
    assert output.err.count("\n") == 1
    assert says in output.err
