"""Runs `lipstream evaluate` and `lipstream bench` and keeps their reports in benchmarks/results.

    python benchmarks/run.py NAME [--avatar iris]
    python benchmarks/run.py NAME --hour              the memory of an hour of video, by itself
    python benchmarks/table.py NAME --write

Let nothing else run meanwhile, but for the hour, of which only the memory counts.
Real speakers are measured where LIPSTREAM_DATA names the recordings.
"""

import argparse
import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
SPEECH = Path(__file__).parents[1] / "examples" / "hello.wav"
COMMAND = (sys.executable, "-c", "from lipstream.cli.main import run; run()")


def main() -> None:
    """Run both and write their JSON; what they say meanwhile goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the machine, such as epyc-2-cores")
    parser.add_argument("--avatar", default="iris")
    parser.add_argument("--hour", action="store_true", help="measure the memory of an hour of video instead")
    options = parser.parse_args()
    bench = ("bench", "--avatar", options.avatar, "--audio", str(SPEECH), "--json")
    commands = {"bench": bench, "evaluation": ("evaluate", options.avatar, "--json")}
    if options.hour:
        commands = {"hour": (*bench, "--hour")}
    RESULTS.mkdir(exist_ok=True)
    for kind, arguments in commands.items():
        done = subprocess.run([*COMMAND, *arguments], stdout=subprocess.PIPE, check=True)  # noqa: S603 our own
        (RESULTS / f"{options.name}.{kind}.json").write_bytes(done.stdout)


if __name__ == "__main__":
    main()
