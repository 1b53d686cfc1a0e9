"""Curves and pictures in, figures out: pure functions, without a file, a network or a clock."""

from collections.abc import Sequence

import cv2
import numpy as np

from lipstream.types import FRAME_SAMPLES, Float32, Image, Pcm

MAX_LAG_FRAMES = 15


def correlation(first: Float32, second: Float32) -> float:
    """Pearson's r of two curves `[n]`, where both have a number; 0 where one of them is constant or nothing is left."""
    both = np.isfinite(first) & np.isfinite(second)
    if not both.any():
        return 0.0
    a, b = first[both].astype(np.float64), second[both].astype(np.float64)
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 1e-12 else 0.0


def lagged_correlations(found: Float32, truth: Float32, max_lag_frames: int = MAX_LAG_FRAMES) -> Float32:
    """Correlation of two curves `[n]` when the found one is taken -max..max frames later.

    Returns:
        `[2 max_lag_frames + 1]` float32; entry k is that of lag k - max_lag_frames.
    """
    values = []
    for lag in range(-max_lag_frames, max_lag_frames + 1):
        late, early, common = max(lag, 0), max(-lag, 0), max(len(truth) - abs(lag), 0)
        values.append(correlation(found[late : late + common], truth[early : early + common]))
    return np.array(values, np.float32)


def lag_curve(pairs: Sequence[tuple[Float32, Float32]], max_lag_frames: int = MAX_LAG_FRAMES) -> Float32:
    """Mean over clips of `lagged_correlations`.

    Args:
        pairs: found and true curve `[n]` of each clip; a lag longer than a clip counts as r = 0.
        max_lag_frames: furthest lag tried in either direction.

    Returns:
        `[2 max_lag_frames + 1]` float32.
    """
    lagged = [lagged_correlations(found, truth, max_lag_frames) for found, truth in pairs]
    mean: Float32 = np.mean(lagged, axis=0, dtype=np.float32)
    return mean


def lag_frames(curve: Float32) -> int:
    """By how many frames found curves come after true ones, by their lag curve `[2 k + 1]`.

    Returns:
        The lag at which it is highest, -k..k; positive where the found curves are late.
    """
    return int(np.argmax(curve)) - len(curve) // 2


def loudness(pcm: Pcm, frames: int) -> Float32:
    """Root mean square of each frame's 640 samples, `[frames]` float32: the baseline that any lip sync has to beat."""
    padded = np.zeros(frames * FRAME_SAMPLES, np.float32)
    kept = pcm[: len(padded)]
    padded[: len(kept)] = kept
    rms: Float32 = np.sqrt(np.mean(np.square(padded.reshape(frames, FRAME_SAMPLES)), axis=1))
    return rms


def psnr_db(found: Image, truth: Image, weight: Float32) -> float:
    """Peak signal-to-noise ratio where `weight` is over one half.

    Args:
        found: `HWC` uint8.
        truth: `HWC` uint8.
        weight: `[H, W]` float32 in 0..1, such as an avatar's mask.

    Returns:
        Decibels, 99 for pictures that agree entirely.
    """
    inside = weight > 0.5
    error = found[inside].astype(np.float64) - truth[inside].astype(np.float64)
    mean_square = float(np.mean(np.square(error)))
    return 99.0 if mean_square == 0.0 else min(99.0, float(10.0 * np.log10(255.0**2 / mean_square)))


def sharpness(image: Image, weight: Float32) -> float:
    """Variance of the Laplacian of the grey picture where `weight` is over one half; higher is sharper."""
    edges = cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.CV_32F)
    return float(np.var(edges[weight > 0.5]))


def found_percent(curves: Sequence[Float32]) -> float:
    """Share of the frames of some curves `[n]` in which there is a number: in the others no face was found."""
    return 100.0 * float(np.mean(np.isfinite(np.concatenate(curves))))


def tremble(curve: Float32) -> float:
    """Root mean square of a curve's second difference over its deviation, `[n]`: small where it moves smoothly."""
    second = np.diff(curve.astype(np.float64), n=2)
    if not np.isfinite(second).any():
        return 0.0
    deviation = float(np.nanstd(curve.astype(np.float64)))
    return float(np.sqrt(np.nanmean(np.square(second)))) / deviation if deviation > 1e-12 else 0.0


def jitter(outlines: Sequence[Float32]) -> float:
    """Root mean square of the second difference in time of points, over some clips.

    Args:
        outlines: where the points of each clip lie, `[n, k, 2]` float32, NaN where they are not found.

    Returns:
        In the unit of the points; 0 where no three frames follow each other.
    """
    second = [np.diff(outline.astype(np.float64), n=2, axis=0).reshape(-1, 2) for outline in outlines]
    squares = np.square(np.concatenate([np.zeros((0, 2)), *second])).sum(axis=1)
    return float(np.sqrt(np.nanmean(squares))) if np.isfinite(squares).any() else 0.0


def residual(found: Float32, truth: Float32) -> float:
    """Root mean square by which a curve `[n]` misses the straight line of the truth `[n]` that fits it best.

    Returns:
        In the unit of `found`; NaN where fewer than three values of both are numbers.
    """
    both = np.isfinite(found) & np.isfinite(truth)
    if both.sum() < 3:
        return float("nan")
    line = np.stack([truth[both].astype(np.float64), np.ones(int(both.sum()))], axis=1)
    fit = line @ np.linalg.lstsq(line, found[both].astype(np.float64), rcond=None)[0]
    return float(np.sqrt(np.mean(np.square(found[both] - fit))))
