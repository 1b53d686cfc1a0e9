"""CC0 MakeHuman assets in, the vertices of iris's head in any pose and articulation out (numpy only).

Coordinates are the assets' own: x to her left, y up, z to the front, one unit = 10 cm.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from lipstream.types import ARTICULATION
from studio.makehuman import Fit, Mesh, read_fit, read_obj, read_target

BUST_Y = 3.2  # nothing below is ever in the picture
JAW_OPEN = 0.5  # weight of `mouth-open` at jaw = 1
LIP_GAP = 0.150  # distance of the inner lips at lip_gap = 1: 15 mm
BITE_GAP = 0.025  # how much further the lips part over the upper teeth at lip_tuck = 1
PRESSED_CORNER = 0.30  # weight of `mouth-corner-puller` that pressing the lips adds, taken back at lip_press = 1
SEALED = -0.10  # weight of `mouth-open` at which the rest mouth shows no slit between the lips
UPPER_LIP, LOWER_LIP = 474, 523  # vertices of the inner lips on the midline
UPPER_TEETH_DROP, LOWER_TEETH_DROP, LOWER_TEETH_BACK = 0.055, 0.035, 0.02  # so that the upper incisors show first
TONGUE_LIFT = 0.055  # how much less than the jaw the tip of the tongue drops at teeth_gap = 1
PIVOT = np.array([0.0, 5.55, 0.25])  # the head turns here
WIDE_EYES = 0.6  # weight of `eye-*-opened-up`, taken back as the lids close
NECK_Y = (4.75, 5.85)  # skin below the first keeps still, above the second it turns with the head

SHAPE = {
    "caucasian-female-young": 0.72,
    "asian-female-young": 0.28,
    "universal-female-young-averagemuscle-averageweight": 1.0,
}
REST = {
    "mouth-corner-puller": 0.32,
    "eye-left-opened-up": WIDE_EYES,
    "eye-right-opened-up": WIDE_EYES,
    "eyebrows-left-inner-up": 0.34,
    "eyebrows-right-inner-up": 0.34,
    "eyebrows-left-extern-up": 0.25,
    "eyebrows-right-extern-up": 0.25,
}
PARTS = {  # name: fitting file
    "teeth": "teeth/teeth_base.mhclo",
    "tongue": "tongue/tongue01.mhclo",
    "eyes": "eyes/high-poly.mhclo",
    "brows": "brows/eyebrow001.mhclo",
    "lashes": "lashes/eyelashes01.mhclo",
    "top": "clothes/female_casualsuit01.mhclo",
    "cap": "hair/ponytail01.mhclo",
}


@dataclass(frozen=True)
class Pose:
    """Everything of her that moves besides the mouth."""

    yaw: float = 0.0
    """Degrees, positive to her left."""
    pitch: float = 0.0
    """Degrees, positive up."""
    roll: float = 0.0
    """Degrees, positive towards her left shoulder."""
    blink: float = 0.0
    """0 open, 1 closed."""
    gaze: tuple[float, float] = (0.0, 0.0)
    """Degrees the eyes turn in the head: to her left, up."""
    breath: float = 0.0
    """-1 out, 1 in."""
    brows: float = 0.0
    """Raised by this share."""


def smoothstep(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def slim(body: np.ndarray) -> np.ndarray:
    """A finer jaw and neck: body vertices `[n, 3]` drawn in at the sides, the mouth left alone."""
    y = body[:, 1]
    jaw = smoothstep(-y, -6.45, -6.0) * smoothstep(y, 5.15, 5.5)
    side = smoothstep(abs(body[:, 0]), 0.12, 0.5)
    return body * np.stack([1 - 0.085 * jaw * side, np.ones_like(y), np.ones_like(y)], 1)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The rotation matrix `[3, 3]` of angles in degrees, roll first."""
    y, p, r = np.radians([yaw, -pitch, -roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


@dataclass
class Head:
    """Iris's head: `deform` gives the vertices of every part for an articulation and a pose."""

    assets: Path
    body: Mesh = field(init=False)
    rest: np.ndarray = field(init=False)
    """Body vertices `[n, 3]` at rest, lips sealed."""
    fits: dict[str, Fit] = field(init=False)
    meshes: dict[str, Mesh] = field(init=False)

    def __post_init__(self) -> None:
        self.body = read_obj(self.assets / "mesh/base.obj", "body")
        neutral = self.body.vertices + sum(w * self.target(k) for k, w in SHAPE.items())
        self.neutral = slim(neutral + sum(w * self.target(k) for k, w in REST.items()))
        self.rest = self.neutral + SEALED * self.target("mouth-open")
        self.fits = {name: read_fit(self.assets / "mesh" / path) for name, path in PARTS.items()}
        self.meshes = {name: read_obj(fit.mesh_path) for name, fit in self.fits.items()}
        self._sizes = {
            name: fit.size(self.neutral) for name, fit in self.fits.items()
        }  # of the rest: teeth never swell
        self._targets = {
            name: self.target(name)
            for name in (
                "mouth-open",
                "mouth-pursing",
                "mouth-protusion",
                "mouth-retraction",
                "mouth-compression",
                "mouth-corner-puller",
                "mouth-eversion",
                "eye-left-opened-up",
                "eye-right-opened-up",
                "eye-left-closure",
                "eye-right-closure",
                "eyebrows-left-up",
                "eyebrows-right-up",
            )
        }

    def target(self, name: str) -> np.ndarray:
        """Offsets `[n, 3]` of a shape target."""
        return read_target(self.assets / "mesh/targets" / f"{name}.target", len(self.body.vertices))

    @cached_property
    def lips(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights `[n]` 0..1 of the upper and the lower lip, fading out towards nose, chin and corners."""
        xyz, line = self.neutral, 0.5 * (self.neutral[UPPER_LIP, 1] + self.neutral[LOWER_LIP, 1])
        moves = -self._targets["mouth-open"][:, 1]
        lower = smoothstep(moves, 0.10, 0.22)
        near = smoothstep(-abs(xyz[:, 0]), -0.29, -0.05) * smoothstep(xyz[:, 2], 0.9, 1.15)
        up = near * (1 - lower) * smoothstep(-(xyz[:, 1] - line), -0.24, -0.07) * (xyz[:, 1] > line - 0.06)
        down = near * lower * smoothstep(xyz[:, 1] - line, -0.24, -0.09)
        return up, down

    def _sides(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """A symmetric target split into her left and right half, blended over the midline."""
        left = smoothstep(self.neutral[:, 0], -0.08, 0.08)[:, None]
        return self._targets[name] * left, self._targets[name] * (1 - left)

    def articulate(self, code: np.ndarray) -> np.ndarray:
        """Body vertices `[n, 3]` with the mouth in an articulation/1 `[12]`; zeros give the rest."""
        a, t = dict(zip(ARTICULATION, np.asarray(code, float), strict=True)), self._targets
        narrow, wide = max(-a["lip_width"], 0.0), max(a["lip_width"], 0.0)
        shape = self.rest + (JAW_OPEN * a["jaw"]) * t["mouth-open"]
        shape = shape + 0.66 * narrow * t["mouth-pursing"] + 0.36 * a["protrusion"] * t["mouth-protusion"]
        pressed = float(np.clip(a["lip_press"], 0, 1))
        shape = shape + 0.10 * a["protrusion"] * t["mouth-eversion"]
        shape = shape + 0.60 * (1 - 0.5 * pressed) * wide * t["mouth-retraction"]
        shape = shape + 0.55 * a["lip_press"] * t["mouth-compression"]
        smile = (0.10 + 0.10 * smoothstep(np.array(a["lip_gap"]), 0.0, 0.4)) * (1 - pressed)  # lips that meet do not
        for side, name in zip(self._sides("mouth-corner-puller"), ("corner_left", "corner_right"), strict=True):
            shape = shape + (smile * a[name] - PRESSED_CORNER * pressed) * side
        return self._set_lip_gap(shape, a)

    def _set_lip_gap(self, shape: np.ndarray, a: dict[str, float]) -> np.ndarray:
        """Move the lips on their own so that their gap is what lip_gap says, whatever the jaw does."""
        upper, lower = self.lips
        tuck = max(a["lip_tuck"], 0.0)
        shape = shape + upper[:, None] * [0, 0.035 * a["upper_lip"], 0.012 * a["upper_lip"]]
        shape = shape + lower[:, None] * [0, -0.035 * a["lower_lip"], 0.012 * a["lower_lip"]]
        shape = shape + tuck * (lower[:, None] * [0, 0, -0.075] + upper[:, None] * [0, 0, 0.01])
        closed = self.rest[UPPER_LIP, 1] - self.rest[LOWER_LIP, 1]
        gap = LIP_GAP * max(a["lip_gap"], 0.0) + closed * np.exp(-max(a["lip_gap"], 0.0) / 0.03) + BITE_GAP * tuck
        excess = (shape[UPPER_LIP, 1] - shape[LOWER_LIP, 1]) - gap
        share = 0.72 + 0.28 * min(tuck, 1.0) if excess > 0 else 0.6
        shape = shape + lower[:, None] * [0, share * excess / max(lower[LOWER_LIP], 0.5), 0]
        return shape - upper[:, None] * [0, (1 - share) * excess / max(upper[UPPER_LIP], 0.5), 0]

    @cached_property
    def _jaw_drop(self) -> np.ndarray:
        """Where the lower teeth go at jaw = 1, `[3]`."""
        still, opened = (self.fits["teeth"].apply(b, self._sizes["teeth"]) for b in (self.neutral, self._opened))
        moved = opened - still
        return moved[np.linalg.norm(moved, axis=1) > 0.05].mean(0)

    @cached_property
    def _opened(self) -> np.ndarray:
        return self.neutral + JAW_OPEN * self._targets["mouth-open"]

    def _teeth(self, teeth_gap: float) -> np.ndarray:
        still, opened = (self.fits["teeth"].apply(b, self._sizes["teeth"]) for b in (self.neutral, self._opened))
        lower = (np.linalg.norm(opened - still, axis=1) > 0.025)[:, None]
        at_rest = np.where(lower, [0, -LOWER_TEETH_DROP, -LOWER_TEETH_BACK], [0, -UPPER_TEETH_DROP, 0])
        return still + at_rest + lower * self._jaw_drop * max(teeth_gap, 0.0)

    def _tongue(self, teeth_gap: float, front: float) -> np.ndarray:
        base = self.fits["tongue"].apply(self.neutral, self._sizes["tongue"])
        jaw = self._jaw_drop * max(teeth_gap, 0.0)
        reach = np.clip((base[:, 2] - base[:, 2].min()) / np.ptp(base[:, 2]), 0, 1)[:, None]
        lift = reach**2 * [0, 0.10 * front, 0.06 * front] + reach * [0, TONGUE_LIFT * max(teeth_gap, 0.0), 0]
        return base + reach**0.7 * jaw + lift + [0, -0.03, -0.03]

    def _eyes(self, body: np.ndarray, gaze: tuple[float, float]) -> np.ndarray:
        eyes = self.fits["eyes"].apply(body, self._sizes["eyes"])
        turn = rotation(gaze[0], gaze[1], 0)
        for side in (eyes[:, 0] > 0, eyes[:, 0] < 0):
            centre = 0.5 * (eyes[side].min(0) + eyes[side].max(0))
            eyes[side] = (eyes[side] - centre) @ turn.T + centre
        return eyes

    def deform(self, code: np.ndarray, pose: Pose) -> dict[str, np.ndarray]:
        """Vertices `[n, 3]` of each part ("skin" is the body) for an articulation/1 `[12]` and a pose."""
        t, body = self._targets, self.articulate(code)
        closure, opened = (t[f"eye-left-{k}"] + t[f"eye-right-{k}"] for k in ("closure", "opened-up"))
        lids = body + pose.blink * (closure - WIDE_EYES * opened)
        lids = lids + pose.brows * (t["eyebrows-left-up"] + t["eyebrows-right-up"])
        a = dict(zip(ARTICULATION, code, strict=True))
        parts = {
            "skin": lids,
            "teeth": self._teeth(a["teeth_gap"]),
            "tongue": self._tongue(a["teeth_gap"], a["tongue_front"]),
            "eyes": self._eyes(self.rest, pose.gaze),
        }
        parts |= {k: self.fits[k].apply(lids, self._sizes[k]) for k in ("brows", "lashes", "top", "cap")}
        return {name: self.turn(v, pose, rigid=name not in ("skin", "top")) for name, v in parts.items()}

    def turn(self, vertices: np.ndarray, pose: Pose, *, rigid: bool) -> np.ndarray:
        """Turn vertices `[n, 3]` with the head; skin and clothes follow less the lower they lie, and breathe."""
        share = np.ones(len(vertices)) if rigid else smoothstep(vertices[:, 1], *NECK_Y)
        turned = (vertices - PIVOT) @ rotation(pose.yaw, pose.pitch, pose.roll).T + PIVOT
        breathing = np.outer(0.3 + 0.7 * smoothstep(-vertices[:, 1], -5.6, -4.6), [0, 0.018, 0.006]) * pose.breath
        return vertices + share[:, None] * (turned - vertices) + breathing
