"""What the tests of an avatar's robustness share: a talking driving mouth, and avatars that do wrong."""

from collections.abc import Sequence

import numpy as np

from lipstream.evaluate.driving import Talk
from lipstream.evaluate.faces import FaceFinder, Subject
from lipstream.evaluate.speaking import LIP_GAP, paint
from lipstream.render.face import FaceRenderer
from lipstream.types import Codes, Float32, Image


def gap_codes(frames: int, period: float) -> Codes:
    """A mouth that opens and shuts, `[frames, 12]` float32."""
    codes = np.zeros((frames, 12), np.float32)
    codes[:, LIP_GAP] = 0.5 - 0.5 * np.cos(np.arange(frames) * 2 * np.pi / period)
    return codes


def talk_of(subject: Subject, frames: int) -> Talk:
    """The tiny avatar's own pictures as a driving mouth that talks, and other codes that it hears."""
    known, places = gap_codes(frames, 9.3), list(range(frames))
    crops = [one.crop for one in paint(subject, known, places)]
    return Talk(crops, places, 40 * known[:, LIP_GAP], gap_codes(frames, 13.7), known)


class Showing:
    """A face finder that counts what it is shown."""

    def __init__(self, finder: FaceFinder) -> None:
        self._finder = finder
        self.seen = 0

    def detect(self, image: Image) -> Float32 | None:
        """What the other finder finds."""
        self.seen += 1
        return self._finder.detect(image)


class LeavesTheClip(FaceRenderer):
    """A face that keeps what the driving clip shows."""

    def __init__(self) -> None:
        """Need nothing."""

    def visual(self, images: Sequence[Image], indices: Sequence[int]) -> Float32:  # noqa: ARG002
        """Nothing."""
        return np.zeros((len(images), 6, 320, 320), np.float32)

    def generate(self, visual: Float32, codes: Codes) -> Float32:  # noqa: ARG002
        """Nothing."""
        return visual[:, :3]

    def compose(self, image: Image, index: int, patch: Float32, share: float = 1.0) -> None:
        """Leave the picture as it is."""
