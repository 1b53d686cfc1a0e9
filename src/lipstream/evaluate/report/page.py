"""An evaluation and pictures in, one HTML page that shows them out: no script, no network, light and dark."""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from lipstream.evaluate.figures import Evaluation, Figure, Plot, Table
from lipstream.evaluate.report.sheet import Sheet
from lipstream.evaluate.report.style import STYLE
from lipstream.evaluate.report.svg import draw

VERDICTS = {None: ("", "to compare"), True: ("pass", "✓ pass"), False: ("miss", "✗ missed")}
"""Whether a bar is reached, to the class and the words that show it."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the page shows beside figures."""

    film: str | None
    """The film's file name beside the page; None: there is none."""
    has_truth: bool
    """Whether the film and the sheets hold the truth."""
    sheets: Sequence[Sheet]
    """Sheets of stills."""


def page(evaluation: Evaluation, machine: Mapping[str, object], pictures: Pictures) -> str:
    """The page.

    Args:
        evaluation: what was measured.
        machine: on what, from `machine` and `versions`.
        pictures: the film and the stills.
    """
    title = f"The lips of {evaluation.avatar}"
    sections = [
        ("summary", "Summary", _summary(evaluation)),
        ("film", "Film", _film(pictures)),
        ("figures", "Figures", "".join(_group(*group) for group in by_group(evaluation.figures).items())),
        ("curves", "Curves", "".join(_plot(plot) for plot in evaluation.plots)),
        ("tables", "Tables", "".join(table_html(table) for table in evaluation.tables)),
        ("pictures", "Pictures", "".join(_sheet(sheet, pictures.has_truth) for sheet in pictures.sheets)),
        ("missing", "Not measured", _missing(evaluation.not_measured)),
        ("setting", "Measured with", _pairs({**evaluation.setting, **machine})),
    ]
    shown = [(name, heading, body) for name, heading, body in sections if body]
    links = "".join(f'<a href="#{name}">{heading}</a>' for name, heading, _ in shown)
    bodies = "".join(f'<section id="{name}"><h2>{heading}</h2>{body}</section>' for name, heading, body in shown)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><header><h1>{escape(title)}</h1>"
        f"<p>{escape(_setting_line(evaluation))}</p><nav aria-label='Sections'>{links}</nav></header>"
        f"<main>{bodies}</main></body></html>\n"
    )


def by_group(figures: Iterable[Figure]) -> dict[str, list[Figure]]:
    """Figures by what stands before the dot in their name, in their order."""
    groups: dict[str, list[Figure]] = {}
    for figure in figures:
        groups.setdefault(figure.name.partition(".")[0], []).append(figure)
    return groups


def number(value: float) -> str:
    """A value with as many digits as tell something; a dash where there is none."""
    if not math.isfinite(value):
        return "–"  # noqa: RUF001  a dash in a column of figures
    if value == round(value) and abs(value) < 1e6:
        return f"{value:.0f}".replace("-", "−")  # noqa: RUF001  a minus sign
    most = 3 if value == round(value, 3) else 4  # a measure that was rounded shows no more than it has
    digits = max(0, min(most, 2 - math.floor(math.log10(abs(value)))))
    return f"{value:.{digits}f}".replace("-", "−")  # noqa: RUF001


def _setting_line(evaluation: Evaluation) -> str:
    setting = ", ".join(f"{key} {value}" for key, value in evaluation.setting.items())
    return f"How well they follow the sound, measured on finished pictures: lipstream {setting}."


def _summary(evaluation: Evaluation) -> str:
    judged = [figure for figure in evaluation.figures if figure.passes is not None]
    missed = [figure for figure in judged if not figure.passes]
    words = f"{len(judged) - len(missed)} of {len(judged)} bars reached"
    kind = "miss" if missed else "pass"
    others = len(judged) < len(evaluation.figures)
    note = "<p>Figures without a bar are there to compare; they stand with the others below.</p>" if others else ""
    tiles = "".join(_tile(figure) for figure in sorted(judged, key=lambda figure: bool(figure.passes)))
    return f'<p class="verdict {kind}">{words}, {len(missed)} missed.</p>{note}<ul class="tiles">{tiles}</ul>'


def _tile(figure: Figure) -> str:
    kind, words = VERDICTS[figure.passes]
    return (
        f'<li class="{kind}"><span class="name">{escape(figure.name)}</span>'
        f'<strong>{number(figure.value)}</strong> <span class="bar">bar {escape(str(figure.bar))}</span>'
        f'<span class="word">{words}</span></li>'
    )


def _group(name: str, figures: Sequence[Figure]) -> str:
    rows = "".join(_figure_row(figure) for figure in figures)
    head = '<tr><th scope="col">figure</th><th scope="col" class="number">value</th><th scope="col">bar</th>'
    head += '<th scope="col">verdict</th><th scope="col">meaning</th></tr>'
    return f"<h3>{escape(name)}</h3><div class='wide'><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>"


def _figure_row(figure: Figure) -> str:
    kind, words = VERDICTS[figure.passes]
    bar = "" if figure.bar is None else escape(str(figure.bar))
    return (
        f'<tr><th scope="row"><code>{escape(figure.name)}</code></th><td class="number">{number(figure.value)}</td>'
        f'<td>{bar}</td><td class="{kind}">{words}</td><td>{escape(figure.meaning)}</td></tr>'
    )


def _plot(plot: Plot) -> str:
    return f"<figure><figcaption>{escape(plot.title)}</figcaption>{draw(plot)}</figure>"


def table_html(table: Table) -> str:
    """A table, numbers to the right; one whose rows bear the names of its columns shaded by value."""
    peak = heat_peak(table)
    head = "".join(
        f'<th scope="col"{_numeric(table, column)}>{escape(name)}</th>' for column, name in enumerate(table.header)
    )
    rows = "".join(f"<tr>{''.join(_cell(value, peak) for value in row)}</tr>" for row in table.rows)
    return (
        f'<figure><figcaption>{escape(table.title)}</figcaption><div class="wide"><table class="data">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></figure>"
    )


def heat_peak(table: Table) -> float:
    """The largest value of a table of one kind against the same kinds, such as confusions; 0 for others."""
    if len(table.rows) < 2 or [row[0] for row in table.rows] != list(table.header[1:]):
        return 0.0
    values = [value for row in table.rows for value in row[1:] if not isinstance(value, str) and math.isfinite(value)]
    return max([0.0, *values])


def _cell(value: str | float, peak: float) -> str:
    if isinstance(value, str):
        return f"<td>{escape(value)}</td>"
    share = value / peak if peak > 0 and value > 0 else 0.0
    heat = f' style="--heat:{100 * share:.0f}%"' if share else ""
    return f'<td class="number{" heat" if heat else ""}"{heat}>{number(value)}</td>'


def _numeric(table: Table, column: int) -> str:
    return ' class="number"' if any(not isinstance(row[column], str) for row in table.rows) else ""


def _film(pictures: Pictures) -> str:
    if pictures.film is None:
        return "<p>There is none: this installation holds no sentence to speak.</p>"
    what = "Truth, result and difference next to each other" if pictures.has_truth else "The result over a sentence"
    return (
        f'<video controls loop preload="metadata" src="{escape(pictures.film, quote=True)}"></video>'
        f"<p>{what}, with sound: <code>{escape(pictures.film)}</code> beside this page.</p>"
    )


def _sheet(sheet: Sheet, has_truth: bool) -> str:
    order = " The truth is above, the result below." if has_truth else ""
    stills = "".join(
        f'<figure><img alt="{escape(sheet.title)}, {escape(still.caption, quote=True)}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(still.jpeg).decode()}">'
        f"<figcaption>{escape(still.caption)}</figcaption></figure>"
        for still in sheet.stills
    )
    kind = "close" if len(sheet.stills) <= 4 else "small"
    return f'<h3>{escape(sheet.title)}</h3><p>{escape(sheet.note)}{order}</p><div class="sheet {kind}">{stills}</div>'


def _missing(reasons: Mapping[str, str]) -> str:
    return _pairs(reasons) or "<p>Nothing: every group of figures was measured.</p>"


def _pairs(pairs: Mapping[str, object]) -> str:
    rows = "".join(f"<dt>{escape(key)}</dt><dd>{escape(_words(value))}</dd>" for key, value in pairs.items())
    return f"<dl>{rows}</dl>" if rows else ""


def _words(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return str(value)
