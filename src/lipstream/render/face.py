"""Driving frames and articulation codes in, finished frames of the speaking face out."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lipstream.avatar.bundle import Bundle
from lipstream.render.crop import WHOLE_CROP, Box, bounds, cut, paste
from lipstream.render.mask import Mask, hide, read_mask
from lipstream.render.outline import inside
from lipstream.render.reference import nearest, read_references
from lipstream.types import CROP_SIZE, Affine, Codes, Engine, Float32, Image, Patches, Visual


class FaceRenderer:
    """One avatar's face: what its generator sees, what it paints, and where that goes.

    Holds no state between calls, so several threads may use it; `index` is always the number of a picture of the
    driving clip, taken modulo the clip's length.
    """

    def __init__(self, bundle: Bundle, generator: Engine) -> None:
        """Read the mask and the references.

        Args:
            bundle: the avatar.
            generator: its generator, `visual` [b,6,320,320] and `code` [b,12] to `image` [b,3,320,320].

        Raises:
            AvatarError: mask or references are damaged.
        """
        reference_poses = np.array(bundle.manifest.references.poses, np.float32)
        crops = read_references(bundle.references_path.read_bytes(), len(reference_poses))
        self._references = [_planes(crop) for crop in crops]
        self._chosen = nearest(bundle.poses, reference_poses)
        self._transforms = bundle.transforms
        self._outlines = bundle.outlines
        self._mask = read_mask(bundle.mask_path.read_bytes())
        self._generator = generator
        self._idle = bundle.manifest.idle
        self._bundle = bundle

    def over(self, transforms: Float32, poses: Float32, outlines: Float32) -> "FaceRenderer":
        """The same face over other pictures of the person than the driving clip's.

        Args:
            transforms: where the face lies in each, `[n, 2, 3]` float32, picture to crop.
            poses: of the head in each, `[n, 3]` float32 degrees.
            outlines: inside which the mouth of each is painted, `[n, k, 2]` float32 in pixels of the crop.

        Returns:
            A face whose `index` is the number of one of them.
        """
        bundle = replace(self._bundle, transforms=transforms, poses=poses, outlines=outlines)
        return FaceRenderer(bundle, self._generator)

    def painted(self, codes: Codes) -> NDArray[np.bool_]:
        """Which frames pass the generator: all, or with `idle: raw` those whose mouth is not at rest.

        Args:
            codes: articulation/1, `[b, 12]` float32; the closed mouth at rest is all zeros.

        Returns:
            `[b]` bool.
        """
        speaking: NDArray[np.bool_] = np.asarray(codes.any(axis=1))
        return speaking if self._idle == "raw" else np.ones_like(speaking)

    def visual(self, images: Sequence[Image], indices: Sequence[int]) -> Visual:
        """Make the generator's view of some driving frames.

        Args:
            images: the frames, `HWC` uint8 BGR.
            indices: their numbers in the driving clip.

        Returns:
            `[b, 6, 320, 320]` float32 BGR in 0..1: the reference crop, then the masked crop.
        """
        crops = [self.crop(image, index) for image, index in zip(images, indices, strict=True)]
        return self.visual_of_crops(crops, indices)

    def crop(self, image: Image, index: int) -> Image:
        """Cut the face out of a driving frame, `[320, 320, 3]` uint8 BGR; `index` is its number."""
        return cut(image, self._transform(index))

    def visual_of_sent(self, sent: Visual, indices: Sequence[int]) -> Visual:
        """Make the generator's view of what a client sends in place of `visual`.

        Args:
            sent: `[b, 6, 320, 320]` float32 BGR in 0..1; the first three planes, and what the mask covers of the
                others, are not looked at.
            indices: numbers in the driving clip, whose poses choose the references.

        Returns:
            As `visual` does.
        """
        return self.visual_of_crops([crop_of(frame) for frame in sent], indices)

    def visual_of_crops(self, crops: Sequence[Image], indices: Sequence[int]) -> Visual:
        """Make the generator's view of driving crops that somebody else has cut.

        Args:
            crops: `[320, 320, 3]` uint8 BGR; what the mask covers is not looked at.
            indices: numbers in the driving clip, whose poses choose the references.

        Returns:
            As `visual` does.
        """
        visual = np.empty((len(crops), 6, CROP_SIZE, CROP_SIZE), np.float32)
        for row, crop, index in zip(visual, crops, indices, strict=True):
            row[:3] = self._references[self._chosen[index % len(self._transforms)]]
            _planes(hide(crop, self._mask), out=row[3:])
        return visual

    def generate(self, visual: Visual, codes: Codes) -> Patches:
        """Paint the hidden part of the crops.

        Args:
            visual: from `visual`, `[b, 6, 320, 320]`.
            codes: articulation/1, `[b, 12]` float32.

        Returns:
            `[b, 3, 320, 320]` float32 BGR in 0..1.
        """
        return self._generator.run({"visual": visual, "code": codes})["image"]

    def compose(self, image: Image, index: int, patch: Float32, share: float = 1.0) -> None:
        """Blend a generated crop into its driving frame, in place; pixels outside the mask stay to the bit.

        Args:
            image: the driving frame, `HWC` uint8 BGR.
            index: its number in the driving clip.
            patch: `[3, 320, 320]` float32 BGR in 0..1.
            share: how much of it shows, 0..1; less than all where a face is about to be lost.
        """
        # OpenCV's quick conversion to uint8 saturates above, but mirrors what is below zero.
        picture = cv2.merge([cv2.convertScaleAbs(plane, alpha=255) for plane in np.maximum(patch, 0)])
        paste(image, picture, self._shown(index, share), self._transform(index))

    def bounds(self, image: Image, index: int) -> Box:
        """The axis-aligned box of a frame that the crop covers: left, top, right, bottom (half-open) in pixels."""
        return bounds(self._transform(index), WHOLE_CROP, image.shape[1], image.shape[0])

    def _shown(self, index: int, share: float) -> Mask:
        """The mask, as far as it lies inside the picture's outline."""
        weight = self._mask.generated
        if self._outlines is not None:
            shown = inside(self._outlines[index % len(self._outlines)])
            weight = np.asarray(cv2.multiply(weight, shown, scale=1 / 255), np.uint8)
        if share < 1.0:
            weight = np.asarray(cv2.convertScaleAbs(weight, alpha=share), np.uint8)
        return replace(self._mask, generated=weight)

    def _transform(self, index: int) -> Affine:
        transform: Affine = self._transforms[index % len(self._transforms)]
        return transform


def crop_of(frame: Float32) -> Image:
    """The masked half of a generator's view `[6, 320, 320]` in 0..1 as a crop, `[320, 320, 3]` uint8 BGR."""
    return np.rint(frame[3:] * 255).astype(np.uint8).transpose(1, 2, 0).copy()


def _planes(crop: Image, out: Float32 | None = None) -> Float32:
    """`[320, 320, 3]` uint8 to `[3, 320, 320]` float32 in 0..1."""
    planes = np.empty((3, CROP_SIZE, CROP_SIZE), np.float32) if out is None else out
    for plane, channel in zip(planes, cv2.split(crop), strict=True):  # three times faster than transposing
        np.multiply(channel, np.float32(1 / 255), out=plane)
    return planes
