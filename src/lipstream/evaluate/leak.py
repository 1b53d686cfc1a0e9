"""What a generator sees and the opening of the mouth it must not see in, how much of that can be read from it out."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lipstream.evaluate.driving import Talk, talking_pictures
from lipstream.evaluate.faces import Subject
from lipstream.evaluate.figures import Figure
from lipstream.evaluate.speaking import batches
from lipstream.render.crop import cut
from lipstream.types import Float32

Frames = NDArray[np.intp]
Float64 = NDArray[np.float64]

SIDE = 40  # pixels of the picture the probe reads, in colour
BLOCKS = 10
GAP_FRAMES = 5  # between what the probe learns from and what it is tried on: neighbours look alike
RIDGES = tuple(10.0**power for power in range(-6, 4))  # shares of the pictures' mean power


@dataclass(frozen=True, slots=True)
class Probe:
    """How well a linear probe reads the opening of the driving mouth."""

    r2: float
    """Share of the opening's variance in pictures it never saw; below 0 where it guesses worse than the mean."""
    frames: int
    """Pictures it was tried on."""


def probe(subject: Subject, talk: Talk) -> tuple[Probe, Probe]:
    """Try to read a talking driving mouth from what the generator sees, and from the same with nothing hidden."""
    seen = np.stack(list(_seen(subject, talk)))
    target = talk.opening_px
    return Probe(ridge_r2(seen[:, :2], target), len(target)), Probe(ridge_r2(seen[:, ::2], target), len(target))


def _seen(subject: Subject, talk: Talk) -> Iterator[Float32]:
    """Reference, masked crop and whole crop of every frame, `[3, 3, 40, 40]` float32 in 0..1."""
    face, transforms = subject.avatar.face, subject.bundle.transforms
    pictures = talking_pictures(subject.avatar, transforms, talk)
    for batch in batches(zip(talk.indices, pictures, strict=True)):
        visual = face.visual([image for _, image in batch], [index for index, _ in batch])
        for (index, image), planes in zip(batch, visual, strict=True):
            whole = cut(image, transforms[index % len(transforms)]).transpose(2, 0, 1).astype(np.float32) / np.float32(
                255
            )
            yield np.stack([_shrunk(planes[:3]), _shrunk(planes[3:]), _shrunk(whole)])


def _shrunk(planes: Float32) -> Float32:
    return np.stack([cv2.resize(plane, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for plane in planes])


def ridge_r2(inputs: Float32, target: Float32, blocks: int = BLOCKS) -> float:
    """How much of a target a ridge regression reads from inputs, tried on blocks of time it did not learn from.

    Ridge is chosen for each block by the other blocks alone; the score is against guessing the mean of what was
    learned from.

    Args:
        inputs: `[n, ...]` float32, in the order of time.
        target: `[n]` float32.
        blocks: pieces of time.

    Returns:
        1 - squared error / squared error of that guess: at most 1, negative where the guess is better; 0 for a
        constant target.
    """
    flat = inputs.reshape(len(inputs), -1).astype(np.float64)
    flat = flat - flat.mean(axis=0)
    kernel, wanted = flat @ flat.T, target.astype(np.float64)
    frames = np.arange(len(target))
    parts = [part for part in np.array_split(frames, blocks) if len(part)]
    error = guess = 0.0
    for part in parts:
        known = _apart(frames, part)
        inner = [known[np.isin(known, other)] for other in parts]
        trials = [_errors(kernel, wanted, _apart(known, held), held) for held in inner if len(held)]
        error += float(_errors(kernel, wanted, known, part)[np.sum(trials, axis=0).argmin()])
        guess += float(np.square(wanted[part] - wanted[known].mean()).sum())
    return 1.0 - error / guess if guess > 1e-12 else 0.0


def _apart(frames: Frames, held: Frames) -> Frames:
    """Those of `frames` further than the gap from the block `held`."""
    away: Frames = frames[(frames < held[0] - GAP_FRAMES) | (frames > held[-1] + GAP_FRAMES)]
    return away


def _errors(kernel: Float64, wanted: Float64, known: Frames, tried: Frames) -> Float64:
    """Squared error over `tried` of the regression learned from `known`, for each of RIDGES."""
    inside, across = kernel[np.ix_(known, known)], kernel[np.ix_(tried, known)]
    mean = inside.mean(axis=0)
    across = across - mean - across.mean(axis=1, keepdims=True) + mean.mean()
    inside = inside - mean - mean[:, None] + mean.mean()
    powers, axes = np.linalg.eigh(inside)
    ridges = np.array(RIDGES) * max(float(powers.mean()), 1e-12)
    centre = wanted[known].mean()
    weights = (axes.T @ (wanted[known] - centre))[:, None] / (powers[:, None] + ridges)
    missed = wanted[tried, None] - centre - across @ axes @ weights
    return np.asarray(np.square(missed).sum(axis=0), np.float64)


def leak_figures(masked: Probe, whole: Probe) -> list[Figure]:
    """Figures of both probes; where one guesses worse than the mean, its share counts as 0."""
    read, readable = (float(np.maximum(0.0, one.r2)) for one in (masked, whole))  # keeps NaN, which passes no bar
    return [
        Figure(
            "leak.r2",
            read,
            f"share of the driving mouth's opening that a probe reads from what the generator sees, {masked.frames} "
            f"frames; {masked.r2:.3f}, where below 0 counts as 0",
        ),
        Figure("leak.unmasked_r2", readable, "the same probe with nothing hidden: it can read an opening"),
    ]
