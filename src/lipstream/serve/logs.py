"""Log records in, lines for people or for programs out; a server has them written while no request waits for it."""

import json
import logging
import queue
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from typing import Literal, TextIO

MOST_WAITING_LINES = 10_000

_STANDARD_FIELDS = {*vars(logging.makeLogRecord({})), "message", "asctime"}
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}  # or a client could write lines


def _extra(record: logging.LogRecord) -> Mapping[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class LineFormatter(logging.Formatter):
    """Shows the level, the text and every field given as `extra`: `warning: message (path=..., ...)`."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        """One line of a record, without its traceback."""
        fields = ", ".join(f"{name}={value}".translate(_ESCAPED) for name, value in _extra(record).items())
        return f"{record.levelname.lower()}: {record.message}" + (f" ({fields})" if fields else "")


class TimedLineFormatter(LineFormatter):
    """The same with the time before it, in UTC."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        """One line of a record, without its traceback."""
        return f"{_time(record)} {super().formatMessage(record)}"


class JsonFormatter(logging.Formatter):
    """Makes an object a line: time, level, logger, message, every field given as `extra`, and a traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of a record."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


FORMATTERS = {"text": TimedLineFormatter, "json": JsonFormatter}


class LineQueue(QueueHandler):
    """Makes lines of records and leaves the writing to another thread; what finds no room is lost and counted."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self._lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        super().__init__(self._lines)
        self.setFormatter(formatter)
        self.lost_lines = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        """Add a record if there is room; the logger lets one thread at a time in."""
        if self._lines.qsize() < MOST_WAITING_LINES:
            self._lines.put(record)  # a queue with a bound of its own would have no room for the listener's end mark
        else:
            self.lost_lines += 1

    def listener(self, stream: TextIO) -> QueueListener:
        """What writes the lines, once it is started."""
        return QueueListener(self._lines, logging.StreamHandler(stream))


@contextmanager
def queued_logs(level: str, form: Literal["text", "json"], stream: TextIO | None = None) -> Iterator[LineQueue]:
    """Write lipstream's own records as lines, in place of how they were shown before, until the `with` block ends.

    Args:
        level: the least severe that is written: `debug`, `info`, `warning` or `error`.
        form: text, or JSON.
        stream: where to, stderr by default.

    Yields:
        The queue, which knows how many lines were lost.
    """
    logger, lines = logging.getLogger("lipstream"), LineQueue(FORMATTERS[form]())
    handlers, former_level = logger.handlers, logger.level
    listener = lines.listener(stream or sys.stderr)
    listener.start()
    logger.handlers = [lines]
    logger.setLevel(level.upper())
    try:
        yield lines
    finally:
        logger.handlers = handlers
        logger.setLevel(former_level)
        listener.stop()
