"""A batch of articulation codes and frame numbers in, the frames of the speaking face out, stage by stage."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lipstream.render.faces import Face
from lipstream.types import Float32, Frame, Image, Visual
from lipstream.video.clip import Clip


@dataclass(frozen=True, slots=True)
class Spoken:
    """What some consecutive frames say."""

    first: int
    """Number of the first frame."""
    codes: Float32
    """What drives the generator: their articulation `[b, 12]`, or contexts `[b, 32, 16, 16]`; float32."""
    audio: Float32
    """Their sound, `[b, 640]` float32 at 16 kHz."""
    first_picture: int = 0
    """Picture of the driving clip that frame 0 shows; the others follow it, and the clip repeats."""

    @property
    def indices(self) -> range:
        """Numbers of the frames."""
        return range(self.first, self.first + len(self.codes))

    @property
    def pictures(self) -> range:
        """Numbers of their pictures in the driving clip, not taken modulo its length."""
        first = self.first + self.first_picture
        return range(first, first + len(self.codes))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that the generator can work on."""

    spoken: Spoken
    """What the frames say."""
    images: list[Image]
    """Their driving frames, `HWC` uint8 BGR."""
    visual: Visual
    """The generator's view of them, `[b, 6, 320, 320]` float32."""


@dataclass(frozen=True, slots=True)
class Painted:
    """A batch that the generator has worked on."""

    spoken: Spoken
    """What the frames say."""
    images: list[Image]
    """Their driving frames, `HWC` uint8 BGR."""
    patches: list[Float32 | None]
    """The generated crops, `[3, 320, 320]` float32; none where the frame is shown as filmed."""


def prepare(spoken: Spoken, clip: Clip, face: Face) -> Prepared:
    """Decode the driving frames and cut what the generator sees.

    Raises:
        MediaError: the driving clip is damaged.
    """
    images = [clip.image(picture) for picture in spoken.pictures]
    return Prepared(spoken, images, face.visual(images, spoken.pictures))


def paint(prepared: Prepared, face: Face) -> Painted:
    """Run the generator, for the frames that are not shown as filmed."""
    codes, visual = prepared.spoken.codes, prepared.visual
    rows = np.flatnonzero(face.painted(codes))
    patches: list[Float32 | None] = [None] * len(codes)
    if len(rows) == len(codes):
        patches = list(face.generate(visual, codes))
    elif len(rows):
        for row, patch in zip(rows, face.generate(visual[rows], codes[rows]), strict=True):
            patches[row] = patch
    return Painted(prepared.spoken, prepared.images, patches)


def finish(painted: Painted, face: Face) -> Iterator[Frame]:
    """Blend the generated crops into their driving frames, one by one."""
    spoken = painted.spoken
    numbers = zip(spoken.indices, spoken.pictures, strict=True)
    for (index, picture), image, patch, audio in zip(
        numbers, painted.images, painted.patches, spoken.audio, strict=True
    ):
        if patch is not None:
            face.compose(image, picture, patch)
        yield Frame(index, image, audio)


def step(spoken: Spoken, clip: Clip, face: Face) -> list[Frame]:
    """All stages of one batch, one after the other.

    Raises:
        MediaError: the driving clip is damaged.
    """
    return list(finish(paint(prepare(spoken, clip, face), face), face))
