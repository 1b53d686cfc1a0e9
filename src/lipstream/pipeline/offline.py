"""A whole speech in, its frames or the finished file out; reading, networks and encoding overlap."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Protocol

import numpy as np
import soxr

from lipstream.audio.read import decode
from lipstream.errors import InputError
from lipstream.pipeline.arguments import check_avatar, check_gain, check_path, check_progress, check_speech
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.overlap import ahead
from lipstream.pipeline.step import Spoken, finish, paint, prepare
from lipstream.speech.drive import FeatureDrive, Speech
from lipstream.speech.reference import reference_contexts
from lipstream.types import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32, Frame, Image, Pcm
from lipstream.video.jpeg import check_jpegs, open_jpegs
from lipstream.video.mp4 import SOUND_CHANNELS, SOUND_RATE_HZ, open_mp4
from lipstream.video.staging import check_file

BATCH_FRAMES = 8
QUEUE_MS = 640  # of speech that may wait between two stages: two batches
SUFFIXES = (".mp4", ".jpg", ".jpeg")


class PictureWriter(Protocol):
    """Takes the pictures of a video in order."""

    def write(self, image: Image) -> None:
        """Append one picture, `HWC` uint8 BGR."""
        ...


def render(pcm: Pcm, avatar: Avatar, *, sample_rate: int = SAMPLE_RATE_HZ, gain: float = 1.0) -> Iterator[Frame]:
    """Make an avatar speak.

    Args:
        pcm: the speech, `[L]` float32 in -1..1.
        avatar: who speaks, from `load_avatar`.
        sample_rate: of `pcm`, 1,000 to 768,000 Hz.
        gain: factor of every mouth movement, 0 (closed) to 2.

    Returns:
        The frames, made a little ahead of their use: ceil(L / 640) of them for L samples at 16 kHz.

    Raises:
        InputError: `pcm` is no array, empty, not floating, mono and finite, or another argument is not as above.
    """
    check_avatar(avatar)
    check_gain(gain)
    check_speech(pcm, sample_rate)
    speech = pcm.astype(np.float32, copy=False)
    if sample_rate != SAMPLE_RATE_HZ:
        speech = soxr.resample(speech, sample_rate, SAMPLE_RATE_HZ, quality="HQ")
    blocks = (speech[start : start + SAMPLE_RATE_HZ] for start in range(0, len(speech), SAMPLE_RATE_HZ))
    return render_blocks(blocks, avatar, gain=gain)


def render_file(  # noqa: PLR0913  the three last are optional, and by name only
    audio: str | Path,
    out: str | Path,
    avatar: Avatar,
    *,
    gain: float = 1.0,
    reference: bool = False,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Make an avatar speak a file, into another file.

    Args:
        audio: anything with sound, a video included.
        out: an `.mp4`, or `FOLDER/%06d.jpg` for the frames alone, numbered from 0.
        avatar: who speaks, from `load_avatar`.
        gain: factor of every mouth movement, 0 (closed) to 2.
        reference: make the frames of `render_reference`, of an avatar imported from SyncTalk_2D.
        overwrite: whether existing files may be replaced.
        progress: called with the number of frames done, after each.

    Returns:
        The number of frames.

    Raises:
        InputError: `audio` cannot be used (MediaError: cannot be decoded), or another argument is not as above.
        OutputError: `out` cannot be written, or exists (OutputExistsError). Nothing is left half-written.
    """
    audio, out = check_path(audio, "sound"), check_path(out, "output")
    check_avatar(avatar)
    check_gain(gain)
    check_progress(progress)
    check_output(audio, out, overwrite=overwrite)
    frames = 0
    with _open_writer(audio, out, avatar, overwrite=overwrite) as writer:
        shown = _reference_file(audio, avatar) if reference else render_blocks(decode(audio), avatar, gain=gain)
        for frame in shown:
            writer.write(frame.image)
            frames += 1
            if progress is not None:
                progress(frames)
    return frames


def check_output(audio: Path, out: Path, *, overwrite: bool) -> None:
    """Check, before any work, what can be known about an output.

    Raises:
        InputError: it has another suffix than `.mp4` or `.jpg`, no place for the frames' numbers, or is the input.
        OutputExistsError: it, or a frame of its pattern, exists and `overwrite` is false.
        OutputError: its folder is missing or may not be written.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise InputError(f"The output is {out.name}; expected a name ending in .mp4, or frames as %06d.jpg.")
    if out.suffix.lower() != ".mp4":
        check_jpegs(out, overwrite=overwrite)
        return
    with suppress(OSError):  # one of them does not exist, which is for others to judge
        if out.samefile(audio):
            raise InputError(f"{out} is the input itself; give the output another name.")
    check_file(out, overwrite=overwrite)


def render_blocks(blocks: Iterable[Pcm], avatar: Avatar, *, gain: float = 1.0) -> Generator[Frame]:
    """Make an avatar speak sound that arrives in blocks, in bounded memory however long it is.

    Four threads work side by side: speech, driving frames, generator, and the caller's, which blends. They end with
    the last frame, and when the generator that is returned is closed.

    Args:
        blocks: the speech at 16 kHz, `[n]` float32 in -1..1 each.
        avatar: who speaks.
        gain: factor of every mouth movement, 0 to 2.

    Returns:
        The frames, in order.

    Raises:
        InputError: an imported avatar has no speech encoder, or another gain than 1 is asked of it.
    """
    return _show(speak(blocks, avatar.speech(gain=gain), avatar.first_picture), avatar)


def render_reference(pcm: Pcm, avatar: Avatar) -> Generator[Frame]:
    """Make an avatar imported from SyncTalk_2D speak frame for frame as its own inference does.

    Args:
        pcm: the speech at 16 kHz, `[L]` float32 in -1..1.
        avatar: who speaks.

    Returns:
        The frames, in order: two more than `int((T - 16) / 80 * 25) + 2` for T mel rows, where `render` makes
        ceil(L / 640).

    Raises:
        InputError: the avatar is no import or has no speech encoder, or the speech is shorter than 190 ms.
    """
    if not isinstance(avatar.drive, FeatureDrive):
        raise InputError(f"Avatar {avatar.name} is no import from SyncTalk_2D; make it speak without --reference.")
    return _show(_spoken_by_reference(pcm, avatar.drive, avatar.first_picture), avatar)


def _spoken_by_reference(pcm: Pcm, drive: FeatureDrive, first_picture: int) -> Iterator[Spoken]:
    first = 0
    for contexts in reference_contexts(drive.own_encoder(), pcm):
        for start in range(0, len(contexts), BATCH_FRAMES):
            batch = contexts[start : start + BATCH_FRAMES]
            yield Spoken(first, batch, _frame_audio(pcm[first * FRAME_SAMPLES :], len(batch)), first_picture)
            first += len(batch)


def _reference_file(audio: Path, avatar: Avatar) -> Generator[Frame]:
    return render_reference(np.concatenate([np.zeros(0, np.float32), *decode(audio)]), avatar)


def _show(batches: Iterator[Spoken], avatar: Avatar) -> Generator[Frame]:
    limit = QUEUE_MS // (BATCH_FRAMES * FRAME_MS)
    clip, face = avatar.clip, avatar.face
    with (
        ahead(batches, limit=limit, name="speech") as spoken,
        ahead((prepare(batch, clip, face) for batch in spoken), limit=limit, name="visual") as prepared,
        ahead((paint(batch, face) for batch in prepared), limit=limit, name="generator") as painted,
    ):
        for batch in painted:
            yield from finish(batch, face)


def speak(blocks: Iterable[Pcm], speech: Speech, first_picture: int = 0) -> Iterator[Spoken]:
    """Turn sound into batches of what drives the generator, each frame with its own 640 samples.

    Args:
        blocks: the speech at 16 kHz, `[n]` float32 each.
        speech: a fresh converter.
        first_picture: picture of the driving clip that the first frame shows.

    Yields:
        Batches of BATCH_FRAMES frames; the last may have fewer.
    """
    audio: Float32 = np.zeros(0, np.float32)
    codes = speech.push(audio)  # none, in the shape that they will have
    first = 0
    for block, ready in _articulated(blocks, speech):
        codes, audio = np.concatenate([codes, ready]), np.concatenate([audio, block])
        while len(codes) >= BATCH_FRAMES:
            yield Spoken(first, codes[:BATCH_FRAMES], _frame_audio(audio, BATCH_FRAMES), first_picture)
            codes, audio = codes[BATCH_FRAMES:], audio[BATCH_FRAMES * FRAME_SAMPLES :]
            first += BATCH_FRAMES
    if len(codes):
        yield Spoken(first, codes, _frame_audio(audio, len(codes)), first_picture)


def _articulated(blocks: Iterable[Pcm], speech: Speech) -> Iterator[tuple[Pcm, Float32]]:
    """Each block of sound with the codes it completes; at the end no sound, with those that were waiting for more."""
    for block in blocks:
        yield block, speech.push(block)
    yield np.zeros(0, np.float32), speech.finish()


def _frame_audio(audio: Pcm, frames: int) -> Float32:
    """The first `frames` x 640 samples, `[frames, 640]`, with zeros after the last."""
    padded = np.zeros(frames * FRAME_SAMPLES, np.float32)
    taken = audio[: len(padded)]
    padded[: len(taken)] = taken
    return padded.reshape(frames, FRAME_SAMPLES)


def _open_writer(audio: Path, out: Path, avatar: Avatar, *, overwrite: bool) -> AbstractContextManager[PictureWriter]:
    if out.suffix.lower() != ".mp4":
        return open_jpegs(out, avatar=avatar.name, overwrite=overwrite)
    # The same file is read for the lips, which warns of damage.
    sound = decode(audio, sample_rate_hz=SOUND_RATE_HZ, channels=SOUND_CHANNELS, warn=False)
    size = {"width": avatar.clip.width, "height": avatar.clip.height}
    return open_mp4(out, **size, sound=sound, avatar=avatar.name, overwrite=overwrite)
