import pytest

from lipstream.cli.progress import LINE_EVERY_MS, Lines, describe, progress_of_groups, shown


@pytest.mark.parametrize(
    ("done", "total", "elapsed_ms", "line"),
    [
        (250, 1000, 10_000, "250 of 1000 frames, 0:30 left"),
        (100, 10_000, 5_000, "100 of 10000 frames, 8:15 left"),
        (7, None, 10_000, "7 frames"),
        (300, 300, 10_000, "300 frames"),
        (301, 300, 10_000, "301 frames"),
    ],
)
def test_the_line_tells_what_is_known(done: int, total: int | None, elapsed_ms: float, line: str) -> None:
    assert describe(done, total, elapsed_ms) == line


def test_a_line_comes_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(1000, start_ms=0.0)
    for done in range(1, 101):
        lines.note(done, now_ms=100.0 * done)
    assert capsys.readouterr().err.splitlines() == ["50 of 1000 frames, 1:35 left", "100 of 1000 frames, 1:30 left"]
    assert LINE_EVERY_MS == 5_000


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with shown(200) as progress:
        progress(50)
    assert "50/200" in capsys.readouterr().err


def test_a_terminal_shows_a_bar_a_group(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_of_groups("clips") as progress:
        progress("truth", 0, 7)
        progress("truth", 3, 7)
        progress("silence", 1, 2)
    error = capsys.readouterr().err
    assert "truth" in error
    assert "3/7" in error
    assert "1/2" in error


def test_a_pipe_shows_a_line_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of_groups("clips") as progress:
        progress("truth", 0, 7)
        progress("truth", 3, 7)
    assert capsys.readouterr().err == "measuring truth: 7 clips\n"


def test_a_pipe_shows_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("lipstream.cli.progress.LINE_EVERY_MS", 0)
    with shown(None) as progress:
        progress(50)
    assert capsys.readouterr().err == "50 frames\n"
