"""Her head in, strands of hair out, combed from a side parting over the ears to below the shoulders (numpy only).

A `Skull` is asked how far the skin lies from `CENTRE` along unit directions `[n, 3]`, `[n]`; NaN where there is none.
"""

from collections.abc import Callable

import numpy as np

from studio.head import smoothstep

Skull = Callable[[np.ndarray], np.ndarray]

PARTING = 0.16  # of the hair, to her left
CENTRE = np.array([0.0, 6.95, 0.35])  # from which strands are laid on the scalp
STRANDS, POINTS = 20_000, 12
CROWN = np.array([0, 0.1, 0.25, 0.45, 0.65, 0.83])  # where the first points of a strand lie on its way over the skull
LOCKS, LOCKED = 900, 0.50  # strands gather in locks, by this share at their ends
EAR_Y, END_Y = 6.76, 4.98  # from the first, above the ear, strands hang down to the second
CLEARANCE = 0.008  # between skin and hair
EASINGS = 4  # rounds that take the bend out of a strand where it leaves the skull


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def comb(skull: Skull, skin: np.ndarray, faces: list[list[int]], scalp: np.ndarray) -> np.ndarray:
    """Strands `[STRANDS, POINTS, 3]` on a skin `[n, 3]` that is covered by the share `scalp` `[n]`."""
    rng = np.random.default_rng(7)
    grown = roots(rng, skin, faces, scalp)
    guides = grown[rng.choice(STRANDS, LOCKS, replace=False)]
    lock = np.array([np.square(guides - root).sum(1).argmin() for root in grown])
    style = rng.normal(size=(LOCKS, 4))
    strands = fall(skull, grown, 0.6 * style[lock] + 0.4 * rng.normal(size=(STRANDS, 4)), rng.random(STRANDS))
    leaders = fall(skull, guides, style, np.full(LOCKS, 0.6))
    together = LOCKED * np.linspace(0, 1, POINTS)[:, None] ** 1.5
    return strands + together * (leaders[lock] - strands)


def roots(rng: np.random.Generator, skin: np.ndarray, faces: list[list[int]], scalp: np.ndarray) -> np.ndarray:
    """Where strands grow, `[STRANDS, 3]`: denser where the scalp is covered and in front."""
    triangles = np.array([[f[0], f[k], f[k + 1]] for f in faces for k in range(1, len(f) - 1)])
    triangles = triangles[(scalp[triangles].mean(1) > 0.05) & (skin[triangles, 1].min(1) > 6.35)]
    a, b, c = (skin[triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    density = scalp[triangles].mean(1) ** 1.5 * np.where(skin[triangles].mean(1)[:, 2] > 0, 1.6, 0.7)
    pick = rng.choice(len(triangles), STRANDS, p=area * density / (area * density).sum())
    u, v = np.sqrt(rng.random((STRANDS, 1))), rng.random((STRANDS, 1))
    return (1 - u) * a[pick] + u * (1 - v) * b[pick] + u * v * c[pick]


def fall(skull: Skull, grown: np.ndarray, style: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Strands `[n, POINTS, 3]` from roots `[n, 3]`: along the skull to above the ear, then straight down.

    `style` `[n, 4]` is drawn from a normal distribution: parting, place round the head, wave, length. `depth` `[n]`
    0..1 tells how far out in the hair a strand lies.
    """
    hanging = _hanging(grown, style, depth)
    strands = np.concatenate([_crown(skull, grown, hanging[:, 0], depth), hanging], 1)
    for _ in range(EASINGS):
        middle = 0.5 * (strands[:, 2:-2] + strands[:, 4:])
        strands[:, 3:-1] += 0.5 * (middle - strands[:, 3:-1])
    over = strands[:, 1 : len(CROWN)] - CENTRE
    far = np.linalg.norm(over, axis=2, keepdims=True)
    strands[:, 1 : len(CROWN)] += over / far * np.maximum(_skin(skull, over / far) + CLEARANCE - far, 0)
    return strands


def _skin(skull: Skull, way: np.ndarray) -> np.ndarray:
    """How far the skin lies along unit directions `[n, k, 3]`, `[n, k, 1]`."""
    return np.nan_to_num(skull(way.reshape(-1, 3)), nan=0.7).reshape(*way.shape[:2], 1)


def _hanging(grown: np.ndarray, style: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """The part of each strand from above the ear down, `[n, POINTS - len(CROWN), 3]`."""
    side = np.sign(grown[:, 0] - PARTING * smoothstep(grown[:, 2], -0.3, 0.3) + 0.012 * style[:, 0])[:, None]
    round_ = np.degrees(np.arctan2(grown[:, 2] - CENTRE[2], np.abs(grown[:, 0] - PARTING) + 0.05))
    place = np.radians(np.interp(round_, [-90, 0, 90], [-92, -12, 24]) + 5 * style[:, 1])[:, None]
    out = 0.85 + 0.08 * depth[:, None]
    top = np.minimum(EAR_Y, grown[:, 1:2] - 0.22)
    down = top + np.linspace(0, 1, POINTS - len(CROWN)) * (END_Y + 0.03 * style[:, 3:] - top)
    drop = (6.82 - down) / 1.85
    wave = 0.022 * np.sin(5.0 * drop + 1.2 * style[:, 2:3]) * smoothstep(drop, 0.0, 0.4)
    away = out - 0.11 * smoothstep(down, 6.05, 6.80) - 0.13 * smoothstep(drop, 0.3, 1.0)
    x = side * (np.cos(place) * away + wave)
    z = 0.05 + np.sin(place) * np.where(place > 0, 0.85, 0.62) * (out + 0.12) + 0.06 * drop + 0.5 * wave
    return np.stack([x, down, z], 2)


def _crown(skull: Skull, grown: np.ndarray, end: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """The way of each strand over the skull, `[n, len(CROWN), 3]`, rising towards where it hangs, `end` `[n, 3]`."""
    along = CROWN[None, :, None]
    first, last = _unit(grown - CENTRE)[:, None], _unit(end - CENTRE)[:, None]
    angle = np.arccos(np.clip((first * last).sum(-1, keepdims=True), -0.999, 0.999))
    arc = (np.sin((1 - along) * angle) * first + np.sin(along * angle) * last) / np.sin(angle)
    arc = arc - np.sin(np.pi * along) * smoothstep(grown[:, 2], 0.5, 0.9)[:, None, None] * [0, 0.14, 0]  # over the brow
    way = _unit(arc)
    skin = _skin(skull, way)[..., 0]
    lift = CLEARANCE + (0.03 + 0.075 * depth[:, None]) * np.sin(np.pi * np.clip(along[..., 0], 0, 0.6) / 1.2)
    outer = np.linalg.norm(end - CENTRE, axis=1)[:, None]
    rising = smoothstep(along[..., 0], 0.2, 1.0) * np.maximum(outer - skin - lift, 0)
    crown = CENTRE + way * (skin + lift + rising)[..., None]
    crown[:, 0] = grown
    return crown
