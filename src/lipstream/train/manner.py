"""Codes heard and codes seen at the same times in, how this person's mouth does what the sound says out.

The speech networks know no person. A matrix of 12 x 12, found by least squares, turns what they hear into what this
face does; it is folded into the generator's first layer, so that nobody who drives the generator need know of it.
"""

import numpy as np
import torch

from lipstream.nets.generator import Generator
from lipstream.train.preprocess.articulation import SEEN
from lipstream.types import ARTICULATION, CODE_SIZE, Codes, Float32

STRENGTH = 3.0
"""Of the pull towards the identity, in squared codes: about two seconds of speech weigh as much."""


def manner(heard: Codes, seen: Codes, strength: float = STRENGTH) -> Float32:
    """The matrix that takes heard codes closest to seen ones, by ridge regression towards the identity.

    Args:
        heard: what the speech networks hear, `[n, 12]` float32.
        seen: what the face shows at the same times, `[n, 12]` float32.
        strength: how strongly the identity is preferred.

    Returns:
        `[12, 12]` float32 with seen = manner @ heard. Rest stays rest, and what cannot be seen stays as it is heard.
    """
    h = heard.astype(np.float64)
    change = np.linalg.solve(h.T @ h + strength * np.eye(CODE_SIZE), h.T @ (seen.astype(np.float64) - h))
    change[:, [place for place, name in enumerate(ARTICULATION) if name not in SEEN]] = 0.0
    return (np.eye(CODE_SIZE) + change.T).astype(np.float32)


def fold(module: Generator, matrix: Float32) -> None:
    """Let a generator that was trained on seen codes take heard ones, in place."""
    weight = module.get_parameter("style.0.weight")
    with torch.no_grad():
        weight.copy_(weight @ torch.from_numpy(matrix).to(weight.device))
