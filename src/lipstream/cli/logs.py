"""Log records in, a line each on stderr out, in the form of the error line."""

import logging

from lipstream.serve.logs import LineFormatter


def show_logs(level: str) -> None:
    """Show lipstream's own records of at least this level (`debug`, `info`, `warning`, `error`) on stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger("lipstream")
    logger.handlers = [handler]
    logger.setLevel(level.upper())
