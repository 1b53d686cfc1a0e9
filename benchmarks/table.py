"""Reports of `lipstream evaluate --json` and `lipstream bench --json` in, the README's table of figures out."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- figures: written by benchmarks/table.py -->", "<!-- end of figures -->"

BESIDE = (
    "truth.loudness_r",
    "truth.code_r",
    "truth.told_opening_r",
    "truth.told_mouth_psnr_db",
    "truth.landmark_r",
    "truth.viseme_ceiling_percent",
    "real.loudness_r",
    "real.grid_s1_loudness_r",
    "real.other_speakers_loudness_r",
    "leak.unmasked_r2",
    "speed.times_reference",
)
"""Figures without a bar that say what those with one are worth."""

Report = Mapping[str, Any]


def figures_table(evaluation: Report, bench: Report, *others: Report) -> str:
    """One Markdown table of the figures with a bar and of those BESIDE, the machine of the first two below it."""
    rows = ["| figure | measured | bar | |", "|---|---:|---:|---|"]
    figures = [figure for report in (evaluation, bench, *others) for figure in report["figures"]]
    rows += [_row(figure) for figure in figures if "bar" in figure or figure["name"] in BESIDE]
    rows += [f"| {group} | not measured | | {reason} |" for group, reason in _missing(evaluation, bench)]
    return "\n".join([*rows, "", machine_line(bench)])


def stages_table(bench: Report) -> str:
    """One Markdown table of every stage beside real time."""
    rows = ["| stage | | ms a frame | frames/s | times real time |", "|---|---|---:|---:|---:|"]
    for timing in bench["timings"]:
        per_frame_ms = timing["median_ms"] / timing["frames"]
        rows.append(
            f"| {timing['stage']} | {timing['how']} | {per_frame_ms:.2f} "
            f"| {timing['frames_per_second']:.0f} | {timing['times_real_time']:.1f} |"
        )
    return "\n".join(rows)


def machine_line(bench: Report) -> str:
    """What it was measured on, in one sentence."""
    machine, versions = bench["machine"], bench["versions"]
    used = ", ".join(f"{package} {version}" for package, version in versions.items())
    instructions = ", ".join(machine["instructions"])
    return (
        f"Measured with lipstream {bench['version']} on {machine['cores']} cores of {machine['processor']} "
        f"({instructions}), {machine['system']}, Python {machine['python']}; {used}."
    )


def replaced(page: str, table: str) -> str:
    """The page with what stands between its two marks replaced.

    Raises:
        ValueError: the page lacks a mark.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}: put both where the table belongs")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def report(name: str) -> Report:
    """One of the reports in RESULTS, by its file's name."""
    read: Report = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return read


def _row(figure: Report) -> str:
    verdict = {None: "", True: " ✓", False: " ✗"}[figure.get("passes")]
    value = _shown(figure["value"])
    return f"| `{figure['name']}` | {value}{verdict} | {figure.get('bar', '')} | {figure['meaning']} |"


def _shown(value: float | None) -> str:
    if value is None:
        return "no number"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _missing(evaluation: Report, bench: Report) -> list[tuple[str, str]]:
    return [*evaluation["not_measured"].items(), *bench["not_measured"].items()]


def main(arguments: Sequence[str]) -> None:
    """Print the table of a pair of reports, or write it into the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "name", help="of the results: results/NAME.{evaluation,bench}.json and, where it is, .hour.json"
    )
    parser.add_argument("--write", action="store_true", help="put it into the README instead of printing it")
    options = parser.parse_args(arguments)
    evaluation, bench = (report(f"{options.name}.{kind}.json") for kind in ("evaluation", "bench"))
    others = [report(path.name) for path in RESULTS.glob(f"{options.name}.hour.json")]
    table = figures_table(evaluation, bench, *others)
    if options.write:
        README.write_text(replaced(README.read_text(encoding="utf-8"), table), encoding="utf-8")
    else:
        print(f"{table}\n\n{stages_table(bench)}")


if __name__ == "__main__":
    main(sys.argv[1:])
