"""A folder of speech whose articulation is known in, its clips out: the first with rendered pictures.

A folder of truth holds `heldout.flac`, the sound of all clips one after the other, mono at 16 kHz; `heldout.mp4`, crops
of 320 x 320 of the first clips; and `heldout.npz`:

- `codes` [n, 12] and `frame_index` [n] (picture of the driving clip), of all frames;
- `opening_px` [r] (inner lips, crop pixels), of the frames that are rendered: the first, whole clips;
- where each clip begins: `clip_start` [m] in frames, `pcm_start` [m] in samples, `phone_first` [m] in phones;
- `phone_symbol` [p], `phone_start_ms` [p], `phone_end_ms` [p], times from the start of the phone's clip.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from lipstream.audio.read import read_pcm
from lipstream.avatar.arrays import Array, read_npz
from lipstream.errors import InputError
from lipstream.evaluate.phones import SpokenPhone
from lipstream.rate import frames_of_samples
from lipstream.types import CODE_SIZE, CROP_SIZE, Codes, Float32, Image, Pcm
from lipstream.video.pictures import pictures

ARRAYS = "heldout.npz"
CROPS = "heldout.mp4"
SOUND = "heldout.flac"
_PHONES = ("phone_symbol", "phone_start_ms", "phone_end_ms")
_STARTS = ("clip_start", "pcm_start", "phone_first")
_NEEDED = {"codes", "frame_index", "opening_px", *_PHONES, *_STARTS}


@dataclass(frozen=True, slots=True)
class TruthClip:
    """One sentence whose lips are known in every frame."""

    pcm: Pcm
    """Its sound, `[L]` float32 in -1..1 at 16 kHz."""
    codes: Codes
    """Its articulation, `[n, 12]` float32, n = ceil(L / 640)."""
    phones: tuple[SpokenPhone, ...]
    """Its phones, silences included."""
    frame_index: list[int]
    """Pictures of the driving clip that it belongs over, n of them."""
    opening_px: Float32
    """Distance of the inner lips as it can be seen, `[n]` float32 in crop pixels from 0; `[0]` without pictures."""

    @property
    def rendered(self) -> bool:
        """Whether its true pictures are known."""
        return len(self.opening_px) > 0


def read_truth(folder: Path) -> list[TruthClip]:
    """Read the clips of a folder of truth.

    Raises:
        AvatarError: the arrays are damaged.
        InputError: they do not fit together; MediaError: the sound cannot be decoded.
    """
    arrays = read_npz(folder / ARRAYS)
    missing = _NEEDED - arrays.keys()
    if missing:
        raise InputError(f"{folder / ARRAYS} lacks {', '.join(sorted(missing))}: build it again")
    pcm = read_pcm(folder / SOUND)
    totals = (len(arrays["codes"]), len(pcm), len(arrays["phone_symbol"]))
    if not len(arrays["clip_start"]) or len({len(arrays[name]) for name in _STARTS}) > 1:
        raise InputError(f"{folder / ARRAYS} holds no clips, or not as many starts of each kind: build it again")
    pieces = [_pieces(arrays[name], total) for name, total in zip(_STARTS, totals, strict=True)]
    clips = [_clip(arrays, pcm[samples], frames, spoken) for frames, samples, spoken in zip(*pieces, strict=True)]
    for clip in clips:
        _check(clip, folder / ARRAYS)
    return clips


def _check(clip: TruthClip, path: Path) -> None:
    expected = frames_of_samples(len(clip.pcm))
    if clip.codes.shape != (expected, CODE_SIZE) or len(clip.frame_index) != expected:
        raise InputError(
            f"{path}: a clip of {len(clip.pcm)} samples has codes {list(clip.codes.shape)} and {len(clip.frame_index)} "
            f"pictures, expected [{expected}, {CODE_SIZE}] and {expected}: build it again"
        )
    if len(clip.opening_px) not in {0, expected}:
        raise InputError(f"{path}: opening_px ends inside a clip, expected whole clips: build it again")


def _pieces(starts: Array, total: int) -> list[slice]:
    edges = [*(int(start) for start in starts.tolist()), total]
    return [slice(first, last) for first, last in pairwise(edges)]


def _clip(arrays: dict[str, Array], pcm: Pcm, frames: slice, spoken: slice) -> TruthClip:
    phones = zip(*(arrays[name][spoken].tolist() for name in _PHONES), strict=True)
    return TruthClip(
        pcm=pcm,
        codes=arrays["codes"][frames].astype(np.float32),
        phones=tuple(SpokenPhone(str(symbol), float(start), float(end)) for symbol, start, end in phones),
        frame_index=[int(index) for index in arrays["frame_index"][frames].tolist()],
        opening_px=np.maximum(arrays["opening_px"][frames], 0).astype(np.float32),  # sealed lips overlap in the truth
    )


def truth_crops(folder: Path, clips: Sequence[TruthClip]) -> Iterator[list[Image]]:
    """The true crops of each rendered clip, `[320, 320, 3]` uint8 BGR each, clip after clip.

    Raises:
        MediaError: the video cannot be decoded.
        InputError: it does not hold a crop for every frame.
    """
    crops = pictures(folder / CROPS)
    for clip in clips:
        taken = list(islice(crops, len(clip.opening_px)))
        if len(taken) != len(clip.opening_px) or any(crop.shape != (CROP_SIZE, CROP_SIZE, 3) for crop in taken):
            raise InputError(f"{folder / CROPS} does not hold a 320 x 320 crop for every frame: build it again")
        yield taken
