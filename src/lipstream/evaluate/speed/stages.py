"""A loaded avatar and some speech in, how long every stage takes in this process out."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lipstream.audio.mel import mel_spectrogram
from lipstream.avatar.bundle import Bundle, FilePrecision
from lipstream.errors import AvatarError, EngineError, MissingExtraError
from lipstream.evaluate.speed.stopwatch import Patience, Timing, timed
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.offline import render
from lipstream.rate import frames_of_samples
from lipstream.runtime.engines import load_engine
from lipstream.types import CODE_SIZE, CROP_SIZE, FRAME_SAMPLES, SAMPLE_RATE_HZ, Codes, Float32, Image, Pcm, Visual
from lipstream.video.jpeg import encode_jpeg
from lipstream.video.mp4 import SOUND_CHANNELS, SOUND_RATE_HZ, open_mp4

MEL_SAMPLES = 10_240  # 640 ms, the piece that clients send
LEAST_BATCH, BATCH = 1, 8  # a single live session; offline work
VARIANTS: tuple[tuple[str, str, FilePrecision], ...] = (
    ("openvino", "f32", "float"),
    ("openvino", "bf16", "float"),
    ("openvino", "auto", "int8"),
    ("onnx", "f32", "float"),
    ("onnx", "f32", "int8"),
    ("torch", "auto", "float"),
)
"""Engine, precision and file of every generator that is tried."""


def stage_timings(avatar: Avatar, pcm: Pcm, patience: Patience) -> Iterator[Timing]:
    """Time the stages one after the other, as the avatar's own engine runs them.

    Args:
        avatar: the avatar.
        pcm: a few seconds of speech, `[L]` float32 at 16 kHz.
        patience: how long each stage is repeated.
    """
    frames = frames_of_samples(len(pcm))
    yield timed("mel", "640 ms", MEL_SAMPLES // FRAME_SAMPLES, _mel_of(pcm), patience)
    yield timed("speech", avatar.networks.encoder.name, frames, _speech(avatar, pcm), patience)
    images = [avatar.clip.image(index) for index in range(BATCH)]
    visual = avatar.face.visual(images, range(BATCH))
    patches = avatar.face.generate(visual, np.zeros((BATCH, CODE_SIZE), np.float32))
    yield timed("driving clip", "", BATCH, lambda: [avatar.clip.image(index) for index in range(BATCH)], patience)
    yield timed("crop", "", BATCH, lambda: avatar.face.visual(images, range(BATCH)), patience)
    yield timed("blend", "", BATCH, _blend(avatar, images, patches), patience)
    yield timed("jpeg", _size(images[0]), BATCH, lambda: [encode_jpeg(image) for image in images], patience)
    pictures = [frame.image for frame in islice(render(pcm, avatar), 50)]
    with TemporaryDirectory() as folder:
        yield timed("h.264", _size(images[0]), len(pictures), _encode(pictures, Path(folder)), patience)
    how = f"{avatar.engine} {avatar.precision}"
    yield timed("pipeline", how, frames, lambda: _exhaust(render(pcm, avatar)), patience)


def generator_timings(bundle: Bundle, patience: Patience) -> Iterator[Timing | tuple[str, str]]:
    """Time the fast generator on every engine and precision; where one is missing, its name and the reason."""
    visual = np.random.default_rng(0).random((BATCH, 6, CROP_SIZE, CROP_SIZE), np.float32)
    codes = np.zeros((BATCH, CODE_SIZE), np.float32)
    for engine, precision, file in VARIANTS:
        how = f"{engine} {'int8' if file == 'int8' else precision}"
        try:
            run, computed = _generator(bundle, engine, precision, file)
        except (AvatarError, EngineError, MissingExtraError) as reason:
            yield f"generator {how}", str(reason)
            continue
        how = f"{engine} {'int8' if file == 'int8' else computed}"
        for batch in (LEAST_BATCH, BATCH):
            work = _batch(run, visual[:batch], codes[:batch])
            yield timed("generator", f"{how}, batch {batch}", batch, work, patience)


def _generator(
    bundle: Bundle, engine: str, precision: str, file: FilePrecision
) -> tuple[Callable[[Visual, Codes], object], str]:
    """What runs the generator, and the precision that the engine chose."""
    loaded = load_engine(engine, bundle.network_path("fast", file), precision=precision)
    names = bundle.manifest.networks["fast"].tensors
    visual_name, code_name = names.get("visual", "visual"), names.get("code", "code")
    return lambda visual, codes: loaded.run({visual_name: visual, code_name: codes}), loaded.precision


def _batch(run: Callable[[Visual, Codes], object], visual: Visual, codes: Codes) -> Callable[[], object]:
    return lambda: run(visual, codes)


def _mel_of(pcm: Pcm) -> Callable[[], object]:
    piece = pcm[:MEL_SAMPLES]
    return lambda: mel_spectrogram(piece)


def _speech(avatar: Avatar, pcm: Pcm) -> Callable[[], object]:
    def work() -> None:
        speech = avatar.speech()
        speech.push(pcm)
        speech.finish()

    return work


def _blend(avatar: Avatar, images: list[Image], patches: Float32) -> Callable[[], object]:
    def work() -> None:
        for index, (image, patch) in enumerate(zip(images, patches, strict=True)):
            avatar.face.compose(image, index, patch)

    return work


def _encode(pictures: list[Image], folder: Path) -> Callable[[], object]:
    height, width = pictures[0].shape[:2]

    def work() -> None:
        sound = iter([np.zeros((SOUND_RATE_HZ, SOUND_CHANNELS), np.float32)])
        with open_mp4(folder / "out.mp4", width=width, height=height, sound=sound, overwrite=True) as writer:
            for picture in pictures:
                writer.write(picture)

    return work


def _exhaust(items: Iterator[object]) -> None:
    for _ in items:
        pass


def _size(image: Image) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"


def bursts(seconds: int = 4) -> Pcm:
    """Noise that swells four times a second, `[16000 seconds]` float32: what there is to time without a recording."""
    noise = np.random.default_rng(0).standard_normal(seconds * SAMPLE_RATE_HZ)
    swell = np.abs(np.sin(2 * np.pi * 2 * np.arange(len(noise)) / SAMPLE_RATE_HZ))
    return (0.05 * noise * swell).astype(np.float32)
