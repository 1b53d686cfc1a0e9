"""Speech and driving pictures in, the codes that an avatar hears and the pictures that it paints of them out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

from lipstream.evaluate.faces import Subject
from lipstream.pipeline.avatar import Avatar
from lipstream.render.crop import cut
from lipstream.types import ARTICULATION, Codes, Float32, Image, Pcm

BATCH_FRAMES = 8
LIP_GAP = ARTICULATION.index("lip_gap")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class PaintedFrame:
    """What an avatar painted over one picture of its driving clip."""

    image: Image
    """The finished picture, `HWC` uint8 BGR."""
    crop: Image
    """Its crop before it went back into the picture, `[320, 320, 3]` uint8 BGR."""


def heard_codes(avatar: Avatar, pcm: Pcm) -> Codes:
    """What the avatar hears in a whole signal `[L]` float32 at 16 kHz: `[ceil(L / 640), 12]` float32."""
    speech = avatar.speech()
    return np.concatenate([speech.push(pcm), speech.finish()])


def idle_pictures(avatar: Avatar, indices: Iterable[int]) -> Iterator[Image]:
    """Pictures of the driving clip as it is, `HWC` uint8 BGR, by number."""
    return (avatar.clip.image(index) for index in indices)


def speak_over(avatar: Avatar, codes: Codes, indices: Sequence[int], images: Iterable[Image]) -> Iterator[Image]:
    """Paint codes over given driving pictures.

    Args:
        avatar: who speaks.
        codes: `[n, 12]` float32.
        indices: numbers of the pictures in the driving clip, n of them: their pose.
        images: the pictures themselves, n of them; they are painted over.

    Yields:
        The finished pictures, `HWC` uint8 BGR.
    """
    for image, index, patch in _generated(avatar, codes, indices, images):
        avatar.face.compose(image, index, patch)
        yield image


def paint(subject: Subject, codes: Codes, indices: Sequence[int]) -> Iterator[PaintedFrame]:
    """Paint codes `[n, 12]` float32 over n chosen pictures of the driving clip."""
    avatar, transforms, weight = subject.avatar, subject.bundle.transforms, subject.weight[..., None]
    for image, index, patch in _generated(avatar, codes, indices, idle_pictures(avatar, indices)):
        driving = cut(image, transforms[index % len(transforms)]).astype(np.float32)
        crop = driving * (1 - weight) + patch.transpose(1, 2, 0) * (255 * weight)
        avatar.face.compose(image, index, patch)
        yield PaintedFrame(image, np.clip(np.rint(crop), 0, 255).astype(np.uint8))


def _generated(
    avatar: Avatar, codes: Codes, indices: Sequence[int], images: Iterable[Image]
) -> Iterator[tuple[Image, int, Float32]]:
    """Every picture, its number and what the generator makes for it, `[3, 320, 320]` float32 in 0..1."""
    for batch in batches(zip(codes, indices, images, strict=True)):
        pictures, places = [image for _, _, image in batch], [index for _, index, _ in batch]
        visual = avatar.face.visual(pictures, places)
        patches = avatar.face.generate(visual, np.stack([code for code, _, _ in batch]))
        yield from zip(pictures, places, patches, strict=True)


def batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Items in lists of BATCH_FRAMES; the last may have fewer."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH_FRAMES)):
        yield batch
