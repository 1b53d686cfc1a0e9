"""Clips of known truth in, how near the avatar's pictures come to them, heard and told, out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipstream.evaluate.faces import Progress, Subject, openings
from lipstream.evaluate.figures import Figure
from lipstream.evaluate.measures import correlation, lag_frames, psnr_db, sharpness
from lipstream.evaluate.truth import TruthClip, read_truth, truth_crops
from lipstream.pipeline.avatar import Avatar
from lipstream.types import ARTICULATION, Codes, Float32, Image, Pcm

BATCH_FRAMES = 8
LIP_GAP = ARTICULATION.index("lip_gap")


@dataclass(frozen=True, slots=True)
class Painted:
    """What the avatar painted for one truth frame."""

    image: Image
    """The finished picture, `HWC` uint8 BGR."""
    crop: Image
    """Its crop before it went back into the picture, `[320, 320, 3]` uint8 BGR."""


def heard_codes(avatar: Avatar, pcm: Pcm) -> Codes:
    """What the avatar hears in a whole signal `[L]` float32 at 16 kHz: `[ceil(L / 640), 12]` float32."""
    speech = avatar.speech()
    return np.concatenate([speech.push(pcm), speech.finish()])


def paint(subject: Subject, codes: Codes, indices: Sequence[int]) -> Iterator[Painted]:
    """Paint codes `[n, 12]` float32 over n chosen pictures of the driving clip."""
    avatar = subject.avatar
    for start in range(0, len(codes), BATCH_FRAMES):
        some = indices[start : start + BATCH_FRAMES]
        images = [avatar.clip.image(index) for index in some]
        visual = avatar.face.visual(images, some)
        patches = avatar.face.generate(visual, codes[start : start + BATCH_FRAMES])
        for image, index, masked, patch in zip(images, some, visual[:, 3:], patches, strict=True):
            avatar.face.compose(image, index, patch)
            crop = np.clip(np.rint((masked + patch * subject.weight) * 255.0), 0, 255).astype(np.uint8)
            yield Painted(image, np.ascontiguousarray(crop.transpose(1, 2, 0)))


@dataclass(frozen=True, slots=True)
class TruthRun:
    """One clip as the avatar painted it."""

    opening_px: Float32
    """The known opening, `[n]` float32."""
    opening: Float32
    """The opening measured on the finished pictures, `[n]` float32, shares of the face's height."""
    gap: Float32
    """`lip_gap` of the codes that drove it, `[n]` float32."""
    true_gap: Float32
    """`lip_gap` of the known codes, `[n]` float32."""
    psnr_db: Float32
    """Of the mouth region, `[n]` float32."""
    sharpness: Float32
    """Share of the truth's sharpness in the mouth region, `[n]` float32."""


def run_clip(subject: Subject, clip: TruthClip, codes: Codes, crops: Sequence[Image]) -> TruthRun:
    """Paint one clip with some codes and measure every frame against its true crop."""
    painted = list(paint(subject, codes, clip.frame_index))
    pairs = [(one.crop, crop) for one, crop in zip(painted, crops, strict=True)]
    return TruthRun(
        opening_px=clip.opening_px,
        opening=openings((one.image for one in painted), subject.finder),
        gap=codes[:, LIP_GAP],
        true_gap=clip.codes[:, LIP_GAP],
        psnr_db=np.array([psnr_db(found, true, subject.weight) for found, true in pairs], np.float32),
        sharpness=np.array([_sharpness_share(found, true, subject.weight) for found, true in pairs], np.float32),
    )


def _sharpness_share(found: Image, true: Image, weight: Float32) -> float:
    return sharpness(found, weight) / max(sharpness(true, weight), 1e-6)


def run_truth(subject: Subject, folder: Path, progress: Progress) -> tuple[list[TruthRun], list[TruthRun]]:
    """Paint every clip of a folder of truth, as heard from its sound and as told by its known codes.

    Raises:
        AvatarError: the arrays are damaged.
        InputError: arrays and pictures do not fit together; MediaError: the pictures cannot be decoded.
    """
    clips = read_truth(folder)
    heard, told = [], []
    for done, (clip, crops) in enumerate(zip(clips, truth_crops(folder, clips), strict=True)):
        progress("truth", done, len(clips))
        heard.append(run_clip(subject, clip, heard_codes(subject.avatar, clip.pcm), crops))
        told.append(run_clip(subject, clip, clip.codes, crops))
    progress("truth", len(clips), len(clips))
    return heard, told


def truth_figures(heard: Sequence[TruthRun], told: Sequence[TruthRun]) -> list[Figure]:
    """Figures over the frames of all clips: from the sound (with the bars), and from the known codes."""
    pairs = [(run.opening, run.opening_px) for run in heard]
    return [
        Figure("truth.opening_r", _r(heard), "from sound: opening on finished pictures against the truth"),
        Figure("truth.lag_frames", float(lag_frames(pairs)), "frames by which the lips come after the truth"),
        Figure("truth.mouth_psnr_db", _mean_psnr(heard), "from sound: mouth region against the truth, mean"),
        Figure("truth.code_r", _code_r(heard), "from sound: lip_gap heard against the known one"),
        Figure("truth.told_opening_r", _r(told), "from the known codes: opening on finished pictures"),
        Figure("truth.told_mouth_psnr_db", _mean_psnr(told), "from the known codes: mouth region, mean"),
        Figure("truth.sharpness_percent", _sharpness_percent(heard), "sharpness of the mouth, share of the truth's"),
    ]


def _all(curves: Sequence[Float32]) -> Float32:
    return np.concatenate(curves)


def _r(runs: Sequence[TruthRun]) -> float:
    return correlation(_all([run.opening for run in runs]), _all([run.opening_px for run in runs]))


def _code_r(runs: Sequence[TruthRun]) -> float:
    return correlation(_all([run.gap for run in runs]), _all([run.true_gap for run in runs]))


def _mean_psnr(runs: Sequence[TruthRun]) -> float:
    return float(np.mean(_all([run.psnr_db for run in runs])))


def _sharpness_percent(runs: Sequence[TruthRun]) -> float:
    return 100.0 * float(np.median(_all([run.sharpness for run in runs])))
