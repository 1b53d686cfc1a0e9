"""A figure in, a line of a table out: what `evaluate` and `bench` print."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lipstream.evaluate.figures import Figure


def figure_line(figure: "Figure") -> str:
    """One figure, its bar, whether it reaches it, and what it means."""
    verdict = {None: "", True: "pass", False: "MISS"}[figure.passes]
    bar = "" if figure.bar is None else str(figure.bar)
    return f"{figure.name:<32}{figure.value:>9.3f}  {bar:<10}{verdict:<6}{figure.meaning}"
