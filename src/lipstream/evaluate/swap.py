"""An avatar and a mouth that talks in its driving clip in, how little of that mouth reaches the finished one out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipstream.evaluate.driving import Talk, read_talk, talking_pictures
from lipstream.evaluate.faces import Progress, Subject, openings
from lipstream.evaluate.figures import Figure, Measured, Plot
from lipstream.evaluate.leak import leak_figures, probe
from lipstream.evaluate.measures import correlation
from lipstream.evaluate.speaking import idle_pictures, speak_over
from lipstream.types import Float32, Image

STEPS = 5


@dataclass(frozen=True, slots=True)
class SwapRun:
    """Openings of one speech over several driving clips, `[n]` float32 each, shares of the face's height."""

    idle: Float32
    """Over the driving clip."""
    elsewhere: Float32
    """Over the driving clip, half of it further on: in other poses."""
    talking: Float32
    """Over the same poses with a mouth that says something else."""
    driving: Float32
    """That mouth itself."""
    rest: Float32
    """The driving clip as it is, its mouth closed."""
    rest_elsewhere: Float32
    """The same, half of it further on."""


def measure_swap(subject: Subject, folder: Path, progress: Progress) -> Measured:
    """Let an avatar say one thing over its own driving clip, over other poses and over a mouth that says another.

    Raises:
        AvatarError: the truth's arrays are damaged.
        InputError: they do not fit its pictures; MediaError: these cannot be decoded.
    """
    talk = read_talk(subject.avatar, folder)
    run = swap_run(subject, talk, progress)
    masked, whole = probe(subject, talk)
    progress("swap", STEPS, STEPS)
    return Measured([*swap_figures(run), *leak_figures(masked, whole)], [swap_plot(run)])


def swap_run(subject: Subject, talk: Talk, progress: Progress) -> SwapRun:
    """Measure every mouth of a swap on finished pictures."""
    avatar, codes = subject.avatar, talk.other_codes
    transforms, half = subject.bundle.transforms, len(avatar.clip) // 2
    far = [index + half for index in talk.indices]

    def spoken(indices: list[int], images: Iterable[Image]) -> Iterator[Image]:
        return speak_over(avatar, codes, indices, images)

    def measured(step: int, images: Iterable[Image]) -> Float32:
        progress("swap", step, STEPS)
        return openings(images, subject.finder)

    return SwapRun(
        idle=measured(0, spoken(talk.indices, idle_pictures(avatar, talk.indices))),
        elsewhere=measured(1, spoken(far, idle_pictures(avatar, far))),
        talking=measured(2, spoken(talk.indices, talking_pictures(avatar, transforms, talk))),
        driving=measured(3, talking_pictures(avatar, transforms, talk)),
        rest=measured(4, idle_pictures(avatar, talk.indices)),
        rest_elsewhere=openings(idle_pictures(avatar, far), subject.finder),
    )


def swap_figures(run: SwapRun) -> list[Figure]:
    """Figures of a swap, and what the landmark model itself adds to them."""
    return [
        Figure("swap.talking_r", correlation(run.idle, run.talking), "one speech over a closed and a talking mouth"),
        Figure(
            "swap.talking_deviation_percent",
            _deviation_percent(run.idle, run.talking),
            "deviation of the difference of these openings, share of the face's height",
        ),
        Figure(
            "swap.driving_r",
            correlation(run.talking - run.idle, run.driving),
            "that difference against the opening of the talking mouth: 0 where nothing shows through",
        ),
        Figure("swap.loop_r", correlation(run.idle, run.elsewhere), "one speech from two places of the driving clip"),
        Figure(
            "swap.loop_deviation_percent",
            _deviation_percent(run.idle, run.elsewhere),
            "deviation of the difference of these openings, share of the face's height",
        ),
        Figure(
            "swap.poses_deviation_percent",
            _deviation_percent(run.rest, run.rest_elsewhere),
            "of that, the landmark model's own: the untouched clip's closed mouth in the same pairs of poses",
        ),
    ]


def swap_plot(run: SwapRun) -> Plot:
    """The openings of a swap over time."""
    percent = np.float32(100)
    return Plot(
        "One speech over different driving clips: opening, % of the face's height",
        "frame",
        {
            "over the driving clip": percent * run.idle,
            "started elsewhere": percent * run.elsewhere,
            "over a talking mouth": percent * run.talking,
            "that mouth": percent * run.driving,
        },
    )


def _deviation_percent(first: Float32, second: Float32) -> float:
    difference = (first - second).astype(np.float64)
    return 100.0 * float(np.nanstd(difference)) if np.isfinite(difference).any() else float("nan")
