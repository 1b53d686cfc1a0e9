from pathlib import Path

import pytest
import yaml

from lipstream.cli.main import execute

pytestmark = pytest.mark.usefixtures("tiny_speech")


def test_the_effective_configuration_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lipstream.yaml"
    file.write_text("output: {jpeg_quality: 90}")
    monkeypatch.setenv("LIPSTREAM_SERVER__HTTP_PORT", "9000")
    assert execute(["config", "--print", "--config", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "  http_port: 9000  # LIPSTREAM_SERVER__HTTP_PORT\n" in shown
    assert f"  jpeg_quality: 90  # {file}:1\n" in shown
    assert yaml.safe_load(shown)["server"]["host"] == "127.0.0.1"


def test_a_file_in_order_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lipstream.yaml"
    file.write_text("capacity: {max_models: 3}")
    assert execute(["config", "--check", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: in order\n"


def test_every_fault_of_a_file_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lipstream.yaml"
    file.write_text("server:\n  htp_port: 1\noutput:\n  jpeg_quality: 900\n")
    assert execute(["config", "--check", str(file)]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    first, second = output.err.splitlines()
    assert first == f"error: {file}:2: there is no key server.htp_port; did you mean server.http_port?"
    assert second == f"error: {file}:4: output.jpeg_quality is 900, expected quality of JPEG pictures, 1 to 100."


def test_what_a_file_names_and_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lipstream.yaml"
    file.write_text(
        "auth: {keys_file: keys.yaml}\n"
        "tls: {mode: files, certificate: a.pem, key: b.pem}\n"
        "webrtc: {turn_url: 'turn:a:1', turn_username: b, turn_credential_file: c}\n"
        "registry:\n  preload: [nobody]\n  aliases: {face: nobody}\n"
    )
    assert execute(["config", "--check", str(file)]) == 1
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(f"error: {file}:")[2].split(" ")[0] for line in told] == ["1:", "2:", "3:", "5:", "6:"]
    for line, says in zip(told, ["no keys file", "a.pem", "cannot be read", "'nobody'", "'nobody'"], strict=True):
        assert says in line


@pytest.mark.parametrize("arguments", [[], ["--print", "--check", "x"], ["--check", "x", "--config", "y"]])
def test_one_of_the_two_is_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["config", *arguments]) == 2
    assert "expected either --print" in capsys.readouterr().err.lower()
