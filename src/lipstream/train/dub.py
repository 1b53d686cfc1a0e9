"""A film and new sound in, the film with a person's lips saying it out: its own frames, cuts and other people kept."""

import logging
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lipstream.audio.read import decode
from lipstream.avatar.arrays import read_npz
from lipstream.avatar.bundle import Bundle
from lipstream.errors import AvatarError, InputError
from lipstream.pipeline.arguments import check_gain
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.offline import BATCH_FRAMES, QUEUE_MS, speak
from lipstream.pipeline.overlap import ahead
from lipstream.rate import frames_of_samples
from lipstream.render.face import FaceRenderer
from lipstream.train.preprocess.following import FaceFinder, look_of
from lipstream.train.preprocess.watching import Progress
from lipstream.train.scene import (
    BROKEN_OFF_FRAMES,
    Scene,
    expected_frames,
    fading,
    film_pictures,
    lasting,
    watch_film,
)
from lipstream.types import FRAME_MS, FRAME_RATE_HZ, FRAME_SAMPLES, SAMPLE_RATE_HZ, Codes, Float32, Image, Pcm
from lipstream.video.mp4 import SOUND_CHANNELS, SOUND_RATE_HZ, open_mp4
from lipstream.video.staging import check_file

LOOKS = 8
"""Pictures of the avatar, over its clip, by which it is known in the film."""
Length = Literal["hold", "refuse"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be dubbed, with what and where to."""

    film: Path
    """Any video; its own sound is not used."""
    audio: Path
    """What the person shall say; anything with sound."""
    out: Path
    """The MP4 to write."""
    length: Length = "hold"
    """Of sound that is longer than the film: `hold` its last picture, lips moving, or `refuse`."""
    gain: float = 1.0
    """Factor of every mouth movement, 0 (closed) to 2."""
    overwrite: bool = False
    """Whether an existing file may be replaced."""


@dataclass(frozen=True, slots=True)
class Dubbed:
    """What was made."""

    frames: int
    """Of the new film, at 25 a second."""
    painted: int
    """Of these, with new lips; in the others the person is not seen."""


@dataclass(frozen=True, eq=False)
class _Batch:
    """Some consecutive pictures of the film."""

    images: list[Image]
    """`HWC` uint8 BGR."""
    rows: NDArray[np.int64]
    """Of the scene, -1 where the person is not seen, `[b]`."""
    shares: Float32
    """How much of the new lips each shows, `[b]` float32 in 0..1."""
    codes: Codes
    """What is said, `[b, 12]` float32."""


def dub(wish: Wish, avatar: Avatar, scale: float, finder: FaceFinder, progress: Progress) -> Dubbed:
    """Paint new lips on a film.

    Args:
        wish: what.
        avatar: of the person who is seen.
        scale: how it frames a face, from `scale_of`.
        finder: finds faces.
        progress: told of the stages `faces` and `frames`.

    Raises:
        InputError: no face in the film, sound longer than it, an avatar or another argument that cannot be used.
        MediaError: film or sound cannot be decoded.
        OutputError: the MP4 cannot be written, or exists (OutputExistsError). Nothing is left half-written.
    """
    check(wish)
    _face(avatar)
    said = frames_said(wish.audio)
    scene = watch_film(
        wish.film, finder, _looks(avatar, finder), scale, lambda done, total: progress("faces", done, total)
    )
    if not scene.familiar:
        _LOG.warning(
            "nobody in the film looks like the avatar: who is seen most gets its mouth, and will look wrong",
            extra={"avatar": avatar.name},
        )
    _check_length(wish, said, scene.frames)
    frames = max(said, scene.frames)
    _write(wish, avatar, scene, frames, progress)
    return Dubbed(frames, int((_rows(scene, frames) >= 0).sum()))


def check(wish: Wish) -> None:
    """Check, before any work, what can be known.

    Raises:
        InputError: the output is no MP4 or one of the inputs, or the gain cannot be meant.
        OutputExistsError: it exists and may not be replaced.
        OutputError: its folder is missing or may not be written.
    """
    check_gain(wish.gain)
    if wish.out.suffix.lower() != ".mp4":
        raise InputError(f"The output is {wish.out.name}; expected a name ending in .mp4.")
    for source in (wish.film, wish.audio):
        with suppress(OSError):  # one of them does not exist, which is for others to judge
            if wish.out.samefile(source):
                raise InputError(f"{wish.out} is an input itself; give the output another name.")
    check_file(wish.out, overwrite=wish.overwrite)


def check_sound(wish: Wish) -> None:
    """Check, before an avatar is trained for it, that the sound can be used.

    Raises:
        InputError: it cannot be read, or is clearly longer than the film by its header, where that is not wished.
        MediaError: it cannot be decoded.
    """
    said, expected = frames_said(wish.audio), expected_frames(wish.film)
    if expected and said > expected + BROKEN_OFF_FRAMES:
        _check_length(wish, said, expected)


def frames_said(audio: Path) -> int:
    """How many frames sound lasts; raises as `audio.read.decode`."""
    return frames_of_samples(sum(map(len, decode(audio, warn=False))))


def scale_of(bundle: Bundle) -> float:
    """How much smaller than the built-in avatar's a bundle's face is shown in its crop; 1 where it does not say.

    Raises:
        AvatarError: it is no such number.
    """
    path = bundle.folder / "crops.npz"
    scale = read_npz(path).get("scale", np.float32(1))
    if scale.shape != () or scale.dtype.kind != "f" or not 0.1 < float(scale) < 10:
        raise AvatarError(f"{path} has a scale of {scale}; expected about 1; install the avatar again.")
    return float(scale)


def _check_length(wish: Wish, said: int, frames: int) -> None:
    if said > frames and wish.length == "refuse":
        raise InputError(
            f"{wish.audio} lasts {said / FRAME_RATE_HZ:.2f} s, {wish.film} only {frames / FRAME_RATE_HZ:.2f} s; "
            "shorten the sound, or hold the last picture with --length hold."
        )


def _looks(avatar: Avatar, finder: FaceFinder) -> Float32:
    """Eyes and nose of the avatar in some pictures, `[k, 1728]` float32."""
    numbers = np.linspace(0, len(avatar.clip) - 1, LOOKS).astype(int)
    images = [avatar.clip.image(int(number)) for number in numbers]
    found = [(image, finder.detect_all(image)) for image in images]
    looks = [look_of(image, faces[0]) for image, faces in found if faces]
    return np.stack(looks) if looks else np.zeros((0, 1), np.float32)


def _face(avatar: Avatar) -> FaceRenderer:
    if isinstance(avatar.face, FaceRenderer):
        return avatar.face
    raise InputError(
        f"Avatar {avatar.name} was imported from SyncTalk_2D and speaks in its own pictures only; "
        "train one on the film: leave out --avatar."
    )


def _write(wish: Wish, avatar: Avatar, scene: Scene, frames: int, progress: Progress) -> None:
    # The same file is read for the lips, which warns of damage.
    sound = decode(wish.audio, sample_rate_hz=SOUND_RATE_HZ, channels=SOUND_CHANNELS, warn=False)
    size = {"width": scene.width, "height": scene.height}
    with (
        open_mp4(wish.out, **size, sound=sound, avatar=avatar.name, overwrite=wish.overwrite) as writer,
        closing(_images(wish, avatar, scene, frames)) as images,
    ):
        for done, image in enumerate(images, 1):
            writer.write(image)
            progress("frames", done, frames)


def _images(wish: Wish, avatar: Avatar, scene: Scene, frames: int) -> Generator[Image]:
    """The pictures of the new film; two threads make them ahead of their use."""
    limit = QUEUE_MS // (BATCH_FRAMES * FRAME_MS)
    face = _face(avatar).over(scene.transforms, scene.poses, scene.outlines)
    with (
        ahead(_batches(wish, avatar, scene, frames), limit=limit, name="film") as read,
        ahead((_painted(batch, face) for batch in read), limit=limit, name="generator") as painted,
    ):
        yield from chain.from_iterable(painted)


def _batches(wish: Wish, avatar: Avatar, scene: Scene, frames: int) -> Iterator[_Batch]:
    blocks = _padded(decode(wish.audio), frames * FRAME_SAMPLES)
    pictures = lasting(film_pictures(wish.film), frames)
    rows = _rows(scene, frames)
    shares = fading(rows >= 0, np.pad(scene.cuts, (0, frames - scene.frames)))
    for some in speak(blocks, avatar.speech(gain=wish.gain)):
        images = list(islice(pictures, len(some.codes)))
        here = slice(some.first, some.first + len(images))
        yield _Batch(images, rows[here], shares[here], some.codes[: len(images)])


def _rows(scene: Scene, frames: int) -> NDArray[np.int64]:
    """Of each picture of the new film, the last one held: its row in the scene, `[frames]`."""
    return np.pad(scene.rows, (0, frames - scene.frames), mode="edge")


def _padded(blocks: Iterator[Pcm], samples: int) -> Iterator[Pcm]:
    """The sound, and silence after it, block by block, of so many samples."""
    left = samples
    for block in blocks:
        yield block[:left]
        left -= min(left, len(block))
    while left:
        silence = np.zeros(min(left, SAMPLE_RATE_HZ), np.float32)
        yield silence
        left -= len(silence)


def _painted(batch: _Batch, face: FaceRenderer) -> list[Image]:
    """The pictures of a batch with new lips wherever the person is seen."""
    seen = np.flatnonzero(batch.rows >= 0)
    if len(seen):
        rows = [int(row) for row in batch.rows[seen]]
        images = [batch.images[i] for i in seen]
        patches = face.generate(face.visual(images, rows), batch.codes[seen])
        for image, row, share, patch in zip(images, rows, batch.shares[seen], patches, strict=True):
            face.compose(image, row, patch, float(share))
    return batch.images
