"""Rendered pictures in, the packed files that are kept out: `python -m studio.pack WORK KEPT AVATAR`.

KEPT gets `crops.mp4`, near-lossless crops of 320 x 320, with `crops.npz` beside them: articulations, driving pictures,
lip landmarks. AVATAR, a bundle's folder, gets what is seen of her, `frames.mp4`, `crops.npz`, `mask.png`,
`references.png`, `poster.jpg`, and the held-out sentences that she is measured with: `heldout.mp4`, the pictures of the
first, `heldout.flac` and `heldout.npz`, sound, codes and phones of all.
From these anyone can train the generator again without rendering.
"""

import argparse
from pathlib import Path

import av
import cv2
import numpy as np

from lipstream.train.footage import FRAMES_CRF, write_stills, write_video
from lipstream.train.preprocess.mask import FEATHER_PIXELS, feathered
from lipstream.types import CROP_SIZE, SAMPLE_RATE_HZ, Affine, Image
from lipstream.video.colour import to_video_frame
from studio.idle import MOUTH

REFERENCES = 5
CROPS_CRF, HELD_OUT_CRF = 11, 13  # the last leaves 43 dB, mostly the renderer's own noise
WHOLE_GOP = 250  # the held-out sentences are read from the start, and all of them must fit into 3 MB
CHANGED = 8.0  # levels; where articulations change a crop by more, it belongs to the mask


def whole_colours(image: Image) -> av.VideoFrame:
    """A yuv444p frame, which keeps the colours of lips and teeth apart to the pixel."""
    return av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv444p")


def read_image(path: Path) -> Image:
    """A rendered PNG, `HWC` uint8 BGR."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)


def sharp_cut(image: Image, transform: Affine) -> Image:
    """The crop of a frame; sharper than the renderer's bilinear one, for these pixels are what will be shown."""
    size = (CROP_SIZE, CROP_SIZE)
    warped = cv2.warpAffine(image, transform, size, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def spoken_crops(
    folder: Path, frames: list[Image], transforms: np.ndarray
) -> tuple[list[Image], dict[str, np.ndarray]]:
    """Mouths set into their idle frames and cut out; `codes`, `frame_index`, `lips_px` and `mouth` of all."""
    crops, rows = [], []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as row:
            rows.append({name: row[name] for name in row.files})
        x0, y0, x1, y1 = rows[-1]["box"]
        index = int(rows[-1]["frame_index"])
        frame = frames[index].copy()
        frame[y0:y1, x0:x1] = read_image(path.with_suffix(".png"))
        crops.append(sharp_cut(frame, transforms[index]))
    lips = np.stack([row["lips_px"] for row in rows]).astype(np.float32)
    codes = np.stack([row["code"] for row in rows])
    arrays = {"codes": codes, "lips_px": lips.astype(np.float16), "mouth": lips[:, :2].mean(1)}
    return crops, arrays | {"frame_index": np.array([int(row["frame_index"]) for row in rows], np.int32)}


def mask(crops: list[Image], rest: list[Image], frame_index: np.ndarray) -> np.ndarray:
    """Where articulations change the crop, convex and feathered, `[320, 320]` uint8."""
    most = np.zeros((CROP_SIZE, CROP_SIZE), np.float32)
    for crop, index in zip(crops, frame_index, strict=True):
        change = cv2.absdiff(crop, rest[int(index)]).astype(np.float32).mean(2)
        most = np.maximum(most, cv2.GaussianBlur(change, (0, 0), 3))
    points = cv2.findNonZero((most > CHANGED).astype(np.uint8))
    area = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
    cv2.fillConvexPoly(area, cv2.convexHull(points), 255)
    return feathered(cv2.dilate(area, None, iterations=FEATHER_PIXELS), MOUTH)


def references(poses: np.ndarray) -> list[int]:
    """Driving pictures whose poses cover all others best (greedy k-centre), the one nearest to the mean first."""
    chosen = [int(np.linalg.norm(poses - poses.mean(0), axis=1).argmin())]
    while len(chosen) < REFERENCES:
        chosen.append(int(np.linalg.norm(poses[:, None] - poses[chosen], axis=2).min(1).argmax()))
    return chosen


def pack_avatar(avatar: Path, frames: list[Image], transforms: np.ndarray, poses: np.ndarray, area: np.ndarray) -> None:
    """Write what is seen of her."""
    chosen = references(poses)
    write_video(avatar / "frames.mp4", map(to_video_frame, frames), FRAMES_CRF)
    np.savez_compressed(avatar / "crops.npz", transforms=transforms, poses=poses, references=chosen)
    write_stills(avatar, area, [sharp_cut(frames[i], transforms[i]) for i in chosen], frames[0])


def pack_training(work: Path, kept: Path, frames: list[Image], transforms: np.ndarray) -> np.ndarray:
    """Write the crops to train on; returns the mask that they give."""
    rest = [sharp_cut(frame, transform) for frame, transform in zip(frames, transforms, strict=True)]
    crops, arrays = spoken_crops(work / "crops", frames, transforms)
    write_video(kept / "crops.mp4", map(whole_colours, crops), CROPS_CRF)
    np.savez_compressed(kept / "crops.npz", **arrays)
    print(f"{len(crops)} crops", flush=True)
    return mask(crops, rest, arrays["frame_index"])


def pack_held_out(work: Path, avatar: Path, frames: list[Image], transforms: np.ndarray) -> None:
    """Write the held-out sentences: pictures of the first, sound, codes and phones of all."""
    crops, seen = spoken_crops(work / "heldout", frames, transforms)
    with np.load(work / "spoken.npz") as spoken:
        arrays = {name: spoken[name] for name in spoken.files}
    if not np.array_equal(arrays["codes"][: len(crops)], seen["codes"]):
        raise SystemExit(f"{work / 'heldout'} shows other codes than {work / 'spoken.npz'}: render it again")
    lips = seen["lips_px"].astype(np.float32)
    arrays["opening_px"] = lips[:, 1, 1] - lips[:, 0, 1]
    write_video(avatar / "heldout.mp4", map(whole_colours, crops), HELD_OUT_CRF, WHOLE_GOP)
    write_sound(avatar / "heldout.flac", arrays.pop("pcm"))
    np.savez_compressed(avatar / "heldout.npz", **arrays)
    print(f"{len(crops)} held-out frames", flush=True)


def write_sound(path: Path, pcm: np.ndarray) -> None:
    """Write `[L]` int16 at 16 kHz as FLAC, which gives them back to the bit."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE_HZ, layout="mono", format="s16")
        stream.options = {"compression_level": "12"}
        sound = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        sound.sample_rate = SAMPLE_RATE_HZ
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))


def main() -> None:
    """Pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("work", "kept", "avatar"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    for folder in (options.kept, options.avatar):
        folder.mkdir(parents=True, exist_ok=True)
    with np.load(options.work / "idle/loop.npz") as loop:
        transforms, poses = loop["transforms"], loop["poses"]
    frames = [read_image(options.work / f"idle/{i:05d}.png") for i in range(len(poses))]
    area = pack_training(options.work, options.kept, frames, transforms)
    pack_held_out(options.work, options.avatar, frames, transforms)
    pack_avatar(options.avatar, frames, transforms, poses, area)


if __name__ == "__main__":
    main()
