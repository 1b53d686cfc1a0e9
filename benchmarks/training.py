"""Trains avatars of a real person and measures them on recordings that they never saw.

    python benchmarks/training.py NAME clips WORK         four fifths of one speaker's clips; measured on the others
    python benchmarks/training.py NAME film WORK          two minutes with cuts; measured on its held-out end
    python benchmarks/training.py NAME few WORK           15 to 120 s of clips, from scratch and from built-in weights

LIPSTREAM_DATA names the recordings. WORK keeps runs and avatars: what is there is not trained again, and what was
interrupted goes on. Weights trained on people are not published; their figures are, in
benchmarks/results/NAME.training-*.json.
"""

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lipstream
from lipstream.avatar.arrays import read_npz
from lipstream.avatar.bundle import Bundle, open_bundle, open_speech
from lipstream.avatar.registry import ASSETS, speech_folder
from lipstream.avatar.terms import Terms
from lipstream.evaluate.faces import load_subject
from lipstream.evaluate.real import ONE_SPEAKER, compare, find_recordings, real_figures
from lipstream.evaluate.speed.machine import machine, versions
from lipstream.pipeline.avatar import open_avatar
from lipstream.render.mask import read_mask
from lipstream.runtime.networks import load_generator, load_speech
from lipstream.train.adapting import heard_again
from lipstream.train.judging import Judgement, judge, repaint
from lipstream.train.learning import Schedule, choose_device
from lipstream.train.person import QUALITY_NAMES, Tools, Wish, new_bundle, train_person
from lipstream.train.preprocess.prepared import Prepared, framed_as, prepare
from lipstream.video.landmarks import FaceLandmarker, load_landmarker

RESULTS = Path(__file__).parent / "results"
SEED = 4
TRAINED_SHARE = 0.8
CLIP_S = 3
FEW_S = (15, 30, 60, 120)
TERMS = Terms(
    "a speaker of the GRID corpus", "the corpus is published for research", "CC-BY-4.0", "benchmarks/training.py"
)


def split_clips(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which clips are learnt from and which are held out, by a fixed seed: names in the order drawn."""
    drawn = np.random.default_rng(SEED).permutation(sorted(names)).tolist()
    kept = round(TRAINED_SHARE * len(drawn))
    return drawn[:kept], drawn[kept:]


def say(stage: str, done: int, total: int) -> None:
    """A line for every tenth of a stage."""
    if done == total or done * 10 // total != (done - 1) * 10 // total:
        print(f"{stage}: {done} of {total}", file=sys.stderr, flush=True)


class Bench:
    """The recordings, the tools and the options of one run."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.data = Path(os.environ["LIPSTREAM_DATA"]) / "talking_head"
        self.work: Path = options.work
        self.qualities = ("fast", "standard") if options.network == "both" else (options.network,)
        self.options = options
        self.finder: FaceLandmarker = load_landmarker()
        shared = open_speech(speech_folder())
        self.tools = Tools(self.finder, load_speech(shared), open_bundle(ASSETS / "iris"), shared)

    def schedule(self, *, from_scratch: bool = False) -> Schedule:
        """As long as asked for."""
        device = choose_device(self.options.device)
        return Schedule(
            minutes=self.options.minutes,
            device=device,
            seed=SEED,
            from_scratch=from_scratch,
            adapt_speech=self.options.adapt_speech,
        )

    def avatar(self, name: str, videos: list[Path], schedule: Schedule) -> Bundle:
        """Train, or take what was trained; with adapted speech the pictures' training is the one without it."""
        folder = self.work / "avatars" / (f"{name}-adapted" if schedule.adapt_speech else name)
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            wish = Wish(videos, name, self.work / "runs" / name, TERMS, self.qualities, schedule, resume=True)
            with new_bundle(folder) as part:
                train_person(wish, part, self.tools, say, lambda found, _: print(*found.lines(), sep="\n"))
        return open_bundle(folder)

    def judged(self, bundle: Bundle, videos: list[Path], prepared: Prepared) -> Iterator[tuple[str, Judgement]]:
        """Judge every network over recordings that it never saw, framed as the avatar is."""
        framed = framed_as(prepared, float(read_npz(bundle.folder / "crops.npz")["scale"]))  # type: ignore[arg-type]
        hears = open_avatar(bundle.folder, self.tools.speech).networks
        heard = heard_again(videos, framed, hears) if bundle.manifest.own_speech else framed.heard
        mask, wanted = read_mask(bundle.mask_path.read_bytes()).generated, np.arange(len(framed.frames))
        for quality in bundle.manifest.networks:
            engine = load_generator(bundle, quality=QUALITY_NAMES[quality]).engine
            yield (
                quality,
                judge(repaint(videos, framed, wanted, heard, bundle, engine), framed, mask, self.finder),
            )

    def taught(self, name: str) -> dict[str, dict[str, float]]:
        """Steps and minutes that each network of an avatar was trained for."""
        found = {}
        for quality in self.qualities:
            with (self.work / "runs" / name / quality / "table.csv").open(newline="") as file:
                last = list(csv.DictReader(file))[-1]
            found[quality] = {"steps": int(last["step"]), "minutes": float(last["minutes"])}
        return found

    def clips(self) -> tuple[list[Path], list[Path], Prepared]:
        """One speaker's clips to learn from and the others, looked at."""
        learnt, others = split_clips([path.name for path in (self.data / "grid_s1").glob("*.mpg")])
        videos = [self.data / "grid_s1" / name for name in others]
        prepared = prepare(videos, self.finder, self.tools.speech, say)
        return [self.data / "grid_s1" / name for name in learnt], videos, prepared


def clips(bench: Bench) -> dict[str, object]:
    """Four fifths of one speaker's clips, judged on the rest, then on other people's words."""
    learnt, videos, prepared = bench.clips()
    bundle = bench.avatar("clips", learnt, bench.schedule())
    judged = {quality: one.as_json() for quality, one in bench.judged(bundle, videos, prepared)}
    strangers = [one for one in find_recordings(bench.data.parent) if one.speakers != ONE_SPEAKER]
    subject = load_subject(bundle.folder, speech_folder(), bench.finder)
    other_people = real_figures(compare(subject, strangers, say))
    return {
        "held_out_clips": [path.name for path in videos],
        "taught": bench.taught("clips"),
        "figures": judged,
        "other_people": {one.name: round(one.value, 4) for one in other_people},
    }


def film(bench: Bench) -> dict[str, object]:
    """Two minutes with cuts, given as a user would."""
    bundle = bench.avatar("film", [bench.data / "grid_s1_concat_120s.mp4"], bench.schedule())
    evaluation: Any = bundle.manifest.evaluation
    figures: dict[str, dict[str, float | None]] = {network: {} for network in bench.qualities}
    for figure in evaluation["figures"]:
        network, _, name = figure["name"].partition(".")
        figures.setdefault(network, {})[name] = figure["value"]  # `speech` too where it was adapted
    return {"taught": bench.taught("film"), "figures": figures, "recording": evaluation["recording"]}


def few(bench: Bench) -> dict[str, object]:
    """How much video it takes, with and without weights to begin with."""
    learnt, videos, prepared = bench.clips()
    rows = []
    for seconds, from_scratch in product(FEW_S, (False, True)):
        name = f"few-{seconds}-{'scratch' if from_scratch else 'start'}"
        bundle = bench.avatar(name, learnt[: seconds // CLIP_S], bench.schedule(from_scratch=from_scratch))
        for quality, one in bench.judged(bundle, videos, prepared):
            row = {"seconds": seconds, "from_scratch": from_scratch, "network": quality, **bench.taught(name)[quality]}
            rows.append(row | one.as_json())
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return {"held_out_clips": [path.name for path in videos], "points": rows}


TASKS = {"clips": clips, "film": film, "few": few}


def main() -> None:
    """Run one of the tasks and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of the machine, such as epyc-2-cores")
    parser.add_argument("task", choices=tuple(TASKS))
    parser.add_argument("work", type=Path)
    parser.add_argument("--network", choices=("fast", "standard", "both"), default="fast")
    parser.add_argument("--minutes", type=float, default=60.0, help="of training at most, for each network")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--adapt-speech", action="store_true", help="as `lipstream train` has it; a report of its own")
    options = parser.parse_args()
    bench = Bench(options)
    found = TASKS[options.task](bench)
    report = {
        "version": lipstream.__version__,
        "task": options.task,
        "seed": SEED,
        "schedule": asdict(bench.schedule()),
        "networks": bench.qualities,
        "threads": torch.get_num_threads(),
        "machine": machine(),
        "versions": versions(),
        **found,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{options.name}.training-{options.task}{'-adapted' if options.adapt_speech else ''}.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    print(path)


if __name__ == "__main__":
    main()
