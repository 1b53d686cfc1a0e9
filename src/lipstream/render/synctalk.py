"""Driving frames and what a generator of SyncTalk_2D paints in, finished frames out: cut and pasted as it does it.

Every picture is its own reference; nothing is turned, smoothed or feathered. To the bit what its inference makes of the
same pictures and the same output of the network.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lipstream.avatar.bundle import Bundle
from lipstream.avatar.rectangles import BORDER_PIXELS, STRETCHED_SIZE
from lipstream.errors import AvatarError
from lipstream.render.crop import Box
from lipstream.types import CROP_SIZE, Contexts, Engine, Float32, Image, Patches, Visual

_INNER = slice(BORDER_PIXELS, BORDER_PIXELS + CROP_SIZE)


class SyncTalkFace:
    """An imported avatar's face, with the methods of `FaceRenderer`; holds no state between calls."""

    def __init__(self, bundle: Bundle, generator: Engine) -> None:
        """Take what the manifest says.

        Args:
            bundle: an avatar whose driver is `features`.
            generator: its generator, `visual` [b,6,320,320] and `audio` [b,32,16,16] to `image` [b,3,320,320].

        Raises:
            AvatarError: it has another driver.
        """
        if bundle.rectangles is None or bundle.manifest.hidden is None:
            raise AvatarError(f"Avatar {bundle.manifest.name} has no rectangles; expected driver features.")
        self._rectangles = bundle.rectangles
        left, top, width, height = bundle.manifest.hidden
        self._hidden = (slice(top, top + height), slice(left, left + width))
        self._generator = generator

    def painted(self, contexts: Contexts) -> NDArray[np.bool_]:
        """Which frames pass the generator, `[b]` bool: all of them."""
        return np.ones(len(contexts), np.bool_)

    def visual(self, images: Sequence[Image], indices: Sequence[int]) -> Visual:
        """Make the generator's view of some driving frames.

        Args:
            images: the frames, `HWC` uint8 BGR.
            indices: their numbers in the driving clip.

        Returns:
            `[b, 6, 320, 320]` float32 BGR in 0..1: the crop, then the masked crop.
        """
        visual = np.empty((len(images), 6, CROP_SIZE, CROP_SIZE), np.float32)
        for row, image, index in zip(visual, images, indices, strict=True):
            crop = self.crop(image, index)
            for plane, channel in zip(row[:3], cv2.split(crop), strict=True):
                np.divide(channel, np.float32(255), out=plane)
            row[3:] = row[:3]
            row[(slice(3, None), *self._hidden)] = 0
        return visual

    def visual_of_sent(self, sent: Visual, indices: Sequence[int]) -> Visual:  # noqa: ARG002  as FaceRenderer's
        """What a client sends in place of `visual`, `[b, 6, 320, 320]`: the generator sees it as it is."""
        return sent

    def crop(self, image: Image, index: int) -> Image:
        """Cut the face out of a driving frame, `[320, 320, 3]` uint8 BGR; `index` is its number."""
        return np.ascontiguousarray(self._stretched(image, index)[_INNER, _INNER])

    def generate(self, visual: Visual, contexts: Contexts) -> Patches:
        """Paint the hidden part of the crops.

        Args:
            visual: from `visual`, `[b, 6, 320, 320]`.
            contexts: of speech features, `[b, 32, 16, 16]` float32.

        Returns:
            `[b, 3, 320, 320]` float32 BGR in 0..1.
        """
        return self._generator.run({"visual": visual, "audio": contexts})["image"]

    def compose(self, image: Image, index: int, patch: Float32) -> None:
        """Put a generated crop into its driving frame, in place.

        Args:
            image: the driving frame, `HWC` uint8 BGR.
            index: its number in the driving clip.
            patch: `[3, 320, 320]` float32 BGR in 0..1.
        """
        stretched = self._stretched(image, index)
        stretched[_INNER, _INNER] = np.clip(patch * np.float32(255), 0, 255).astype(np.uint8).transpose(1, 2, 0)
        left, top, right, bottom = self.bounds(image, index)
        size = (right - left, bottom - top)
        image[top:bottom, left:right] = cv2.resize(stretched, size, interpolation=cv2.INTER_CUBIC)

    def bounds(self, image: Image, index: int) -> Box:  # noqa: ARG002  as FaceRenderer's
        """The box of a frame that is stretched: left, top, right, bottom (half-open) in pixels."""
        left, top, right, bottom = map(int, self._rectangles[index % len(self._rectangles)])
        return left, top, right, bottom

    def _stretched(self, image: Image, index: int) -> Image:
        left, top, right, bottom = self.bounds(image, index)
        size = (STRETCHED_SIZE, STRETCHED_SIZE)
        return np.asarray(cv2.resize(image[top:bottom, left:right], size, interpolation=cv2.INTER_CUBIC), np.uint8)
