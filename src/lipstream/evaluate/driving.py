"""True crops in, driving pictures whose mouth talks out; codes over the driving clip in, their openings out."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from lipstream.evaluate.faces import Subject, openings
from lipstream.evaluate.speaking import heard_codes, idle_pictures, speak_over
from lipstream.evaluate.truth import read_truth, truth_crops
from lipstream.pipeline.avatar import Avatar
from lipstream.render.crop import paste
from lipstream.render.mask import mask_of
from lipstream.types import CROP_SIZE, Codes, Float32, Image

MOST_FRAMES = 250  # of truth that one measure takes: ten seconds tell enough
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
