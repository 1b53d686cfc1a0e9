"""Clips of known truth in, what the avatar makes of them out: heard from the sound, and told the known codes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipstream.evaluate.faces import Progress, Subject
from lipstream.evaluate.lips import LipCurves, measure_lips
from lipstream.evaluate.measures import psnr_db, sharpness
from lipstream.evaluate.repeatability import Repeated, repeat
from lipstream.evaluate.speaking import heard_codes, paint
from lipstream.evaluate.truth import TruthClip, read_truth, truth_crops
from lipstream.pipeline.avatar import Avatar
from lipstream.types import Codes, Float32, Image

REPEATED_EVERY = 8
"""One true picture of so many is measured more than once."""


def true_pictures(avatar: Avatar, crops: Sequence[Image], indices: Sequence[int]) -> Iterator[Image]:
    """Set true crops, `[320, 320, 3]` uint8 BGR, into their pictures of the driving clip, as painted ones are."""
    for crop, index in zip(crops, indices, strict=True):
        image = avatar.clip.image(index)
        avatar.face.compose(image, index, crop.transpose(2, 0, 1).astype(np.float32) / np.float32(255.0))
        yield image


@dataclass(frozen=True, slots=True)
class Said:
    """One clip and the codes that the avatar heard in its sound."""

    clip: TruthClip
    """What is known."""
    codes: Codes
    """What was heard, `[n, 12]` float32."""


@dataclass(frozen=True, slots=True)
class TruthRun:
    """One rendered clip as the avatar painted it."""

    clip: TruthClip
    """What is known."""
    found: LipCurves
    """The lips on the finished pictures."""
    true: LipCurves
    """The lips on the true pictures, by the same face model."""
    psnr_db: Float32
    """Of the mouth region, `[n]` float32."""
    sharpness: Float32
    """Share of the truth's sharpness in the mouth region, `[n]` float32."""


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """All clips of a folder of truth."""

    said: tuple[Said, ...]
    """Every clip, with or without pictures."""
    heard: tuple[TruthRun, ...]
    """The rendered clips, painted with the codes that were heard."""
    told: tuple[TruthRun, ...]
    """The rendered clips, painted with the known codes."""
    repeated: tuple[Repeated, ...]
    """Some true pictures of each, measured more than once."""


def run_clip(subject: Subject, clip: TruthClip, codes: Codes, crops: Sequence[Image], true: LipCurves) -> TruthRun:
    """Paint one rendered clip with some codes and measure every frame against its true crop.

    Args:
        subject: the avatar.
        clip: the clip, n frames of it.
        codes: what to paint, `[n, 12]` float32.
        crops: the true crops, `[320, 320, 3]` uint8 BGR, n of them.
        true: the lips on the true pictures.
    """
    psnrs_db: list[float] = []
    shares: list[float] = []

    def pictures() -> Iterator[Image]:
        for one, crop in zip(paint(subject, codes, clip.frame_index), crops, strict=True):
            psnrs_db.append(psnr_db(one.crop, crop, subject.weight))
            shares.append(sharpness(one.crop, subject.weight) / max(sharpness(crop, subject.weight), 1e-6))
            yield one.image

    found = measure_lips(pictures(), subject.finder)
    return TruthRun(clip, found, true, np.array(psnrs_db, np.float32), np.array(shares, np.float32))


def run_truth(subject: Subject, folder: Path, progress: Progress) -> Reconstruction:
    """Hear every clip of a folder of truth, and paint the rendered ones as heard and as told by their known codes.

    Raises:
        AvatarError: the arrays are damaged.
        InputError: arrays, sound and pictures do not fit together; MediaError: one of them cannot be decoded.
    """
    clips = read_truth(folder)
    said = tuple(Said(clip, heard_codes(subject.avatar, clip.pcm)) for clip in clips)
    rendered = [one for one in said if one.clip.rendered]
    heard, told, repeated = [], [], []
    crops_of_clips = truth_crops(folder, [one.clip for one in rendered])
    for done, (one, crops) in enumerate(zip(rendered, crops_of_clips, strict=True)):
        progress("truth", done, len(rendered))
        indices = one.clip.frame_index
        true = measure_lips(true_pictures(subject.avatar, crops, indices), subject.finder)
        some = true_pictures(subject.avatar, crops[::REPEATED_EVERY], indices[::REPEATED_EVERY])
        repeated.append(repeat(some, subject.finder))
        heard.append(run_clip(subject, one.clip, one.codes, crops, true))
        told.append(run_clip(subject, one.clip, one.clip.codes, crops, true))
    progress("truth", len(rendered), len(rendered))
    return Reconstruction(said, tuple(heard), tuple(told), tuple(repeated))
