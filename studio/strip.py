"""A video of iris in, the picture of some of her frames out: `python -m studio.strip VIDEO OUT.jpg [FIRST]`."""

import argparse
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from lipstream.video.pictures import pictures

FRAMES, EVERY = 8, 3
PART = (slice(230, 660), slice(170, 550))  # her face
WIDTH = 240


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("first", type=int, nargs="?", default=12)
    options = parser.parse_args()
    faces = [image[PART] for image in islice(pictures(options.video), options.first, None, EVERY)][:FRAMES]
    size = (WIDTH, WIDTH * faces[0].shape[0] // faces[0].shape[1])
    row = np.hstack([cv2.resize(face, size, interpolation=cv2.INTER_AREA) for face in faces])
    cv2.imwrite(str(options.out), row, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
