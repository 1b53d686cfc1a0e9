"""Log records in, a line each on stderr out, in the form of the error line: `warning: message (path=..., ...)`."""

import logging

_STANDARD_FIELDS = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class LineFormatter(logging.Formatter):
    """Shows the level, the text and every field given as `extra`."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        """One line of a record, without its traceback."""
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS}
        fields = ", ".join(f"{name}={value}" for name, value in extra.items())
        return f"{record.levelname.lower()}: {record.message}" + (f" ({fields})" if fields else "")


def show_logs(level: str) -> None:
    """Show lipstream's own records of at least this level (`debug`, `info`, `warning`, `error`) on stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger("lipstream")
    logger.handlers = [handler]
    logger.setLevel(level.upper())
