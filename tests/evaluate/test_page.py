import math
import re
from html.parser import HTMLParser

import numpy as np

from lipstream.evaluate.figures import Evaluation, Figure, Plot, Table
from lipstream.evaluate.report.page import Pictures, heat_peak, number, page, table_html
from lipstream.evaluate.report.sheet import Sheet, Still

EVALUATION = Evaluation(
    "<tiny>",
    {"version": "0.1.0", "engine": "openvino"},
    (
        Figure("truth.opening_r", -1.0, "opening & more"),
        Figure("silence.mean_percent", 0.5, "mean"),
        Figure("silence.other", 3.0, "to compare"),
    ),
    {"real": "no <data>"},
    (Plot("Opening", "frame", {"found": np.ones(5, np.float32)}),),
    (Table("Kinds", ("kind", "A", "B"), (("A", 3.0, 1.0), ("B", 0.0, math.nan))),),
)
MACHINE = {"processor": "EPYC", "instructions": ["avx2", "avx512f"]}
PICTURES = Pictures("film.mp4", has_truth=True, sheets=[Sheet("A sentence", "Frames.", (Still(b"jpeg", "0.04 s AH"),))])
VOID = {"meta", "img", "link"}


class Balanced(HTMLParser):
    """Notes tags that are not closed in order, and where the page points to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.tags: set[str] = set()
        self.alternatives: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.alternatives += [value or "" for name, value in attrs if name == "alt"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """A tag that closes itself, as those of a drawing do."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(html: str) -> Balanced:
    parser = Balanced()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


def test_the_page_stands_alone() -> None:
    found = parsed(page(EVALUATION, MACHINE, PICTURES))
    outside = [source for source in found.sources if not source.startswith(("#", "data:"))]
    assert outside == ["film.mp4"]
    assert not {"script", "link"} & found.tags
    assert found.alternatives == ["A sentence, 0.04 s AH"]
    assert "url(" not in page(EVALUATION, MACHINE, PICTURES)


def test_bars_are_told_in_words() -> None:
    html = page(EVALUATION, MACHINE, PICTURES)
    assert "1 of 2 bars reached, 1 missed." in html
    assert '<td class="miss">✗ missed</td>' in html
    assert '<td class="pass">✓ pass</td>' in html
    assert "Figures without a bar are there to compare" in html
    assert html.index("truth.opening_r") < html.index("silence.mean_percent")  # what is missed comes first


def test_what_is_told_is_told_as_text() -> None:
    html = page(EVALUATION, MACHINE, PICTURES)
    assert "<title>The lips of &lt;tiny&gt;</title>" in html
    assert "opening &amp; more" in html
    assert "no &lt;data&gt;" in html
    assert "avx2, avx512f" in html


def test_little_is_a_page_too() -> None:
    html = page(Evaluation("tiny", {}, ()), {}, Pictures(None, has_truth=False, sheets=()))
    found = parsed(html)
    assert "video" not in found.tags
    assert "every group of figures was measured" in html
    assert 'id="curves"' not in html


def test_numbers_have_the_digits_that_tell() -> None:
    values = (0.039, 0.84912, 31.7123, 0.0659, 0.00071, 12345.6, 100.0, -2.0, -0.5, math.nan, math.inf)
    assert [number(value) for value in values] == [
        "0.039", "0.849", "31.7", "0.0659", "0.0007", "12346", "100", "−2", "−0.500", "–", "–",  # noqa: RUF001
    ]  # fmt: skip


def test_confusions_are_shaded_and_other_tables_not() -> None:
    confusions = EVALUATION.tables[0]
    assert heat_peak(confusions) == 3.0
    assert re.findall(r"--heat:(\d+)%", table_html(confusions)) == ["100", "33"]
    other = Table("t", ("phone", "error"), (("AA", 1.0), ("B", 2.0)))
    assert heat_peak(other) == 0.0
    assert "heat" not in table_html(other)
    assert table_html(other).count('class="number"') == 3
