"""The head and codes in, pictures out: the idle loop, the mouth crops to train on, the held-out sentences.

    python -m studio.render_face ASSETS WORK idle              the idle loop, whole frames
    python -m studio.render_face ASSETS WORK crops CODES.npz   one mouth picture for each code of CODES.npz
    python -m studio.render_face ASSETS WORK heldout CODES.npz

CODES.npz holds `codes` [n, 12] and `frame_index` [n], the pose of the idle loop each is rendered in. Every picture
that exists is kept, so a run may be stopped and started again. Needs Blender's bpy (studio/README.md).
"""

import argparse
import time
from pathlib import Path

import numpy as np

from studio.head import LOWER_LIP, UPPER_LIP, Head
from studio.idle import ANCHORS, CROP_CENTRE, FRAME_SIZE, MOUTH, crop_transform, loop
from studio.scene import Scene

SAMPLES = {"idle": 8, "crops": 5, "heldout": 5}  # a crop's edge differs by less than a level all the same
LIPS = [UPPER_LIP, LOWER_LIP]


def transforms(scene: Scene) -> np.ndarray:
    """Frame to crop `[N, 2, 3]` of every pose of the loop."""
    poses, head = loop(), scene.head
    still = scene.project(ANCHORS), scene.project(CROP_CENTRE)
    return np.stack([crop_transform(scene.project(head.turn(ANCHORS, pose, rigid=True)), *still) for pose in poses])


def mouth_box(transform: np.ndarray) -> tuple[int, int, int, int]:
    """The frame's pixels that cover `MOUTH` of the crop: x0, y0, x1, y1."""
    x0, y0, x1, y1 = MOUTH
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) - transform[:, 2]
    xy = corners @ np.linalg.inv(transform[:, :2]).T
    low, high = np.floor(xy.min(0)).astype(int), np.ceil(xy.max(0)).astype(int)
    low, high = np.clip(low, 0, FRAME_SIZE), np.clip(high, 0, FRAME_SIZE)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def lip_vertices(head: Head) -> np.ndarray:
    """Numbers of the skin vertices round the mouth, kept beside every crop; the first two are the inner lips."""
    used = np.unique(np.concatenate(head.body.faces))
    xyz = head.rest[used]
    near = (abs(xyz[:, 0]) < 0.42) & (xyz[:, 1] > 5.75) & (xyz[:, 1] < 6.45) & (xyz[:, 2] > 1.0)
    return np.concatenate([LIPS, np.setdiff1d(used[near], LIPS)])


def render_idle(scene: Scene, out: Path) -> None:
    """Whole frames of the loop, mouth at rest, and `loop.npz`: transforms and poses."""
    poses = loop()
    angles = np.array([[p.yaw, p.pitch, p.roll] for p in poses], "f")
    np.savez(out / "loop.npz", transforms=transforms(scene).astype("f"), poses=angles)
    for i, pose in enumerate(poses):
        path = out / f"{i:05d}.png"
        if not path.exists():
            start = time.perf_counter()
            scene.pose(np.zeros(12), pose)
            scene.render(path)
            print(f"idle {i + 1}/{len(poses)} {time.perf_counter() - start:.1f} s", flush=True)


def render_mouths(scene: Scene, out: Path, codes: np.ndarray, frame_index: np.ndarray) -> None:
    """The mouth of each code, in the pose of its loop frame, and its projected lip vertices beside it."""
    poses, crops, lips = loop(), transforms(scene), lip_vertices(scene.head)
    for n, (code, i) in enumerate(zip(codes, frame_index, strict=True)):
        path, box = out / f"{n:05d}.png", mouth_box(crops[i])
        if path.with_suffix(".npz").exists():
            continue
        start = time.perf_counter()
        skin = scene.pose(code, poses[i])["skin"]
        xy = scene.project(skin[lips]) @ crops[i, :, :2].T + crops[i, :, 2]
        scene.render(path, box)
        np.savez(path.with_suffix(".npz"), code=code.astype("f"), frame_index=i, box=box, lips_px=xy.astype("f"))
        print(f"mouth {n + 1}/{len(codes)} {time.perf_counter() - start:.1f} s", flush=True)


def main() -> None:
    """Parse the command line and render."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assets", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("what", choices=("idle", "crops", "heldout"))
    parser.add_argument("codes", type=Path, nargs="?")
    parser.add_argument("--samples", type=int, help="a pixel; 8 for whole frames, 5 for mouths if not given")
    args = parser.parse_args()
    out = args.work / args.what
    out.mkdir(parents=True, exist_ok=True)
    scene = Scene(Head(args.assets), samples=args.samples or SAMPLES[args.what])
    if args.what == "idle":
        return render_idle(scene, out)
    with np.load(args.codes) as data:
        return render_mouths(scene, out, data["codes"], data["frame_index"])


if __name__ == "__main__":
    main()
