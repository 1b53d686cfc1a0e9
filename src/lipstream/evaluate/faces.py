"""Pictures in, the openings of the mouths in them out; and whose they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from lipstream.avatar.bundle import Bundle, open_bundle
from lipstream.errors import AvatarError
from lipstream.pipeline.avatar import Avatar, open_avatar
from lipstream.render.mask import read_mask
from lipstream.types import Float32, Image
from lipstream.video.lips import opening


class FaceFinder(Protocol):
    """What finds a face's points; `video.landmarks.FaceLandmarker` is one."""

    def detect(self, image: Image) -> Float32 | None:
        """The 468 points of the largest face, `[468, 3]` float32 in pixels; None where there is no face."""
        ...


class Progress(Protocol):
    """Told how far a measurement is."""

    def __call__(self, group: str, done: int, total: int) -> None:
        """`done` of `total` steps of the group of figures are finished."""
        ...


@dataclass(frozen=True, eq=False)
class Subject:
    """An avatar that is measured, and what finds its face."""

    avatar: Avatar
    """The avatar, ready to speak."""
    bundle: Bundle
    """Its files."""
    weight: Float32
    """Its mask, `[320, 320]` float32 in 0..1, 1 where the picture is generated."""
    finder: FaceFinder
    """The face model that never saw our training."""


def load_subject(
    path: Path, speech_folder: Path, finder: FaceFinder, *, engine: str = "auto", quality: str = "auto"
) -> Subject:
    """Load an avatar for measuring; arguments and errors are those of `open_avatar`, `finder` finds its face.

    Raises:
        AvatarError: also for an imported avatar, which has neither codes nor a mask to measure.
    """
    bundle = open_bundle(path)
    if bundle.manifest.driver != "code":
        raise AvatarError(
            f"Avatar {bundle.manifest.name} was imported and is driven by speech features; only avatars driven by "
            "articulation are measured, such as iris."
        )
    weight = read_mask(bundle.mask_path.read_bytes()).generated.astype(np.float32) / np.float32(255.0)
    avatar = open_avatar(path, speech_folder, engine=engine, quality=quality)
    return Subject(avatar, bundle, weight, finder)


def openings(images: Iterable[Image], finder: FaceFinder) -> Float32:
    """Measure the opening of the mouth in every picture.

    Returns:
        `[n]` float32, shares of the face's height; NaN where no face is found.
    """
    measured = []
    for image in images:
        points = finder.detect(image)
        measured.append(np.nan if points is None else float(opening(points)))
    return np.array(measured, np.float32)
