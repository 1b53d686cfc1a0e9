"""Points of a face over time in, its articulation/1 out, normalised to this face.

What points of the skin cannot tell (lips pressed, tucked under the teeth, tongue, teeth) is taken from what the speech
networks hear in the clip's own sound, and let through only as far as the lips that are seen allow it.
"""

import numpy as np
from numpy.typing import NDArray

from lipstream.train.preprocess.alignment import ANCHORS
from lipstream.types import ARTICULATION, Codes, Float32
from lipstream.video.lips import MOUTH_CORNERS, NOSE_BASE, OUTER_LIPS, opening_px

CHIN = 152
INNER_UPPER, INNER_LOWER = 13, 14
SEEN = ("jaw", "lip_gap", "lip_width", "protrusion", "upper_lip", "lower_lip", "corner_left", "corner_right")
"""What landmarks tell; the rest is heard."""
FULL_PERCENTILE = 98
REST_PERCENTILE = 25
LEAST_REST_FRAMES = 10
NARROWEST = 1.7
"""How far below rest a code may reach: the scale of a dimension that hardly rises is taken from how far it falls."""
FURTHEST = 2.0
"""No code reaches beyond: a landmark that slipped would."""
LEAST_SPAN_PIXELS = 2.0
"""Of the crop: a face whose lips move less has trembling landmarks scaled up into speech otherwise."""
PRESSED_GAP, TUCKED_GAP = 0.3, 0.6
"""Lips farther apart are not pressed together; not tucked under the teeth."""
_INDEX = {name: place for place, name in enumerate(ARTICULATION)}


def seen_codes(points: Float32, poses: Float32, heard: Codes, quiet: NDArray[np.bool_]) -> Codes:
    """Articulate what a face shows.

    Args:
        points: in pixels of the crop, `[n, 468, 3]` float32.
        poses: of the head, `[n, 3]` float32 degrees; what turns of the head do to the measures is taken out.
        heard: what the speech networks hear in the sound, `[n, 12]` float32.
        quiet: where nobody speaks, `[n]` bool.

    Returns:
        articulation/1, `[n, 12]` float32: each dimension 0 at this face's rest, 1 at its 98th percentile over speech.
    """
    lengths = without_pose(measures(points), poses)
    rest = lengths[at_rest(lengths[:, SEEN.index("lip_gap")], quiet)]
    moved = (lengths - np.median(rest, axis=0)).astype(np.float32)
    spoken = moved[~quiet] if (~quiet).sum() >= LEAST_REST_FRAMES else moved
    codes = heard.copy()
    codes[:, [_INDEX[name] for name in SEEN]] = moved / spans(spoken)
    return np.clip(_possible(codes), -FURTHEST, FURTHEST)


def measures(points: Float32) -> Float32:
    """The lengths of the seen dimensions, `[n, 8]` float32 in pixels of the crop, in the order of SEEN."""

    def distance(a: int, b: int) -> Float32:
        return np.asarray(np.linalg.norm(points[:, a, :2] - points[:, b, :2], axis=1), np.float32)

    right, left = MOUTH_CORNERS  # in the picture the person's right corner lies on the left
    middle = points[:, ANCHORS, 0].mean(axis=1)
    lengths = {
        "jaw": distance(NOSE_BASE, CHIN),
        "lip_gap": opening_px(points),
        "lip_width": distance(right, left),
        # The lower lip's depth follows the jaw, which swings back as it opens.
        "protrusion": points[:, NOSE_BASE, 2] - points[:, OUTER_LIPS[0], 2],
        # How far the lips flare: their height is what is seen of it. Where they lie follows the jaw.
        "upper_lip": distance(OUTER_LIPS[0], INNER_UPPER),
        "lower_lip": distance(INNER_LOWER, OUTER_LIPS[1]),
        "corner_left": points[:, left, 0] - middle,
        "corner_right": middle - points[:, right, 0],
    }
    return np.stack([lengths[name] for name in SEEN], axis=1).astype(np.float32)


def without_pose(lengths: Float32, poses: Float32) -> Float32:
    """Take the share out of lengths `[n, k]` that follows the head's pose `[n, 3]`, by least squares."""
    turned = poses - poses.mean(axis=0)
    share = np.linalg.lstsq(turned, lengths - lengths.mean(axis=0), rcond=1e-3)[0]
    return np.asarray(lengths - turned @ share, np.float32)


def at_rest(gap: Float32, quiet: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a face rests: among its quiet frames those whose lips are closest; without quiet frames, of all."""
    where = quiet if quiet.sum() >= LEAST_REST_FRAMES else np.ones_like(quiet)
    resting: NDArray[np.bool_] = where & (gap <= np.percentile(gap[where], REST_PERCENTILE))
    return resting


def spans(spoken: Float32) -> Float32:
    """Lengths of one unit of each dimension, `[k]`, from movements over speech `[n, k]`."""
    most = np.percentile(spoken, FULL_PERCENTILE, axis=0)
    least = np.percentile(spoken, 100 - FULL_PERCENTILE, axis=0)
    return np.asarray(np.maximum(np.maximum(most, -least / NARROWEST), LEAST_SPAN_PIXELS), np.float32)


def _possible(codes: Codes) -> Codes:
    """Let lips be pressed or tucked only where they are seen to be close."""
    gap = np.maximum(codes[:, _INDEX["lip_gap"]], 0.0)
    for name, widest in (("lip_press", PRESSED_GAP), ("lip_tuck", TUCKED_GAP)):
        codes[:, _INDEX[name]] *= np.clip(1.0 - gap / widest, 0.0, 1.0)
    return codes
