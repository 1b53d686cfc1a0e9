"""Points of a face in, where its crop lies in each picture and how the head is turned out: numpy only, without lag."""

import numpy as np
from numpy.typing import NDArray

from lipstream.types import Float32

ANCHORS = (33, 133, 362, 263, 168, 6, 197, 195, 2, 98, 327, 129, 358)
"""Points of the mesh that speech does not move: corners of the eyes, bridge, base and wings of the nose."""
HOME: Float32 = np.array(
    [
        *((48.9, 24.7), (117.1, 30.4), (206.1, 31.2), (275.4, 27.0)),
        *((161.1, 19.4), (160.7, 37.7), (160.3, 54.9), (160.0, 71.2)),
        *((159.0, 140.6), (119.4, 134.0), (199.4, 135.8), (110.2, 117.0), (209.5, 118.8)),
    ],
    np.float32,
)
"""Where the anchors of the built-in avatar lie in her crop, in pixels: another face's mouth comes to lie where hers
does, so that her generator is a start for its own."""
CHIN, FOREHEAD = 152, 10
LOWEST_CHIN_PIXELS = 292.0
"""The widest opening ends here: below the crop there is nothing to paint."""
LEAST_SCALE = 0.7
SMOOTH_FRAMES = 2.0
"""Standard deviation of the smoothing in time; the head turns slower than the landmarks tremble."""


def similarities(source: Float32, target: Float32) -> Float32:
    """The turns, scalings and shifts that take points closest to others, by least squares.

    Args:
        source: `[n, k, 2]`.
        target: `[n, k, 2]` or `[k, 2]`.

    Returns:
        `[n, 2, 3]` float32 affine transforms.
    """
    a, b = (points[..., 0] + 1j * points[..., 1] for points in (source.astype(np.float64), target.astype(np.float64)))
    mean_a, mean_b = a.mean(-1, keepdims=True), b.mean(-1, keepdims=True)
    turn = (np.conj(a - mean_a) * (b - mean_b)).sum(-1) / np.square(np.abs(a - mean_a)).sum(-1)
    shift = mean_b[..., 0] - turn * mean_a[..., 0]
    rows = [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
    return np.moveaxis(np.array(rows), -1, 0).astype(np.float32)


def framing_scale(points: Float32, runs: NDArray[np.int64]) -> float:
    """How much smaller than at home a face must be shown, so that the chin of its widest opening is in the crop.

    Args:
        points: of the face, `[n, 468, 3]` float32 in pixels of the picture.
        runs: number of the unbroken run that each picture belongs to, `[n]`.

    Returns:
        LEAST_SCALE to 1.
    """
    chin = apply(crop_transforms(points, runs, 1.0), points[:, (CHIN,), :2])[:, 0, 1]
    centre = float(HOME[:, 1].mean())
    reach = float(np.percentile(chin, 99)) - centre
    return float(np.clip((LOWEST_CHIN_PIXELS - centre) / max(reach, 1.0), LEAST_SCALE, 1.0))


def crop_transforms(points: Float32, runs: NDArray[np.int64], scale: float) -> Float32:
    """Where the crop lies in every picture, to a fraction of a pixel and without trembling.

    Args:
        points: of the face, `[n, 468, 3]` float32 in pixels of the picture.
        runs: number of the unbroken run that each picture belongs to, `[n]`.
        scale: of this person, from `framing_scale`; the same for all recordings.

    Returns:
        Picture to 320 x 320 crop, `[n, 2, 3]` float32.
    """
    centre = HOME.mean(axis=0)
    home = (centre + scale * (HOME - centre)).astype(np.float32)
    return similarities(smoothed(points[:, ANCHORS, :2], runs), home)


def smoothed(values: Float32, runs: NDArray[np.int64], deviation_frames: float = SMOOTH_FRAMES) -> Float32:
    """Smooth `[n, ...]` over time with a symmetric bell, which delays nothing, never from one run into another."""
    reach = int(np.ceil(3 * deviation_frames))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation_frames) ** 2)
    total = np.zeros(values.shape, np.float64)
    weights = np.zeros(len(values), np.float64)
    for offset, weight in zip(range(-reach, reach + 1), bell, strict=True):
        here = np.arange(max(0, -offset), min(len(values), len(values) - offset))
        here = here[runs[here] == runs[here + offset]]
        total[here] += weight * values[here + offset]
        weights[here] += weight
    return (total / weights.reshape(-1, *[1] * (values.ndim - 1))).astype(np.float32)


def apply(transforms: Float32, points: Float32) -> Float32:
    """Carry points `[n, k, 2]` by transforms `[n, 2, 3]`."""
    return (points @ transforms[:, :, :2].transpose(0, 2, 1) + transforms[:, None, :, 2]).astype(np.float32)


def in_crop(points: Float32, transforms: Float32) -> Float32:
    """Points `[n, 468, 3]` in pixels of the picture to pixels of the crop; depth is scaled with them."""
    scale = np.hypot(transforms[:, 0, 0], transforms[:, 1, 0])[:, None, None]
    return np.concatenate([apply(transforms, points[..., :2]), points[..., 2:] * scale], axis=2)


def poses(points: Float32, runs: NDArray[np.int64]) -> Float32:
    """How the head is turned: yaw, pitch and roll in degrees, `[n, 3]` float32, smoothed.

    Args:
        points: of the face, `[n, 468, 3]` float32. Depth is a guess: good for differences of poses, not for their zero.
        runs: as in `crop_transforms`.
    """
    steady = smoothed(points, runs)
    across = steady[:, 263] - steady[:, 33]
    down = steady[:, 2] - steady[:, FOREHEAD]
    yaw = np.arctan2(across[:, 2], np.hypot(across[:, 0], across[:, 1]))
    pitch = np.arctan2(down[:, 2], np.hypot(down[:, 0], down[:, 1]))
    roll = np.arctan2(across[:, 1], across[:, 0])
    return np.asarray(np.degrees(np.stack([yaw, pitch, roll], axis=1)), np.float32)
