"""A folder of rendered pictures whose articulation is known in, its clips out.

A folder of truth holds `heldout.mp4`, crops of 320 x 320 in the order of the frames, and `heldout.npz`: `pcm` int16 at
16 kHz, `codes` [n, 12], `frame_index` [n] (picture of the driving clip), `opening_px` [n] (inner lips, crop pixels),
and where each clip begins: `clip_start` [m] in frames, `pcm_start` [m] in samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from lipstream.avatar.arrays import Array, read_npz
from lipstream.errors import InputError
from lipstream.rate import frames_of_samples
from lipstream.types import CODE_SIZE, CROP_SIZE, Codes, Float32, Image, Pcm
from lipstream.video.pictures import pictures

ARRAYS = "heldout.npz"
CROPS = "heldout.mp4"


@dataclass(frozen=True, slots=True)
class TruthClip:
    """One sentence whose lips are known in every frame."""

    pcm: Pcm
    """Its sound, `[L]` float32 in -1..1 at 16 kHz."""
    codes: Codes
    """Its articulation, `[n, 12]` float32, n = ceil(L / 640)."""
    frame_index: list[int]
    """Pictures of the driving clip that it was rendered over, n of them."""
    opening_px: Float32
    """Distance of the inner lips as it can be seen, `[n]` float32 in crop pixels from 0."""


def read_truth(folder: Path) -> list[TruthClip]:
    """Read the clips of a folder of truth.

    Raises:
        AvatarError: the arrays are damaged.
        InputError: they do not fit together.
    """
    arrays = read_npz(folder / ARRAYS)
    missing = {"pcm", "codes", "frame_index", "opening_px", "clip_start", "pcm_start"} - arrays.keys()
    if missing:
        raise InputError(f"{folder / ARRAYS} lacks {', '.join(sorted(missing))}: build it again")
    frames = _pieces(arrays["clip_start"], len(arrays["codes"]))
    samples = _pieces(arrays["pcm_start"], len(arrays["pcm"]))
    clips = [_clip(arrays, here, there) for here, there in zip(frames, samples, strict=True)]
    for clip in clips:
        if clip.codes.shape != (frames_of_samples(len(clip.pcm)), CODE_SIZE):
            raise InputError(
                f"{folder / ARRAYS}: a clip of {len(clip.pcm)} samples has codes {list(clip.codes.shape)}, "
                f"expected [{frames_of_samples(len(clip.pcm))}, {CODE_SIZE}]: build it again"
            )
    return clips


def _pieces(starts: Array, total: int) -> list[slice]:
    edges = [*(int(start) for start in starts.tolist()), total]
    return [slice(first, last) for first, last in pairwise(edges)]


def _clip(arrays: dict[str, Array], frames: slice, samples: slice) -> TruthClip:
    return TruthClip(
        pcm=arrays["pcm"][samples].astype(np.float32) / np.float32(32768.0),
        codes=arrays["codes"][frames].astype(np.float32),
        frame_index=[int(index) for index in arrays["frame_index"][frames].tolist()],
        opening_px=np.maximum(arrays["opening_px"][frames], 0).astype(np.float32),  # sealed lips overlap in the truth
    )


def truth_crops(folder: Path, clips: list[TruthClip]) -> Iterator[list[Image]]:
    """The true crops of each clip, `[320, 320, 3]` uint8 BGR each, clip after clip.

    Raises:
        MediaError: the video cannot be decoded.
        InputError: it does not hold a crop for every frame.
    """
    crops = pictures(folder / CROPS)
    for clip in clips:
        taken = list(islice(crops, len(clip.codes)))
        if len(taken) != len(clip.codes) or any(crop.shape != (CROP_SIZE, CROP_SIZE, 3) for crop in taken):
            raise InputError(f"{folder / CROPS} does not hold a 320 x 320 crop for every frame: build it again")
        yield taken
