"""Every file of the real test data in, what `lipstream train` and `lipstream dub` make of it, or answer to it, out.

    python benchmarks/real_files.py NAME
    python benchmarks/real_files.py NAME --only WORD      files with it in their path; the others stay as they were

LIPSTREAM_DATA names the test data. Each file is trained on, dubbed as a film and given as the sound of another film,
by the command line as a user has it, each time in a process of its own and in an empty folder with a home of its own.
A refusal is one line, ends with exit code 1 and leaves no file; whatever does otherwise is told at the end, which is
then a failure too.
"""

import argparse
import json
import multiprocessing
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import lipstream
from lipstream.cli.main import execute
from lipstream.video.staging import staged

RESULTS = Path(__file__).parent / "results"
SOUND, FILM = "media/audio_codecs/mulaw.wav", "media/derived/grid_one_frame.mp4"
"""What a file is dubbed with, and the film that it is the sound of: as short as they come, for there are many."""
FOLDERS = ("media", "malformed")
PROCESSES = multiprocessing.get_context("forkserver")
PRELOADED = ["lipstream.cli.commands", "lipstream.train.person", "lipstream.train.dub", "lipstream.video.landmarks"]
"""What takes most of a refusal's time to load, torch among it."""
MOST_S = 1800
"""Of one command: what takes longer hangs, for the longest takes a few minutes of two busy cores."""
MINUTES = "0.1"
"""Of training: what it learns in them is no matter here."""
USES: dict[str, tuple[str, ...]] = {
    "train": ("train", "{file}", "--name", "x", "--self", "--minutes", MINUTES, "--output", "x"),
    "film of dub": ("dub", "{file}", "--audio", "{sound}", "--avatar", "iris", "-o", "out.mp4"),
    "sound of dub": ("dub", "{film}", "--audio", "{file}", "--avatar", "iris", "-o", "out.mp4"),
}
UNSTEADY = re.compile(r"\nTraining takes.*| in [\d.]+ s, \S+ \S+$", re.DOTALL)
"""What of the last words depends on how fast it was."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file in one use."""

    exit_code: int
    """0 works, 1 refused."""
    says: str
    """The line of the refusal, or what was told of the work, without times."""
    warns: list[str] = field(default_factory=list)
    """Warnings, a line each."""
    left: list[str] = field(default_factory=list)
    """Files that a refusal left behind, or of a success those that are not whole."""

    @property
    def wrong(self) -> str:
        """What should not have happened, if anything."""
        if self.exit_code not in (0, 1) or "should not happen" in self.says or "Traceback" in self.says:
            return f"exit code {self.exit_code}: {self.says}"
        return f"left {self.left}" if self.left else ""


def run(arguments: list[str], folder: Path) -> None:
    """Run a command line in a folder; what it says goes into two files beside it."""
    os.chdir(folder)
    os.environ["LIPSTREAM_HOME"] = str(folder / "home")
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{folder}.{name}", os.O_CREAT | os.O_WRONLY), number)
    sys.exit(execute(arguments))


def outcome(arguments: list[str], data: Path) -> Outcome:
    """Run one command in an empty folder."""
    with TemporaryDirectory() as name:
        folder = Path(name, "folder")
        folder.mkdir()
        process = PROCESSES.Process(target=run, args=(arguments, folder))
        process.start()
        process.join(MOST_S)
        hangs = process.is_alive()
        if hangs:
            process.kill()
            process.join()
        files = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
        told, said = (Path(f"{folder}.{kind}").read_text().replace(f"{data}/", "") for kind in ("out", "err"))
    code = process.exitcode or 0
    said = f"stopped after {MOST_S} s; {said}" if hangs else said
    refusals = [line.removeprefix("error: ") for line in said.splitlines() if line.startswith("error: ")]
    works = code == 0
    return Outcome(
        code,
        UNSTEADY.sub("", told.strip()) if works else "\n".join(refusals) if len(refusals) == 1 else said,
        [line for line in said.splitlines() if "warning" in line.lower()],
        [file for file in files if not works or file.endswith(".part")],
    )


def outcomes(data: Path, only: str) -> Iterator[tuple[str, dict[str, Outcome]]]:
    """Every file with what came of it in each use."""
    files = [path for folder in FOLDERS for path in sorted((data / folder).rglob("*.*")) if path.is_file()]
    for path in files:
        if only in str(path.relative_to(data)):
            found = {}
            for use, arguments in USES.items():
                filled = [one.format(file=path, film=data / FILM, sound=data / SOUND) for one in arguments]
                found[use] = outcome(filled, data)
                print(f"{path.name}, {use}: {found[use].exit_code} {found[use].says}", file=sys.stderr, flush=True)
            yield str(path.relative_to(data)), found


def main() -> int:
    """Write the table; 1 where something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of the machine, such as epyc-2-cores")
    parser.add_argument("--only", default="", help="files with this word in their path, such as malformed/")
    options = parser.parse_args()
    PROCESSES.set_forkserver_preload(PRELOADED)
    path = RESULTS / f"{options.name}.files.json"
    path.parent.mkdir(exist_ok=True)
    table = json.loads(path.read_text())["files"] if options.only and path.is_file() else {}
    wrong = []
    for name, found in outcomes(Path(os.environ["LIPSTREAM_DATA"]).resolve(), options.only):
        table[name] = {use: asdict(one) for use, one in found.items()}
        wrong += [f"{name} as {use}: {one.wrong}" for use, one in found.items() if one.wrong]
        write(path, table)
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


def write(path: Path, table: dict[str, object]) -> None:
    """Write what was found so far: whatever ends the run loses nothing."""
    report = {
        "version": lipstream.__version__,
        "commands": {use: " ".join(arguments) for use, arguments in USES.items()},
        "files": dict(sorted(table.items())),
    }
    with staged(path, overwrite=True) as part:
        part.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
