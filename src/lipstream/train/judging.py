"""Held-out pictures of the person and the finished avatar in, how well its mouth does what theirs did out."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lipstream.avatar.bundle import Bundle
from lipstream.render.crop import cut
from lipstream.render.face import FaceRenderer
from lipstream.render.mask import read_mask
from lipstream.train.preprocess.crops import pictures_at
from lipstream.train.preprocess.following import FaceFinder
from lipstream.train.preprocess.prepared import Prepared
from lipstream.types import Codes, Engine, Float32, Image
from lipstream.video.lips import opening

MOST_LAG_FRAMES = 5
SSIM_DEVIATION = 1.5
"""Of the bell that local means are taken with, in pixels (Wang et al., 2004)."""
CLOSED_SHARE = 0.1
"""Of the person's 98th percentile of the opening above rest: below it lips are closed."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Figures over held-out pictures, painted with what was heard in their own sound."""

    pictures: float
    """How many."""
    opening_r: float
    """Correlation of the opening on finished pictures with the person's, median over unbroken runs of a second."""
    pooled_r: float
    """The same over all pictures at once."""
    lag_frames: float
    """By how many frames the avatar's lips come after theirs, where that correlation is highest."""
    mouth_psnr_db: float
    """Of the painted area of the crop, mean."""
    mouth_ssim: float
    """Structural similarity there, mean."""
    closed_percent: float
    """Of the pictures in which the person's lips are closed, those in which the avatar's are."""
    quiet_deviation_percent: float
    """Deviation of the avatar's opening where nobody speaks, share of the face's height."""
    quiet_deviation_theirs_percent: float
    """The person's own."""
    sharpness_percent: float
    """Variance of the Laplacian of the painted area, share of the truth's, median."""

    def as_json(self) -> dict[str, float | None]:
        """Plain numbers, None where there is none."""
        return {name: round(float(value), 4) if np.isfinite(value) else None for name, value in asdict(self).items()}


@dataclass(frozen=True, eq=False)
class Repainted:
    """One held-out picture and what the avatar made of it."""

    number: int
    """Of the usable picture."""
    truth: Image
    """Its crop, `[320, 320, 3]` uint8 BGR."""
    crop: Image
    """The crop as painted, `[320, 320, 3]` uint8 BGR."""
    image: Image
    """The finished picture, `HWC` uint8 BGR."""


def repaint(  # noqa: PLR0913, PLR0917  the recordings, what is said, and by whom
    videos: Sequence[Path], prepared: Prepared, wanted: NDArray[np.int64], codes: Codes, bundle: Bundle, network: Engine
) -> Iterator[Repainted]:
    """Paint the avatar's mouth over chosen pictures of recordings of the same person.

    Args:
        videos: the recordings.
        prepared: of them, framed as the avatar is.
        wanted: numbers of usable pictures, `[m]` rising.
        codes: of all usable pictures, `[n, 12]` float32.
        bundle: the avatar.
        network: its generator.
    """
    face = FaceRenderer(bundle, network).over(prepared.transforms, prepared.poses, prepared.outlines)
    weight = read_mask(bundle.mask_path.read_bytes()).generated[..., None].astype(np.float32) / 255
    for number, image in pictures_at(videos, prepared, wanted):
        truth = cut(image, prepared.transforms[number])
        patch = face.generate(face.visual([image], [number]), codes[number : number + 1])[0]
        crop = truth * (1 - weight) + np.clip(patch.transpose(1, 2, 0), 0, 1) * (255 * weight)
        face.compose(image, number, patch)
        yield Repainted(number, truth, np.rint(crop).astype(np.uint8), image)


def judge(painted: Iterator[Repainted], prepared: Prepared, mask: NDArray[np.uint8], finder: FaceFinder) -> Judgement:
    """Measure repainted pictures against the person's own.

    Args:
        painted: from `repaint`, in order.
        prepared: of the recordings.
        mask: of the avatar, `[320, 320]` uint8.
        finder: a face model that never saw the training.
    """
    inside = mask > 127
    numbers: list[int] = []
    found: list[float] = []
    rows: list[tuple[float, float, float]] = []
    for one in painted:
        numbers.append(one.number)
        found.append(_opening(one.image, prepared.transforms[one.number], finder))
        share = _variance(one.crop, inside) / max(_variance(one.truth, inside), 1e-6)
        rows.append((_psnr_db(one.crop, one.truth, inside), float(_ssim(one.crop, one.truth)[inside].mean()), share))
    chosen, ours = np.array(numbers, np.int64), np.array(found, np.float32)
    psnr, ssim, sharp = (np.array(column) for column in zip(*rows, strict=True))
    return Judgement(
        pictures=len(chosen),
        **_lips(ours, prepared.opening[chosen], prepared.runs[chosen], prepared.quiet[chosen]),
        mouth_psnr_db=float(psnr.mean()),
        mouth_ssim=float(ssim.mean()),
        sharpness_percent=100 * float(np.median(sharp)),
    )


def _lips(ours: Float32, theirs: Float32, runs: NDArray[np.int64], quiet: NDArray[np.bool_]) -> "dict[str, float]":
    parts = [runs == run for run in np.unique(runs)]
    long = [part for part in parts if part.sum() >= 25] or [np.ones_like(quiet)]
    lags = np.arange(-MOST_LAG_FRAMES, MOST_LAG_FRAMES + 1)
    by_lag = [np.mean([_lagged(ours[part], theirs[part], int(lag)) for part in long]) for lag in lags]
    rest = float(np.nanpercentile(theirs, 10))
    closed = theirs <= rest + CLOSED_SHARE * (float(np.nanpercentile(theirs, 98)) - rest)
    limit = float(np.nanmedian(ours[closed])) + 2 * CLOSED_SHARE * float(np.nanpercentile(ours, 98) - np.nanmin(ours))
    return {
        "opening_r": float(np.median([correlation(ours[part], theirs[part]) for part in long])),
        "pooled_r": correlation(ours, theirs),
        "lag_frames": int(lags[int(np.argmax(by_lag))]),
        "closed_percent": 100 * float(np.mean(ours[closed] <= limit)),
        "quiet_deviation_percent": 100 * _deviation(ours[quiet]),
        "quiet_deviation_theirs_percent": 100 * _deviation(theirs[quiet]),
    }


def correlation(first: Float32, second: Float32) -> float:
    """Pearson's r where both curves `[n]` have a number; 0 where one of them is constant."""
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 3 or first[both].std() < 1e-9 or second[both].std() < 1e-9:
        return 0.0
    return float(np.corrcoef(first[both].astype(np.float64), second[both].astype(np.float64))[0, 1])


def _lagged(ours: Float32, theirs: Float32, lag: int) -> float:
    common = len(ours) - abs(lag)
    return correlation(ours[max(lag, 0) :][:common], theirs[max(-lag, 0) :][:common])


def _deviation(curve: Float32) -> float:
    return float(np.nanstd(curve)) if np.isfinite(curve).any() else float("nan")


def _opening(image: Image, transform: Float32, finder: FaceFinder) -> float:
    """Opening of the face whose crop this is; NaN where it is not found."""
    home = cv2.invertAffineTransform(transform.astype(np.float64)) @ np.array([160.0, 100.0, 1.0])
    faces = finder.detect_all(image)
    if not faces:
        return float("nan")
    nearest = min(faces, key=lambda points: float(np.linalg.norm(points[:, :2].mean(axis=0) - home)))
    return float(opening(nearest))


def _psnr_db(found: Image, truth: Image, inside: NDArray[np.bool_]) -> float:
    error = np.square(found[inside].astype(np.float64) - truth[inside]).mean()
    return float(10 * np.log10(255.0**2 / max(error, 1e-3)))


def _variance(image: Image, inside: NDArray[np.bool_]) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.CV_32F)[inside].var())


def _ssim(found: Image, truth: Image) -> Float32:
    """Structural similarity of the grey pictures at every pixel, `[H, W]` float32."""
    a, b = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32) for image in (found, truth))

    def mean(x: Float32) -> Float32:
        return np.asarray(cv2.GaussianBlur(x, (0, 0), SSIM_DEVIATION), np.float32)

    mean_a, mean_b = mean(a), mean(b)
    variances, shared = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2, mean(a * b) - mean_a * mean_b
    steady, lively = np.float32((0.01 * 255) ** 2), np.float32((0.03 * 255) ** 2)
    likeness = (2 * mean_a * mean_b + steady) * (2 * shared + lively)
    return np.asarray(likeness / ((mean_a**2 + mean_b**2 + steady) * (variances + lively)), np.float32)
