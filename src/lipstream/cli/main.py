"""The command line in, an exit code out; loads nothing before an interruption of the loading can be told in a line."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from lipstream.cli.interrupt import ENDINGS, INTERRUPTED, held


def run() -> NoReturn:
    """Run the command line of this process and exit."""
    for number in ENDINGS:
        # Ctrl-C raises KeyboardInterrupt already; nohup wants to survive its terminal.
        if number != signal.SIGINT and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _terminate)
    code = execute(sys.argv[1:])
    if "grpc" in sys.modules:  # a thread of its own may crash an interpreter that is being taken apart
        _leave(code)
    sys.exit(code)


def execute(arguments: list[str]) -> int:
    """Run one command; every failure becomes one line on stderr.

    Args:
        arguments: the command line without the program's name.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrongly asked, 128 + n ended by signal n.
    """
    try:
        with held():
            from lipstream.cli import commands  # noqa: PLC0415  half of the time that `--help` takes
        return commands.execute(arguments)
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return INTERRUPTED


def _leave(code: int) -> NoReturn:
    """End the process, all of it done, without taking the interpreter apart."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)  # unwinds, so that half-written files are removed
