"""A dataset of SyncTalk_2D drawn for tests, of a few pictures, with networks of a few KB."""

import json
from pathlib import Path

import av
import cv2
import numpy as np

from lipstream.types import Image

NETWORKS = Path(__file__).parent / "assets" / "synctalk"
GENERATOR, ENCODER = NETWORKS / "generator.onnx", NETWORKS / "audio_encoder.onnx"
PICTURES, WIDTH, HEIGHT = 5, 160, 128


def landmarks(index: int) -> list[tuple[int, int]]:
    """110 points, of which three say where picture `index` is cut: 71 to 75 pixels wide."""
    points = [(80 + point % 7, 60 + point % 11) for point in range(110)]
    points[1] = (40 + index, 90)
    points[31] = (111 + 2 * index, 91)
    points[52] = (75, 30 - index)
    return points


def rectangle(index: int) -> list[int]:
    """Left, top, right, bottom."""
    return [40 + index, 30 - index, 111 + 2 * index, 30 - index + 71 + index]


def draw(index: int) -> Image:
    """Something like a face, smooth, that moves, `[128, 160, 3]` uint8 BGR."""
    image = np.full((HEIGHT, WIDTH, 3), (90, 110, 100), np.uint8)
    cv2.ellipse(image, (76 + index, 66 - index), (34, 44), 0, 0, 360, (150, 180, 220), -1, cv2.LINE_AA)
    cv2.ellipse(image, (76 + index, 84 - index), (12, 3 + index), 0, 0, 360, (70, 60, 150), -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 2), np.uint8)


def features() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """`aud_ave.npy`, `[7, 512]` float32."""
    return np.random.default_rng(3).uniform(0, 2, (7, 512)).astype(np.float32)


def write_dataset(folder: Path, *, first: int = 0) -> Path:
    """Write a dataset as preprocessing leaves it; its pictures count from `first`, its landmarks from 0."""
    (folder / "full_body_img").mkdir(parents=True)
    (folder / "landmarks").mkdir()
    for index in range(PICTURES):
        _, jpeg = cv2.imencode(".jpg", draw(index))
        (folder / "full_body_img" / f"{index + first}.jpg").write_bytes(jpeg.tobytes())
        lines = [f"{x} {y}\n" for x, y in landmarks(index)]
        (folder / "landmarks" / f"{index}.lms").write_text("".join(lines))
    np.save(folder / "aud_ave.npy", features())
    return folder


def write_package(folder: Path) -> Path:
    """Write a package: a video, rectangles in JSON, and the networks."""
    (folder / "models").mkdir(parents=True)
    (folder / "cache").mkdir()
    with av.open(str(folder / "full_body_video.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(PICTURES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw(index), "bgr24")))
        container.mux(stream.encode(None))
    rectangles = {str(index): {"rect": rectangle(index)} for index in range(PICTURES)}
    (folder / "cache" / "crop_rectangles.json").write_text(json.dumps(rectangles))
    (folder / "package_info.json").write_text(json.dumps({"onnx": {"asr_mode": "ave"}}))
    (folder / "models" / "generator.onnx").write_bytes(GENERATOR.read_bytes())
    (folder / "models" / "audio_encoder.onnx").write_bytes(ENCODER.read_bytes())
    return folder
