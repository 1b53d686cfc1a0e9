"""Reports of evaluate, bench and this folder's other scripts in, the README's tables of figures out.

python benchmarks/serving.py > benchmarks/results/NAME.serving.json
python benchmarks/soak.py > benchmarks/results/NAME.soak.json
python benchmarks/live.py > benchmarks/results/NAME.live.json
python benchmarks/dialects.py > benchmarks/results/NAME.dialects.json
python benchmarks/page.py > benchmarks/results/NAME.page.json
python benchmarks/training.py NAME clips WORK; film and few likewise
python benchmarks/table.py NAME --write
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
README = Path(__file__).parents[1] / "README.md"
TRAINING_GUIDE = README.parent / "docs" / "training.md"
BEGIN, END = "<!-- figures: written by benchmarks/table.py -->", "<!-- end of figures -->"
SERVING_MARKS = "<!-- serving: written by benchmarks/table.py -->", "<!-- end of serving -->"
LIVE_MARKS = "<!-- live: written by benchmarks/table.py -->", "<!-- end of live -->"

TRAINING_MARKS = "<!-- training: written by benchmarks/table.py -->", "<!-- end of training -->"

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

PAGE_WAYS = {"websocket": "WebSocket", "webrtc": "WebRTC"}

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


def serving_tables(serving: Report, soak: Report | None) -> str:
    """Tables of what a server does under load, each under a sentence, the machine below them."""
    told = serving["bytes"]
    parts = [
        "Milliseconds of one client's calls, and what of them is not the server's own time (sent, parsed, queued):",
        _by_batch(serving["by_batch"]),
        f"The same {serving['workers_or_batches']['frames']} frames asked for in several ways, in frames a second:",
        _by_way(serving["workers_or_batches"]),
        "Bytes of a call for N frames with N + 15 chunks of sound, beside N calls with 16 chunks each"
        + "".join(f"; {name.removesuffix(', client_ms')} {told[name]:.0f} ms" for name in told if "client_ms" in name)
        + ":",
        _by_bytes({frames: row for frames, row in told.items() if frames.isdecimal()}),
        f"{serving['by_stage']['frames']} frames with raw audio through `InferBatchComposite`, stage by stage:",
        _by_stage(serving["by_stage"]),
        f"Clients that ask for {serving['by_clients']['frames_a_call']} frames again and again:",
        _by_clients(serving["by_clients"]),
        *([] if soak is None else [_soaked(soak)]),
        machine_line(serving),
    ]
    return "\n\n".join(parts)


def live_tables(live: Report, dialects: Report | None, page: Report | None = None) -> str:
    """Tables of how soon live sessions answer, how many fit, and what the page and the reference's dialects take."""
    reactions, one, most = live["reactions"], live["one_session"], live["most_sessions"]
    rows = [
        ["first frame after enough sound", *_spread(reactions["first_frame_after_enough_sound_ms"]), "≤ 300"],
        ["interruption to silence", *_spread(reactions["interruption_to_silence_ms"]), "≤ 100"],
        ["a microphone's sample to the frame that holds it", *_spread(one["sample_to_frame_ms"]), ""],
        [f"how late frames are, one session of {one['seconds']:.0f} s", *_spread(one["late_ms"]), "≤ 80, all"],
    ]
    fitting = ", ".join(f"{most[quality]['sessions']} in `{quality}`" for quality in ("low", "medium", "high"))
    held = (
        f"Most sessions of 25 frames a second with at most {most['share_late_at_most']:.0%} of the frames over 80 ms "
        f"late, the clients beside the server: {fitting}. One session takes {one['cpu_cores']:.2f} cores."
    )
    seen = [] if page is None else [_seen(page)]
    asked = [] if dialects is None else ["One frame of 16 chunks of sound, over WebSocket:", _asked(dialects)]
    parts = [
        "Live over gRPC on one machine, in milliseconds; the client's own work is in it:",
        _table(["", "p50", "p95", "worst", "bar"], rows),
        held,
        *seen,
        *asked,
        machine_line(live),
    ]
    return "\n\n".join(parts)


JUDGED = {
    "opening_r": ("opening r", ".2f"),
    "lag_frames": ("lag, frames", ".0f"),
    "mouth_psnr_db": ("mouth PSNR, dB", ".1f"),
    "mouth_ssim": ("SSIM", ".2f"),
    "closed_percent": ("closures kept, %", ".0f"),
    "quiet_deviation_percent": ("deviation in silence, %", ".2f"),
    "quiet_deviation_theirs_percent": ("the person's own, %", ".2f"),
    "sharpness_percent": ("sharpness, %", ".0f"),
}
"""Figures of a trained avatar: what their column is called and how they are written."""
TRAINED = {
    "clips": (
        "four fifths of 90 clips",
        {"opening_r": "≥ 0.80", "lag_frames": "±1", "mouth_psnr_db": "≥ 28", "mouth_ssim": "≥ 0.85"},
    ),
    "film": ("two minutes with cuts", {"opening_r": "≥ 0.75"}),
}
"""What training.py trains on, and the bars of it."""
ADAPTED = {"": "", "-adapted": " with `--adapt-speech`"}


def training_tables(found: Mapping[str, Report]) -> str:
    """Tables of avatars trained on recordings of one person and judged on others of theirs, by training.py's tasks."""
    clips, few = found["clips"], found["few"]
    of_few = (
        f"How much video it takes, {few['schedule']['minutes']:.0f} minutes of {few['threads']} CPU core each; at 60 s "
        "with the built-in weights the bars are 0.75 and 27 dB:"
    )
    return "\n\n".join(
        [
            "Avatars of one speaker of GRID, measured on recordings that they never saw, from their own sound:",
            _trained(found),
            *(_strangers(found[f"clips{name}"], told) for name, told in ADAPTED.items() if f"clips{name}" in found),
            of_few,
            _few(few["points"]),
            machine_line(clips),
        ]
    )


def _trained(found: Mapping[str, Report]) -> str:
    rows = []
    for task, (told, bars) in TRAINED.items():
        for name, adapted in ADAPTED.items():
            one = found.get(f"{task}{name}", {"taught": {}})
            for network, taught in one["taught"].items():
                row = [f"{told}{adapted}", network, f"{taught['minutes']:.0f}", *_judged(one["figures"][network])]
                rows.append(row)
        rows.append(["*bar*", "", "≤ 60" if task == "clips" else "", *(bars.get(name, "") for name in JUDGED)])
    return _table(["trained on", "network", "minutes", *(name for name, _ in JUDGED.values())], rows)


def _judged(figures: Report) -> list[str]:
    return ["" if figures[name] is None else format(figures[name], how) for name, (_, how) in JUDGED.items()]


def _strangers(report: Report, adapted: str) -> str:
    found = report["other_people"]
    return (
        f"The voices of other people through the first of them{adapted}: opening r {found['real.opening_r']:.2f} "
        f"against those people's own lips (their loudness as lips: {found['real.loudness_r']:.2f}), lag "
        f"{found['real.lag_frames']:.0f}, a face found in {found['real.face_found_percent']:.0f} % of the pictures."
    )


def _few(points: Iterable[Report]) -> str:
    head = ["seconds of video", "begun", *(f"{name}" for name, _ in JUDGED.values())]
    begun = {True: "from scratch", False: "with the built-in weights"}
    return _table(head, [[row["seconds"], begun[row["from_scratch"]], *_judged(row)] for row in points])


def _spread(found: Report) -> list[str]:
    return [f"{found[key]:.0f}" for key in ("p50", "p95", "worst")]


def _seen(page: Report) -> str:
    """What a visitor sees and hears."""
    head = ["way", "claps", "sound against picture, median", "p5", "p95", "bar", "microphone to picture, median", "p95"]
    rows = []
    for way, found in page["page"].items():
        offset, delay = found["sound_minus_picture_ms"], found["microphone_to_picture_ms"]
        offsets = [f"{offset[key]:.0f}" for key in ("p50", "p5", "p95")]
        delays = [f"{delay[key]:.0f}" for key in ("p50", "p95")]
        rows.append([PAGE_WAYS[way], found["claps"], *offsets, "-40 to 60", *delays])
    versions = " and ".join(sorted({found["chromium"] for found in page["page"].values()}))
    return f"The page in Chromium {versions}, by claps, in milliseconds; positive: sound late:\n\n{_table(head, rows)}"


def _asked(dialects: Report) -> str:
    head = ["dialect", "request, bytes", "answer, bytes", "p50 ms", "p95 ms"]
    rows = [
        [name, f"{row['request_bytes']:,}", f"{row['mean_answer_bytes']:,}", row["p50_ms"], row["p95_ms"]]
        for name, row in dialects["by_dialect"].items()
    ]
    return _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---:"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _by_batch(found: Report) -> str:
    ways = {"grpc_frames": "frames, gRPC", "grpc_mouths": "mouths, gRPC", "http_json_mouths": "mouths, JSON"}
    head = ["batch", *(f"{name}{of}" for name in ways.values() for of in ("", ": overhead")), "MB sent, gRPC", "JSON"]
    rows = []
    for batch in found["grpc_frames"]:
        row = [f"{found[way][batch][of]:.1f}" for way in ways for of in ("client_ms", "overhead_ms")]
        sent = [f"{found[way][batch]['request_bytes'] / 1e6:.1f}" for way in ("grpc_mouths", "http_json_mouths")]
        rows.append([batch, *row, *sent])
    return _table(head, rows)


def _by_way(found: Report) -> str:
    rates = {name: rate for name, rate in found.items() if name != "frames"}
    return _table(list(rates), [list(rates.values())])


def _by_bytes(found: Report) -> str:
    head = ["N", "N + 15", "N · 16", "saved", "N + 15, gzip", "N · 16, gzip"]
    keys = ("n_plus_15_bytes", "n_times_16_bytes", "n_plus_15_gzip_bytes", "n_times_16_gzip_bytes")
    rows = []
    for frames, row in found.items():
        one, each, one_gzip, each_gzip = (f"{row[key]:,}" for key in keys)
        rows.append([frames, one, each, f"{100 * row['saved']:.1f} %", one_gzip, each_gzip])
    return _table(head, rows)


def _by_stage(found: Report) -> str:
    stages = {
        name: ms for name, ms in found.items() if name.endswith("_ms") and name not in ("total_time_ms", "client_ms")
    }
    names = [name.removesuffix("_ms").removesuffix("_time").replace("_", " ") for name in stages]
    cells = [f"{ms:.1f} ms" for ms in (*stages.values(), found["total_time_ms"])]
    return _table([*names, "total", "unaccounted"], [[*cells, f"{100 * found['unaccounted']:.1f} %"]])


def _by_clients(found: Report) -> str:
    columns = {"frames_per_second": "frames/s", "p50_ms": "p50 ms", "p95_ms": "p95 ms", "p99_ms": "p99 ms"}
    on, off = found["batching on"]["clients"], found["batching off"]["clients"]
    head = ["clients", *columns.values(), "mean batch", *(f"{name}, no batching" for name in columns.values())]
    rows = [
        [clients, *(on[clients][key] for key in (*columns, "mean_batch")), *(off[clients][key] for key in columns)]
        for clients in on
    ]
    return _table(head, rows)


def _soaked(soak: Report) -> str:
    counts: dict[str, int] = {}
    for kind, count in soak["requests"].items():
        counts[kind.partition(": ")[2]] = counts.get(kind.partition(": ")[2], 0) + count
    told = ", ".join(f"{count:,} {how.partition(':')[0]}" for how, count in counts.items())
    memory = ", ".join(f"{size_mb:,.0f}" for size_mb in soak["memory_mb_by_quarter"])
    return (
        f"{soak['seconds'] / 60:.0f} minutes of mixed load with faults {'passed' if soak['passed'] else 'failed'}: of "
        f"{sum(counts.values()):,} requests {told}; {soak['unanswered_or_amiss']} accepted and not answered; memory in "
        f"the four quarters {memory} MB."
    )


def replaced(page: str, table: str, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """The page with what stands between two marks replaced.

    Raises:
        ValueError: the page lacks a mark.
    """
    before, begin, rest = page.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError(f"the page lacks {' or '.join(marks)}: put both where the table belongs")
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"


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


def tables(name: str) -> dict[tuple[str, str], str]:
    """The tables that can be made of a machine's results, by the marks between which they stand."""
    trained = [f"training-{task}{adapted}" for task in TRAINED for adapted in ADAPTED]
    kinds = ("evaluation", "bench", "hour", "serving", "soak", "live", "dialects", "page", *trained, "training-few")
    found = {kind: report(f"{name}.{kind}.json") for kind in kinds if (RESULTS / f"{name}.{kind}.json").exists()}
    made = {}
    if "evaluation" in found and "bench" in found:
        others = [found["hour"]] if "hour" in found else []
        made[BEGIN, END] = figures_table(found["evaluation"], found["bench"], *others)
    if "serving" in found:
        made[SERVING_MARKS] = serving_tables(found["serving"], found.get("soak"))
    if "live" in found:
        made[LIVE_MARKS] = live_tables(found["live"], found.get("dialects"), found.get("page"))
    if "training-clips" in found and "training-few" in found:
        trainings = {kind.removeprefix("training-"): one for kind, one in found.items()}
        made[TRAINING_MARKS] = training_tables(trainings)
    return made


def _write(path: Path, made: Mapping[tuple[str, str], str]) -> None:
    page = path.read_text(encoding="utf-8")
    for marks, table in made.items():
        page = replaced(page, table, marks)
    path.write_text(page, encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    """Print the tables of a machine's reports, or write them into the README."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "name",
        help="of the results: a table is made of what there is of results/NAME.*.json",
    )
    parser.add_argument(
        "--write", action="store_true", help="put them into the README and docs/training.md instead of printing them"
    )
    options = parser.parse_args(arguments)
    made = tables(options.name)
    if options.write:
        _write(README, made)
        _write(TRAINING_GUIDE, {marks: table for marks, table in made.items() if marks == TRAINING_MARKS})
        return
    stages = [stages_table(report(f"{options.name}.bench.json"))] if (BEGIN, END) in made else []
    print("\n\n".join([*made.values(), *stages]))


if __name__ == "__main__":
    main(sys.argv[1:])
