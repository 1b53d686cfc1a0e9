"""Finished pictures and untouched ones in, the seam at the mask's edge and the flicker of both out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lipstream.evaluate.driving import Talk, read_talk, talking_pictures
from lipstream.evaluate.faces import Progress, Subject
from lipstream.evaluate.figures import Figure, Measured, Plot
from lipstream.evaluate.speaking import idle_pictures, speak_over
from lipstream.render.crop import cut
from lipstream.types import CODE_SIZE, Float32, Image, UInt8

REST_FRAMES = 100
RING_PX = 3.0  # half the width of the seam's ring
APART_PX, REACH_PX = 6.0, 14.0  # from the seam, where its neighbourhood begins and ends
STEPS = 3
Places = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rings:
    """Parts of a crop, `[H, W]` bool each."""

    seam: Places
    """Around the line where the mask weighs one half."""
    beside: Places
    """On both sides of it."""
    mouth: Places
    """Where the mask weighs more."""


@dataclass(frozen=True, eq=False)
class Edge:
    """What a run of pictures shows at the mask's edge and inside it."""

    gradient: Float32
    """Mean gradient on the seam over that beside it, of each picture, `[n]` float32."""
    seam_flicker: float
    """Root mean square of the second difference over time of the grey levels on the seam."""
    mouth_flicker: float
    """The same in the mouth."""


def measure_seam(subject: Subject, folder: Path | None, progress: Progress) -> Measured:
    """Compare the avatar at rest with its untouched clip, and speaking with rendered truth where there is some.

    Raises:
        AvatarError: the truth's arrays are damaged.
        InputError: they do not fit its pictures; MediaError: these cannot be decoded.
    """
    avatar, places = subject.avatar, list(range(min(REST_FRAMES, len(subject.avatar.clip))))
    still = np.zeros((len(places), CODE_SIZE), np.float32)
    progress("seam", 0, STEPS)
    untouched = edge(subject, places, idle_pictures(avatar, places))
    resting = edge(subject, places, speak_over(avatar, still, places, idle_pictures(avatar, places)))
    figures, plots = rest_figures(resting, untouched), [_plot("at rest", resting, untouched)]
    if folder is not None:
        progress("seam", 1, STEPS)
        found, true = _speaking(subject, read_talk(avatar, folder))
        figures += speaking_figures(found, true)
        plots.append(_plot("speaking", found, true))
    progress("seam", STEPS, STEPS)
    return Measured(figures, plots)


def _speaking(subject: Subject, talk: Talk) -> tuple[Edge, Edge]:
    avatar, places = subject.avatar, talk.indices
    finished = speak_over(avatar, talk.heard, places, idle_pictures(avatar, places))
    true = talking_pictures(avatar, subject.bundle.transforms, talk)
    return edge(subject, places, finished), edge(subject, places, true)


def rings(weight: Float32) -> Rings:
    """Cut a mask, `[H, W]` float32 in 0..1, into its seam, what lies beside it, and the mouth."""
    mouth = weight > 0.5
    inside, outside = (cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5) for part in (mouth, ~mouth))
    away = np.where(mouth, inside, outside)
    return Rings(away <= RING_PX, (away > APART_PX) & (away <= REACH_PX), mouth)


def edge(subject: Subject, indices: Sequence[int], images: Iterable[Image]) -> Edge:
    """Measure pictures of the driving clip, finished or not.

    Args:
        subject: whose they are.
        indices: their numbers in the driving clip; where they do not follow each other, flicker is not counted.
        images: the pictures, `HWC` uint8 BGR.
    """
    parts, transforms = rings(subject.weight), subject.bundle.transforms
    crops = [
        np.asarray(cv2.cvtColor(cut(image, transforms[index % len(transforms)]), cv2.COLOR_BGR2GRAY), np.uint8)
        for index, image in zip(indices, images, strict=True)
    ]
    grey = np.stack(crops)
    gradient = np.array([seam_gradient(crop, parts) for crop in crops], np.float32)
    seam, mouth = (_rms(second_differences(grey[:, part], indices)) for part in (parts.seam, parts.mouth))
    return Edge(gradient, seam, mouth)


def seam_gradient(crop: UInt8, parts: Rings) -> float:
    """Mean gradient of a grey crop `[H, W]` on the seam over that beside it."""
    across, down = cv2.Sobel(crop, cv2.CV_32F, 1, 0), cv2.Sobel(crop, cv2.CV_32F, 0, 1)
    size = np.hypot(across, down)
    return float(size[parts.seam].mean()) / max(float(size[parts.beside].mean()), 1e-6)


def second_differences(values: UInt8, indices: Sequence[int]) -> Float32:
    """Second differences over time of `[n, p]` pixels, `[k, p]` float32, where three numbers follow each other."""
    numbers = np.diff(np.asarray(indices))
    first = np.flatnonzero((numbers[:-1] == 1) & (numbers[1:] == 1))
    levels = values.astype(np.float32)
    return np.asarray(levels[first] - 2 * levels[first + 1] + levels[first + 2], np.float32)


def _rms(values: Float32) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) if values.size else 0.0


def rest_figures(resting: Edge, untouched: Edge) -> list[Figure]:
    """The mouth at rest against the untouched driving clip."""
    return [
        Figure(
            "seam.rest_gradient_times",
            gradient_times(resting, untouched),
            "at rest: gradient on the mask's edge over that beside it, times the untouched clip's",
        ),
        Figure(
            "seam.rest_flicker_times",
            _ratio(resting.seam_flicker, untouched.seam_flicker),
            "at rest: flicker on the mask's edge, times the untouched clip's",
        ),
        Figure(
            "seam.rest_mouth_flicker_times",
            _ratio(resting.mouth_flicker, untouched.mouth_flicker),
            "at rest: flicker of the mouth, times the untouched clip's",
        ),
    ]


def speaking_figures(found: Edge, true: Edge) -> list[Figure]:
    """The mouth that speaks against the true one."""
    return [
        Figure(
            "seam.gradient_times",
            gradient_times(found, true),
            "speaking: gradient on the mask's edge over that beside it, times the truth's",
        ),
        Figure(
            "seam.mouth_flicker_times",
            _ratio(found.mouth_flicker, true.mouth_flicker),
            "speaking: flicker of the mouth, its movement included, times the truth's",
        ),
    ]


def gradient_times(found: Edge, true: Edge) -> float:
    """How much more the seam stands out in the found pictures: 1 where it is not seen."""
    return _ratio(float(found.gradient.mean()), float(true.gradient.mean()))


def _ratio(found: float, true: float) -> float:
    return found / max(true, 1e-6)


def _plot(when: str, found: Edge, true: Edge) -> Plot:
    return Plot(
        f"Seam {when}: gradient on the mask's edge over that beside it",
        "frame",
        {"finished": found.gradient, "true": true.gradient},
    )
