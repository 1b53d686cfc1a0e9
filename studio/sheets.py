"""The built-in avatar in, the pictures of the README and of docs/iris.md out: `python -m studio.sheets docs`.

She says examples/hello.wav, rests for a second, and says it again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from lipstream import load_avatar, render
from lipstream.audio.read import read_pcm
from lipstream.types import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32, Frame, Image

SOUND = Path(__file__).parents[1] / "examples" / "hello.wav"
FACE = (slice(230, 660), slice(170, 550))
MOUTH = (slice(480, 600), slice(280, 460))
REST_S = 1.0
WIDTH = 190


def row(pictures: Sequence[Image], captions: Sequence[str] = ()) -> Image:
    """Pictures of one size side by side, each with its caption below it."""
    whole = np.hstack(list(pictures))
    if not captions:
        return whole
    strip = np.full((22, whole.shape[1], 3), 255, np.uint8)
    for i, caption in enumerate(captions):
        place = (i * pictures[0].shape[1] + 4, 16)
        cv2.putText(strip, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
    return np.vstack([whole, strip])


def face(frame: Frame) -> Image:
    """Her face, WIDTH pixels wide."""
    part = frame.image[FACE]
    size = (WIDTH, WIDTH * part.shape[0] // part.shape[1])
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)


def faces(frames: Sequence[Frame]) -> Image:
    """One row of frames with the time of each."""
    return row([face(frame) for frame in frames], [f"{frame.index * FRAME_MS / 1000:.2f} s" for frame in frames])


def darkness(frame: Frame) -> float:
    """How dark the mouth is: the inside shows where it is open."""
    return -float(np.sort(frame.image[MOUTH].mean(axis=2).ravel())[:400].mean())


def mouths(frames: Sequence[Frame]) -> Image:
    """Six mouths from the most shut to the most open, four times as large."""
    ordered = sorted(frames, key=darkness)
    chosen = [ordered[round(part * (len(ordered) - 1))] for part in (0.02, 0.3, 0.55, 0.75, 0.9, 0.995)]
    large = [cv2.resize(one.image[MOUTH], None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC) for one in chosen]
    pictures = [np.asarray(picture, np.uint8) for picture in large]
    return np.vstack([row(pictures[:3]), row(pictures[3:])])


def write(path: Path, picture: Image) -> None:
    """Write a JPEG."""
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(path, picture.shape[1], "x", picture.shape[0])


def poses(frames: Sequence[Frame], yaws: Float32) -> Image:
    """Three whole pictures: turned the most to one side, straight, and the most to the other."""
    by_yaw = sorted(frames, key=lambda frame: yaws[frame.index % len(yaws)])
    chosen = [by_yaw[0], by_yaw[len(by_yaw) // 2], by_yaw[-1]]
    small = [cv2.resize(one.image, (480, 480), interpolation=cv2.INTER_AREA) for one in chosen]
    return row([np.asarray(picture, np.uint8) for picture in small])


def main() -> None:
    """Render and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("docs", type=Path)
    out = parser.parse_args().docs
    speech = read_pcm(SOUND)
    sound = np.concatenate([speech, np.zeros(int(REST_S * SAMPLE_RATE_HZ), np.float32), speech])
    avatar = load_avatar("iris")
    frames = list(render(sound, avatar))
    spoken, end = len(speech) // FRAME_SAMPLES, len(speech) // FRAME_SAMPLES + round(REST_S * 25)
    with np.load(Path(__file__).parents[1] / "src/lipstream/assets/iris/crops.npz") as arrays:
        yaws = arrays["poses"][:, 0]
    (out / "iris").mkdir(exist_ok=True)
    write(out / "iris.jpg", row([face(frame) for frame in frames[10:34:3]]))
    write(out / "iris" / "sentence.jpg", np.vstack([faces(frames[i : i + 16 : 2]) for i in (8, 24, 40)]))
    write(out / "iris" / "pause.jpg", np.vstack([faces(frames[i : i + 16 : 2]) for i in (spoken - 8, end - 8)]))
    write(out / "iris" / "poses.jpg", poses(frames, yaws))
    write(out / "iris" / "mouth.jpg", mouths(frames[:spoken]))


if __name__ == "__main__":
    main()
