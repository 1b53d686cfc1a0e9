"""Trained generators and prepared recordings in, the files of the person's bundle out."""

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

import lipstream
from lipstream.avatar.arrays import Array, read_npz
from lipstream.avatar.bundle import MANIFEST_NAME, Bundle, Quality, SpeechBundle, file_entries, open_bundle
from lipstream.avatar.manifest import Manifest, Network, References, SpeechName, Timeline
from lipstream.avatar.terms import Terms
from lipstream.clock import unix_ms
from lipstream.nets.generator import Generator
from lipstream.train.footage import FRAMES_CRF, write_stills, write_video
from lipstream.train.learning import Lesson
from lipstream.train.packing import write_generator
from lipstream.train.preprocess.choosing import driving_window, unrolled
from lipstream.train.preprocess.crops import pictures_at
from lipstream.train.preprocess.prepared import Prepared
from lipstream.types import Float32, Image
from lipstream.video.colour import to_video_frame

MOST_SIDE_PIXELS = 1920
"""Longer side of the driving clip; a larger picture is scaled down."""


def write_bundle(  # noqa: PLR0913, PLR0917  whose, of what, and with what
    folder: Path,
    name: str,
    terms: Terms,
    videos: Sequence[Path],
    prepared: Prepared,
    lesson: Lesson,
    generators: Mapping[Quality, Generator],
    own_speech: SpeechBundle | None = None,
) -> Bundle:
    """Write everything but the figures into an empty folder, with speech networks of its own if there are any.

    Raises:
        MediaError: a video cannot be decoded any more.
        EngineError: a generator cannot be exported.
    """
    clip = _write_clip(folder, videos, prepared, lesson)
    networks: dict[Quality, Network] = {}
    values: dict[str, Array] = {}
    for quality, module in generators.items():
        heard = lesson.told(prepared.heard[lesson.numbers])
        networks[quality], golden = write_generator(folder, quality, module, lesson.film, heard)
        values |= golden
    own: dict[SpeechName, Network] = {}
    if own_speech is not None:
        own = own_speech.manifest.networks
        values |= read_npz(own_speech.golden_path)
        for part, network in own.items():
            shutil.copyfile(own_speech.network_path(part), folder / network.files["float"])
    np.savez_compressed(folder / "golden.npz", **values)  # type: ignore[arg-type]  # numpy types its own keywords only
    poses = prepared.poses[lesson.numbers[lesson.references]]
    manifest = Manifest(
        name=name,
        frame_width=clip[1],
        frame_height=clip[0],
        licence=terms.licence,
        subject=terms.subject,
        consent=terms.consent,
        provenance={
            "made_by": terms.made_by,
            "picture": "recordings of the person, " + ", ".join(path.name for path in videos[:20]),
            "trained": datetime.fromtimestamp(unix_ms() / 1000, UTC).date().isoformat(),
            "lipstream": lipstream.__version__,
        },
        references=References(poses=[(float(a), float(b), float(c)) for a, b, c in poses]),
        timeline=Timeline(frames=clip[2]),
        networks=networks,
        speech_encoder=own.get("speech_encoder"),
        speech_articulation=own.get("articulation"),
        files=file_entries(folder.iterdir()),
    )
    write_manifest(folder, manifest)
    return open_bundle(folder)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `avatar.json`."""
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=2, exclude_none=True) + "\n")


def _write_clip(folder: Path, videos: Sequence[Path], prepared: Prepared, lesson: Lesson) -> tuple[int, int, int]:
    """Write what is seen of the person; returns height, width and number of the clip's pictures."""
    first, end = driving_window(prepared.seen, prepared.poses, prepared.runs)
    window = np.arange(first, end)
    source = int(prepared.sources[first])
    shrink = min(1.0, MOST_SIDE_PIXELS / float(max(prepared.heights[source], prepared.widths[source])))
    pictures = [stored(image, shrink) for _, image in pictures_at(videos, prepared, window)]
    loop = np.array(unrolled(len(window)))
    frames = [to_video_frame(image) for image in pictures]
    write_video(folder / "frames.mp4", (frames[i] for i in loop), FRAMES_CRF)
    np.savez_compressed(
        folder / "crops.npz",
        transforms=shrunk(prepared.transforms[window], shrink)[loop],
        poses=prepared.poses[window][loop],
        outlines=prepared.outlines[window][loop],
        scale=np.float32(prepared.scale),
    )
    references = [np.ascontiguousarray(lesson.crops.images[i].transpose(1, 2, 0)) for i in lesson.references]
    write_stills(folder, prepared.mask, references, pictures[0])
    height, width = pictures[0].shape[:2]
    return height, width, len(loop)


def stored(image: Image, shrink: float) -> Image:
    """A picture as a driving clip stores it: scaled by `shrink`, both sides even."""
    if shrink < 1.0:
        image = np.asarray(cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = (side // 2 * 2 for side in image.shape[:2])
    return np.ascontiguousarray(image[:height, :width])


def shrunk(transforms: Float32, shrink: float) -> Float32:
    """Transforms `[n, 2, 3]` of pictures for the same pictures scaled by `shrink`; pixel centres at whole numbers."""
    moved = transforms.copy()
    moved[:, :, :2] /= shrink
    moved[:, :, 2] += transforms[:, :, :2].sum(axis=2) * np.float32(0.5 / shrink - 0.5)
    return moved
