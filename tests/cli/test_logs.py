import logging

import pytest

from lipstream.cli.logs import show_logs
from lipstream.serve.logs import LineFormatter

pytestmark = pytest.mark.usefixtures("tiny_speech")  # which takes the handler away again


def test_a_record_is_a_line_with_its_fields() -> None:
    fields = {"path": "a.wav", "damaged_packets": 3, "levelname": "WARNING", "msg": "damaged %s", "args": ("audio",)}
    assert (
        LineFormatter().format(logging.makeLogRecord(fields))
        == "warning: damaged audio (path=a.wav, damaged_packets=3)"
    )


def test_only_the_level_asked_for_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show_logs("error")
    logging.getLogger("lipstream.audio").warning("too little")
    assert capsys.readouterr().err == ""
    show_logs("warning")
    logging.getLogger("lipstream.audio").warning("enough", extra={"count": 2})
    assert capsys.readouterr().err == "warning: enough (count=2)\n"
