"""Figures in, lines of a table and a progress display out: what `evaluate` and `bench` print."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lipstream.evaluate.faces import Progress
    from lipstream.evaluate.figures import Figure


def figure_line(figure: "Figure") -> str:
    """One figure, its bar, whether it reaches it, and what it means."""
    verdict = {None: "", True: "pass", False: "MISS"}[figure.passes]
    bar = "" if figure.bar is None else str(figure.bar)
    return f"{figure.name:<32}{figure.value:>9.3f}  {bar:<10}{verdict:<6}{figure.meaning}"


@contextmanager
def progress_of_groups(unit: str) -> Iterator["Progress"]:
    """Show how far each group of figures is: a bar on a terminal, a line when it begins elsewhere; on stderr."""
    if not sys.stderr.isatty():
        yield lambda group, done, total: _announce(group, done, total, unit)
        return
    # A pipe or a script never waits for this import.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def update(group: str, done: int, total: int) -> None:
            if group not in tasks:
                tasks[group] = bars.add_task(group, total=total)
            bars.update(tasks[group], completed=done, total=total)

        yield update


def _announce(group: str, done: int, total: int, unit: str) -> None:
    if done == 0:
        print(f"measuring {group}: {total} {unit}", file=sys.stderr)
