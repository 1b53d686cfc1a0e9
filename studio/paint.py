"""Places on her head in, what colours them out: rose, freckles, lips, pores, cornea; and the room behind her."""

import numpy as np

from studio.head import smoothstep
from studio.makehuman import Mesh


def paint(skin: np.ndarray) -> dict[str, np.ndarray]:
    """Where the skin `[n, 3]` at rest is rosy, freckled, or lip: shares `[n]` by name."""
    x, y, z = abs(skin[:, 0]), skin[:, 1], skin[:, 2]
    cheek = np.exp(-(((x - 0.46) / 0.17) ** 2) - ((y - 6.36) / 0.15) ** 2) * (z > 0.6)
    nose = np.exp(-((x / 0.10) ** 2) - ((y - 6.40) / 0.10) ** 2) * (z > 1.3)
    freckled = np.exp(-((x / 0.50) ** 4) - ((y - 6.42) / 0.17) ** 2) * (z > 0.6)
    mouth = smoothstep(-x, -0.34, -0.28) * smoothstep(y, 5.80, 5.86) * smoothstep(-y, -6.26, -6.20) * (z > 0.8)
    lids = np.exp(-(((x - 0.30) / 0.26) ** 4) - ((y - 6.63) / 0.14) ** 4) * (z > 0.8)
    return {"blush": cheek + 0.3 * nose, "freckles": freckled, "mouth": mouth, "lids": lids}


def front(mouth: np.ndarray) -> np.ndarray:
    """How near each point `[n, 3]` of teeth or tongue at rest lies to where light comes in, `[n]` 0..1."""
    return smoothstep(mouth[:, 2], 0.80, 1.20)


def cornea(eyes: Mesh) -> np.ndarray:
    """1 for each vertex of the outer, clear shell of the eyeballs, `[n]`."""
    shell = np.arange(len(eyes.vertices))
    changed = True
    while changed:
        before = shell.copy()
        for face in eyes.faces:
            shell[face] = shell[face].min()
        changed = bool((before != shell).any())
    foremost = {k: eyes.vertices[shell == k, 2].max() for k in np.unique(shell)}
    outer = sorted(foremost, key=foremost.get)[-2:]
    return np.isin(shell, outer).astype(float)


def grain() -> np.ndarray:
    """A tile of skin 2 units wide, `[1024, 1024, 3]` float32, 0..1: mottling, freckles, height of pores."""
    mottled, pores = _bumps(12, 1.2), _bumps(150, 0.9)
    freckles = smoothstep(_bumps(44, 0.35), 2.0, 2.6) * smoothstep(_bumps(14, 0.5), -0.2, 0.8)
    return np.stack([0.5 + mottled / 6, freckles, 0.5 + pores / 6], 2).clip(0, 1).astype(np.float32)


def _bumps(cycles: float, octaves: float) -> np.ndarray:
    """Noise that tiles, `[1024, 1024]`, of unit variance, about so many cycles a tile, spread over so many octaves."""
    size = 1024
    rng = np.random.default_rng(round(cycles))
    x, y = np.meshgrid(np.fft.rfftfreq(size), np.fft.fftfreq(size))
    octave = np.log2(np.maximum(np.hypot(x, y) * size, 0.5) / cycles)
    spectrum = np.fft.rfft2(rng.normal(size=(size, size))) * np.exp(-((octave / octaves) ** 2)) / 2**octave
    noise = np.fft.irfft2(spectrum, (size, size))
    return noise / noise.std()


def room() -> np.ndarray:
    """A blurred room, `[256, 256, 3]` linear, first row lowest: a wall, daylight from the left, a shelf, a lamp."""
    size, soft = 256, 0.035
    x, y = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size)  # y up
    wall = np.array([0.150, 0.165, 0.165]) * (0.75 + 0.35 * y + 0.5 * np.exp(-((x / 0.45) ** 2)))[..., None]

    def box(x0: float, x1: float, y0: float, y1: float) -> np.ndarray:
        across = smoothstep(x, x0 - soft, x0 + soft) * smoothstep(-x, -x1 - soft, -x1 + soft)
        return (across * smoothstep(y, y0 - soft, y0 + soft) * smoothstep(-y, -y1 - soft, -y1 + soft))[..., None]

    wall = wall + box(-1, 0.13, 0.3, 2) * [0.38, 0.42, 0.44]
    for y0, tint in ((0.30, 0.55), (0.62, 0.7)):
        vase = box(0.84, 0.90, y0 + 0.05, y0 + 0.2) * [0.10 * tint, 0.05, 0.02]
        wall = wall * (1 - 0.55 * box(0.78, 2, y0, y0 + 0.05)) + vase
    lamp = np.exp(-(((x - 0.90) ** 2 + (y - 0.80) ** 2) / 0.10**2))[..., None]
    return wall + lamp * [0.55, 0.33, 0.15]
