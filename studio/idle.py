"""How iris moves when nobody asks her anything: a loop of poses without a seam, and where her crop lies in each."""

import numpy as np

from studio.head import Pose

LOOP_FRAMES = 200  # 8 s
BLINK = (0.30, 0.85, 1.0, 0.80, 0.45, 0.15)  # 200 ms with the lids down by more than a quarter for 160 ms
BLINKS_AT = (47, 151)  # 15 a minute, unevenly spaced
GLANCES = ((0, 0.0, 0.0), (38, 1.6, -0.4), (74, -0.8, 0.5), (112, 0.4, -1.2), (149, -1.4, 0.2), (183, 0.0, 0.0))

ANCHORS = np.array(
    [  # points of the head that no articulation moves: nose, its wings, cheekbones, temples
        [0.0, 6.53, 1.585],
        [0.0, 6.72, 1.455],
        [0.22, 6.47, 1.33],
        [-0.22, 6.47, 1.33],
        [0.42, 6.62, 1.17],
        [-0.42, 6.62, 1.17],
        [0.36, 6.20, 1.15],
        [-0.36, 6.20, 1.15],
    ]
)
CROP_CENTRE = np.array([[0.0, 6.035, 1.36]])
FRAME_SIZE = 720
CROP_PIXELS = 320
MOUTH = (24, 76, 296, 320)  # x0, y0, x1, y1 of the crop that an articulation can change


def waves(t: np.ndarray, *terms: tuple[float, int, float]) -> np.ndarray:
    """A sum of sines (amplitude, cycles a loop, phase) over `t` in 0..1."""
    return sum(a * np.sin(2 * np.pi * (n * t + phase)) for a, n, phase in terms)


def loop() -> list[Pose]:
    """The poses of the idle loop; the first follows the last without a jump."""
    t = np.arange(LOOP_FRAMES) / LOOP_FRAMES
    yaw = waves(t, (1.9, 1, 0.0), (0.9, 2, 0.3), (0.35, 5, 0.1))
    pitch = waves(t, (0.9, 1, 0.6), (0.6, 3, 0.2), (0.2, 7, 0.8)) + 0.3
    roll = waves(t, (0.8, 1, 0.25), (0.4, 2, 0.7))
    breath = waves(t, (1.0, 2, 0.0))
    blink, brows = np.zeros(LOOP_FRAMES), waves(t, (0.10, 1, 0.1), (0.06, 3, 0.5))
    for start in BLINKS_AT:
        blink[start : start + len(BLINK)] = BLINK
    gaze = np.zeros((LOOP_FRAMES, 2))
    for start, right, up in GLANCES:
        gaze[start:] = right, up
    gaze -= 0.75 * np.stack([yaw, pitch], 1)  # the eyes stay with whom she looks at
    return [
        Pose(yaw[i], pitch[i], roll[i], blink[i], (gaze[i, 0], gaze[i, 1]), breath[i], brows[i])
        for i in range(LOOP_FRAMES)
    ]


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The similarity `[2, 3]` that takes points `[n, 2]` closest to `target` `[n, 2]` (least squares, Umeyama 1991)."""
    a, b = source.mean(0), target.mean(0)
    u, s, vt = np.linalg.svd((target - b).T @ (source - a))
    sign = np.diag([1, np.sign(np.linalg.det(u @ vt))])
    scale = (s * np.diag(sign)).sum() / ((source - a) ** 2).sum()
    linear = scale * u @ sign @ vt
    return np.column_stack([linear, b - linear @ a])


def crop_transform(anchors: np.ndarray, anchors_at_rest: np.ndarray, centre_at_rest: np.ndarray) -> np.ndarray:
    """Frame to crop `[2, 3]` from the anchors' pixels `[n, 2]` in this frame and in the rest pose."""
    return similarity(anchors, anchors_at_rest - centre_at_rest + (CROP_PIXELS - 1) / 2)
