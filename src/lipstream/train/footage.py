"""Pictures in, the files of a bundle that show them out: driving clip, mask, references, poster."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np

from lipstream.types import FRAME_RATE_HZ, Image, UInt8

FRAMES_CRF = 14
GOP = 12


def write_video(path: Path, frames: Iterator[av.VideoFrame], crf: int, gop: int = GOP) -> None:
    """Encode pictures at 25 a second as H.264, in closed groups of at most `gop`."""
    first = next(frames)
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(FRAME_RATE_HZ))
        stream.height, stream.width, stream.pix_fmt = first.height, first.width, first.format.name
        stream.codec_context.colorspace, stream.codec_context.color_range = first.colorspace, first.color_range
        stream.options = {"crf": str(crf), "preset": "slow", "x264-params": f"keyint={gop}:open-gop=0:bframes=2"}
        for i, frame in enumerate(chain([first], frames)):
            frame.pts, frame.time_base = i, Fraction(1, FRAME_RATE_HZ)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_stills(folder: Path, mask: UInt8, references: Iterable[Image], poster: Image) -> None:
    """Write `mask.png`, `references.png` (the crops stacked) and `poster.jpg`."""
    best = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    pictures = {
        "mask.png": cv2.imencode(".png", mask, best),
        "references.png": cv2.imencode(".png", np.concatenate(list(references)), best),
        "poster.jpg": cv2.imencode(".jpg", poster, [cv2.IMWRITE_JPEG_QUALITY, 90]),
    }
    for name, (_, encoded) in pictures.items():
        (folder / name).write_bytes(encoded.tobytes())  # says when the disk is full, which cv2.imwrite does not
