import signal
import sys

import pytest

import lipstream
from lipstream.cli import main
from lipstream.cli.main import execute

pytestmark = pytest.mark.usefixtures("tiny_speech")


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--version"]) == 0
    assert capsys.readouterr().out == f"lipstream {lipstream.__version__}\n"


@pytest.mark.parametrize("command", [[], ["generate"], ["avatar"], ["avatar", "verify"], ["evaluate"], ["bench"]])
def test_help_is_given(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([*command, "--help"]) == 0
    assert "Usage: lipstream" in capsys.readouterr().out


def test_a_closed_terminal_ends_the_work_unless_nohup_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[int] = []
    monkeypatch.setattr(main, "execute", lambda _: 0)
    monkeypatch.setattr(main, "_leave", sys.exit)  # grpc may be loaded, by other tests
    monkeypatch.setattr(signal, "signal", lambda number, _: handled.append(number))
    for handler, expected in ((signal.SIG_DFL, [signal.SIGTERM, signal.SIGHUP]), (signal.SIG_IGN, [])):
        handled.clear()
        monkeypatch.setattr(signal, "getsignal", lambda _, handler=handler: handler)
        with pytest.raises(SystemExit):
            main.run()
        assert handled == expected


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([]) == 2
    output = capsys.readouterr()
    assert "generate" in output.out
    assert output.err == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["frobnicate"], "No such command"),
        (["--frobnicate"], "No such option"),
        (["generate"], "Missing argument"),
        (["generate", "a.wav"], "Missing option '--out'"),
        (["generate", "a.wav", "-o", "a.mp4", "--engine", "steam"], "'steam' is not one of"),
        (["avatar", "show"], "Missing argument"),
    ],
)
def test_wrong_use_is_told_in_one_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(arguments) == 2
    output = capsys.readouterr()
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1
    assert says in output.err


def test_a_wrong_environment_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LIPSTREAM_LOG", "loud")
    assert execute(["avatar", "list"]) == 1
    assert capsys.readouterr().err == "error: LIPSTREAM_LOG is 'loud', expected one of debug, info, warning, error.\n"


def test_a_traceback_is_shown_to_those_who_ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIPSTREAM_LOG", "debug")
    assert execute(["avatar", "show", "nobody"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_of_ours_is_one_line_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("lipstream.avatar.registry.list_avatars", lambda _: 1 / 0)
    assert execute(["avatar", "list"]) == 1
    assert capsys.readouterr().err.startswith("error: ZeroDivisionError: division by zero (this should not happen")


def test_an_interruption_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lipstream.avatar.registry.list_avatars", interrupt)
    assert execute(["avatar", "list"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
