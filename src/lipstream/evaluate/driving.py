"""True crops in, driving pictures whose mouth talks out; codes over any driving pictures in, finished pictures out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from lipstream.evaluate.faces import Subject, openings
from lipstream.evaluate.reconstruction import heard_codes
from lipstream.evaluate.truth import read_truth, truth_crops
from lipstream.pipeline.avatar import Avatar
from lipstream.render.crop import paste
from lipstream.render.mask import mask_of
from lipstream.types import CROP_SIZE, Codes, Float32, Image

BATCH_FRAMES = 8
MOST_FRAMES = 250  # of truth that one measure takes: ten seconds tell enough
_Item = TypeVar("_Item")
WHOLE = mask_of(np.full((CROP_SIZE, CROP_SIZE), 255, np.uint8))


@dataclass(frozen=True, eq=False)
class Talk:
    """The true pictures of some speech, clip after clip, and what an avatar hears in it."""

    crops: list[Image]
    """True crops, `[320, 320, 3]` uint8 BGR, n of them."""
    indices: list[int]
    """Pictures of the driving clip that they were rendered over, n of them."""
    opening_px: Float32
    """Their known opening, `[n]` float32 in crop pixels."""
    heard: Codes
    """What the avatar hears, `[n, 12]` float32."""
    known: Codes
    """What was rendered, `[n, 12]` float32."""

    @property
    def other_codes(self) -> Codes:
        """What the avatar hears half of the speech away, `[n, 12]`: nothing that the true mouths say then."""
        return np.roll(self.heard, len(self.heard) // 2, axis=0)


def read_talk(avatar: Avatar, folder: Path, most_frames: int = MOST_FRAMES) -> Talk:
    """Read the first frames of a folder of truth, some of it rendered.

    Raises:
        AvatarError: the arrays are damaged.
        InputError: arrays and pictures do not fit together; MediaError: the pictures cannot be decoded.
    """
    clips = [clip for clip in read_truth(folder) if clip.rendered]
    return Talk(
        crops=list(islice(chain.from_iterable(truth_crops(folder, clips)), most_frames)),
        indices=[index for clip in clips for index in clip.frame_index][:most_frames],
        opening_px=np.concatenate([clip.opening_px for clip in clips])[:most_frames],
        heard=np.concatenate([heard_codes(avatar, clip.pcm) for clip in clips])[:most_frames],
        known=np.concatenate([clip.codes for clip in clips])[:most_frames],
    )


def idle_pictures(avatar: Avatar, indices: Iterable[int]) -> Iterator[Image]:
    """Pictures of the driving clip as it is, `HWC` uint8 BGR, by number."""
    return (avatar.clip.image(index) for index in indices)


def talking_pictures(avatar: Avatar, transforms: Float32, talk: Talk) -> Iterator[Image]:
    """The driving clip as if it had been filmed while talking: each true crop, whole, in its picture.

    Args:
        avatar: whose clip it is.
        transforms: of the clip's pictures, `[N, 2, 3]` float32.
        talk: its true crops.
    """
    for crop, index in zip(talk.crops, talk.indices, strict=True):
        image = avatar.clip.image(index)
        paste(image, crop, WHOLE, transforms[index % len(transforms)])
        yield image


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
    for batch in batches(zip(codes, indices, images, strict=True)):
        pictures, places = [image for _, _, image in batch], [index for _, index, _ in batch]
        patches = avatar.face.generate(avatar.face.visual(pictures, places), np.stack([code for code, _, _ in batch]))
        for image, index, patch in zip(pictures, places, patches, strict=True):
            avatar.face.compose(image, index, patch)
            yield image


def batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Items in lists of BATCH_FRAMES; the last may have fewer."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH_FRAMES)):
        yield batch


class Mouths:
    """Openings of an avatar's mouth on its finished pictures; the same code over the same picture is measured once."""

    def __init__(self, subject: Subject) -> None:
        """Take whose mouth it is."""
        self._subject = subject
        self._known: dict[tuple[int, bytes], np.float32] = {}

    def openings(self, codes: Codes) -> Float32:
        """Measure codes `[n, 12]` float32 over the driving clip from its first picture on.

        Returns:
            `[n]` float32, shares of the face's height; NaN where no face is found.
        """
        avatar = self._subject.avatar
        places = [index % len(avatar.clip) for index in range(len(codes))]
        settled = codes + np.float32(0)  # -0 is 0
        keys = [(place, code.tobytes()) for place, code in zip(places, settled, strict=True)]
        new = {key: number for number, key in enumerate(keys) if key not in self._known}
        indices, numbers = [place for place, _ in new], list(new.values())
        finished = speak_over(avatar, settled[numbers], indices, idle_pictures(avatar, indices))
        self._known.update(zip(new, openings(finished, self._subject.finder), strict=True))
        return np.array([self._known[key] for key in keys], np.float32)
