"""Counts of finished work in, progress bars on a terminal or now and then a line on stderr out."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lipstream.cli.interrupt import held
from lipstream.clock import now_ms

if TYPE_CHECKING:
    from lipstream.evaluate.faces import Progress

LINE_EVERY_MS = 5_000


@contextmanager
def shown(total_frames: int | None) -> Iterator[Callable[[int], None]]:
    """Show how far the frames are: a bar with the time left on a terminal, plain lines elsewhere.

    Args:
        total_frames: how many there will be, as far as the file's header can be believed; None if it does not say.

    Yields:
        A function that takes the number of frames done.
    """
    if sys.stderr.isatty():
        with _bars() as update:
            yield lambda done: update("frames", done, total_frames)
        return
    lines = Lines(total_frames, now_ms())
    yield lambda done: lines.note(done, now_ms())


@contextmanager
def progress_of_groups(unit: str) -> Iterator["Progress"]:
    """Show how far each group of figures is: a bar each on a terminal, a line when it begins elsewhere.

    Args:
        unit: what is counted, such as `runs`.
    """
    if sys.stderr.isatty():
        with _bars() as update:
            yield lambda group, done, total: update(group, done, total)  # noqa: PLW0108  with the names it asks for
        return
    yield lambda group, done, total: _announce(group, done, total, unit)


@contextmanager
def progress_of_stages() -> Iterator["Progress"]:
    """Show how far each stage of long work is, and how long it still takes: a bar each, or a line now and then."""
    if sys.stderr.isatty():
        with _bars() as update:
            yield lambda group, done, total: update(group, done, total)  # noqa: PLW0108  with the names it asks for
        return
    lines = StageLines()
    yield lambda group, done, total: lines.note(group, done, total, now_ms())


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int | None], None]]:
    """Lend a function that sets the bar of a name to so many done of so many, None where that is not known."""
    with held():  # imported here because a pipe or a script need not wait for it
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def update(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield update


def _announce(group: str, done: int, total: int, unit: str) -> None:
    if done == 0:
        print(f"measuring {group}: {total} {unit}", file=sys.stderr)


class Lines:
    """Prints a line every few seconds, none for work that is done sooner."""

    def __init__(self, total_frames: int | None, start_ms: float) -> None:
        self._total_frames = total_frames
        self._start_ms = start_ms
        self._next_ms = start_ms + LINE_EVERY_MS

    def note(self, done: int, now_ms: float) -> None:
        """Note that `done` frames are finished at the time `now_ms`."""
        if now_ms >= self._next_ms:
            self._next_ms = now_ms + LINE_EVERY_MS
            print(describe(done, self._total_frames, now_ms - self._start_ms), file=sys.stderr, flush=True)


def describe(done: int, total_frames: int | None, elapsed_ms: float) -> str:
    """A line such as `1250 of 3000 frames, 0:42 left`; without the end where that is not known or already passed."""
    if total_frames is None or total_frames <= done:
        return f"{done} frames"
    left_seconds = round(elapsed_ms / done * (total_frames - done) / 1000)
    return f"{done} of {total_frames} frames, {left_seconds // 60}:{left_seconds % 60:02} left"


class StageLines:
    """Prints a line every few seconds, and one when a stage is done."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[int, float]] = {}
        self._next_ms = 0.0

    def note(self, stage: str, done: int, total: int, now_ms: float) -> None:
        """Note that `done` of `total` parts of a stage are finished at the time `now_ms`."""
        first, start_ms = self._begun.setdefault(stage, (done, now_ms))
        if now_ms < self._next_ms and done < total:
            return
        self._next_ms = now_ms + LINE_EVERY_MS
        left = ""
        if first < done < total:
            seconds = round((now_ms - start_ms) / (done - first) * (total - done) / 1000)
            left = f", {seconds // 60}:{seconds % 60:02} left"
        print(f"{stage}: {100 * done // max(1, total)} %{left}", file=sys.stderr, flush=True)
