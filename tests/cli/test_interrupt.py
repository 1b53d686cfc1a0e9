import os
import signal
import subprocess
import sys
import threading
from types import FrameType

import pytest

from lipstream.cli.interrupt import held

SLOW_IMPORT = """
import signal, sys
from importlib.abc import MetaPathFinder

class Interrupt(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.{number})

sys.meta_path.insert(0, Interrupt())
from lipstream.cli.main import run
sys.argv[1:] = ["generate", "speech.wav", "-o", "out.mp4"]
run()
"""


def test_an_interruption_waits_for_the_end() -> None:
    done = []

    def work() -> None:
        with held():
            signal.raise_signal(signal.SIGINT)
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_signals_keep_their_handlers() -> None:
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    before = signal.signal(signal.SIGTERM, note)
    try:
        with held():
            os.kill(os.getpid(), signal.SIGTERM)
            assert came == []
        assert came == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with held():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_hold_nothing() -> None:
    done: list[bool] = []

    def work() -> None:
        with held():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


@pytest.mark.parametrize("module", ["typer", "numpy", "av", "lipstream.runtime.engines"])
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_an_interruption_of_an_import_is_one_line_or_none(module: str, number: str, code: int) -> None:
    script = SLOW_IMPORT.format(module=module, number=number)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)  # noqa: S603  our own
    assert done.returncode == code
    assert done.stderr == ("error: interrupted\n" if number == "SIGINT" else "")


def test_a_second_interruption_ends_at_once() -> None:
    script = "import signal\nfrom lipstream.cli.interrupt import held\nwith held():\n"
    script += "    signal.raise_signal(signal.SIGINT)\n    signal.raise_signal(signal.SIGINT)\n    print('on')\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
