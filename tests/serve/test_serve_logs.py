import io
import json
import logging
from threading import Event, Thread

import pytest

from lipstream.serve import logs
from lipstream.serve.logs import JsonFormatter, LineFormatter, TimedLineFormatter, queued_logs

LOG = logging.getLogger("lipstream.test")
FIELDS = {"msg": "damaged %s", "args": ("audio",), "levelname": "WARNING", "name": "lipstream.audio", "created": 0.5}


def fail() -> None:
    try:
        int("one")
    except ValueError:
        LOG.exception("failed", extra={"request_id": "id7"})


def record(**fields: object) -> logging.LogRecord:
    return logging.makeLogRecord({**FIELDS, **fields})


def test_a_line_of_a_server_begins_with_the_time() -> None:
    assert (
        TimedLineFormatter().format(record(path="a.wav", packets=3))
        == "1970-01-01T00:00:00.500Z warning: damaged audio (path=a.wav, packets=3)"
    )


def test_json_is_an_object_a_line_with_every_field() -> None:
    line = JsonFormatter().format(record(path="a.wav\n", packets=3, odd={1}))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.500Z",
        "level": "warning",
        "logger": "lipstream.audio",
        "message": "damaged audio",
        "path": "a.wav\n",
        "packets": 3,
        "odd": "{1}",
    }


@pytest.mark.parametrize("evil", ["a\nerror: forged", "a\x1b[2J", "a\r\x00", "a\x9b2J"])
def test_what_a_client_sends_forges_no_line_and_moves_no_cursor(evil: str) -> None:
    line = LineFormatter().format(record(request_id=evil))
    assert line.isprintable()


def test_lines_reach_the_stream_in_order_and_former_handlers_come_back() -> None:
    logger, stream = logging.getLogger("lipstream"), io.StringIO()
    before, level = logger.handlers, logger.level
    with queued_logs("info", "json", stream) as lines:
        LOG.debug("not shown")
        for number in range(100):
            LOG.info("one", extra={"number": number})
        fail()
    shown = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [one["number"] for one in shown[:-1]] == list(range(100))
    assert shown[-1]["message"] == "failed"
    assert shown[-1]["traceback"].endswith("ValueError: invalid literal for int() with base 10: 'one'")
    assert lines.lost_lines == 0
    assert (logger.handlers, logger.level) == (before, level)


class Stuck(io.StringIO):
    """A terminal that somebody has stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.may = Event(), Event()

    def write(self, text: str) -> int:
        self.entered.set()
        self.may.wait()
        return super().write(text)


def log_eight() -> None:
    for _ in range(8):
        LOG.info("more")


def test_nobody_waits_for_a_stuck_stream_and_what_finds_no_room_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST_WAITING_LINES", 5)
    stream = Stuck()
    with queued_logs("info", "text", stream) as lines:
        LOG.info("first")
        assert stream.entered.wait(10)
        asking = Thread(target=log_eight)
        asking.start()
        asking.join(10)
        assert not asking.is_alive()
        assert lines.lost_lines == 3
        stream.may.set()
    assert len(stream.getvalue().splitlines()) == 6


def test_text_shows_a_traceback_below_its_line() -> None:
    stream = io.StringIO()
    with queued_logs("info", "text", stream):
        fail()
    first, second, *_, last = stream.getvalue().splitlines()
    assert first.endswith("error: failed (request_id=id7)")
    assert second.startswith("Traceback")
    assert last == "ValueError: invalid literal for int() with base 10: 'one'"
