"""The vocabulary every layer shares: names, shapes and rates of the arrays that travel through lipstream."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
OPUS_RATE_HZ = 48_000  # of all that is decoded from Opus, and of its clock in RTP
FRAME_RATE_HZ = 25
FRAME_SAMPLES = 640  # SAMPLE_RATE_HZ / FRAME_RATE_HZ
FRAME_MS = 40
MEL_BINS = 80
MEL_HOP_SAMPLES = 200  # 80 mel rows a second
WINDOW_ROWS = 16  # mel rows of one speech window, 187.5 ms
FEATURE_SIZE = 512
CONTEXT_ROWS = 16  # feature rows around a frame
CODE_SIZE = 12
CROP_SIZE = 320

ARTICULATION = (
    "jaw",
    "lip_gap",
    "lip_width",
    "protrusion",
    "upper_lip",
    "lower_lip",
    "lip_press",
    "lip_tuck",
    "tongue_front",
    "teeth_gap",
    "corner_left",
    "corner_right",
)
"""Dimensions of articulation/1, in the order of a code: each 0 at a face's rest and 1 at its 98th percentile.
`lip_width` is negative where the lips are narrower than at rest; the others may dip slightly below 0."""

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]

Pcm = Float32
"""Mono speech, `[L]` float32 in -1..1 at SAMPLE_RATE_HZ."""
Mel = Float32
"""Log-mel rows, `[T, 80]` float32 in -4..4, 80 rows a second."""
Windows = Float32
"""Speech windows, `[n, 80, 16]` float32: 16 mel rows each (mel x time), 25 windows a second."""
Features = Float32
"""Speech encoder output, `[n, 512]` float32, one row a window."""
Contexts = Float32
"""The 16 feature rows around each frame as the reference reshapes them, `[n, 32, 16, 16]` float32."""
Codes = Float32
"""articulation/1, `[n, 12]` float32, one row a frame."""
Visual = Float32
"""Generator input, `[b, 6, 320, 320]` float32 BGR in 0..1: reference crop, then masked crop."""
Patches = Float32
"""Generator output, `[b, 3, 320, 320]` float32 BGR in 0..1."""
Image = UInt8
"""A picture, `HWC` uint8 BGR."""
Affine = Float32
"""A frame-to-crop transform, `[2, 3]` float32, pixels of the frame to pixels of the 320 x 320 crop."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One finished frame of the person with the sound that belongs to it."""

    index: int
    """Frame number from 0 at 25 frames a second."""
    image: Image
    """The picture, `HWC` uint8 BGR."""
    audio: Pcm
    """The frame's 640 samples, `[640]` float32 at 16 kHz, zero-padded at the end."""


class Engine(Protocol):
    """A loaded network: arrays in, arrays out."""

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        """Run a batch. Names and shapes are those of docs/bundle-format.md: `mel`, `features`, ..."""
        ...
