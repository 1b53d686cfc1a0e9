"""Sentences in, a film of the avatar speaking them out: truth, result and their difference next to each other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np
import soxr

from lipstream.avatar.registry import ASSETS
from lipstream.evaluate.faces import Progress, Subject
from lipstream.evaluate.phones import SpokenPhone
from lipstream.evaluate.reconstruction import Said
from lipstream.evaluate.speaking import heard_codes, paint
from lipstream.evaluate.truth import ARRAYS, read_truth, truth_crops
from lipstream.types import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32, Image
from lipstream.video.mp4 import SOUND_CHANNELS, SOUND_RATE_HZ, open_mp4

TILE = 480  # pixels of a side; the crops have 320
STRIP = 40  # pixels, above and below, for words
DIFFERENCE_GAIN = 4
MOST_FRAMES = 500  # 20 s, 17 MB; the sentence that passes it is shown whole
FONT = cv2.FONT_HERSHEY_SIMPLEX
INK, PAPER = (235, 235, 235), 24


@dataclass(frozen=True, eq=False)
class Shot:
    """One frame of a sentence."""

    sentence: int
    """Number of the sentence from 0."""
    index: int
    """Number of the frame in it from 0."""
    crop: Image
    """The avatar's crop, `[320, 320, 3]` uint8 BGR."""
    image: Image
    """Its finished picture, `HWC` uint8 BGR."""
    truth: Image | None
    """The true crop, where it is known, `[320, 320, 3]` uint8 BGR."""
    phones: str
    """What is spoken meanwhile, such as `HH AH`."""

    @property
    def words(self) -> str:
        """When it is, and what is spoken."""
        return f"{self.index * FRAME_MS / 1000:.2f} s {self.phones}".strip()


def sentences_of(subject: Subject, truth: Path | None) -> list[Said]:
    """What to show: the rendered sentences of a folder of truth, else its first, else one that came with lipstream.

    Args:
        subject: the avatar.
        truth: a folder of truth.

    Returns:
        20 s of sentences or a little more; none where this installation holds none.

    Raises:
        AvatarError, InputError: the truth is damaged.
    """
    known = read_truth(truth) if truth is not None else []
    clips = [clip for clip in known if clip.rendered]
    if not clips:
        spoken = known or (read_truth(ASSETS / "iris") if (ASSETS / "iris" / ARRAYS).is_file() else [])
        clips = [
            replace(one, frame_index=list(range(len(one.codes))), opening_px=one.opening_px[:0]) for one in spoken[:1]
        ]
    before = np.cumsum([0, *(len(clip.codes) for clip in clips)])
    shown = [clip for clip, start in zip(clips, before, strict=False) if start < MOST_FRAMES]
    return [Said(clip, heard_codes(subject.avatar, clip.pcm)) for clip in shown]


def shots(subject: Subject, sentences: Sequence[Said], truth: Path | None, progress: Progress) -> Iterator[Shot]:
    """Paint the sentences, frame by frame.

    Args:
        subject: the avatar.
        sentences: from `sentences_of`.
        truth: the folder of truth that they are from, if they are.
        progress: told of every frame.

    Raises:
        MediaError, InputError: the true crops cannot be decoded, or are too few.
    """
    total, done = sum(len(one.codes) for one in sentences), 0
    known = truth is not None and sentences[0].clip.rendered
    true = truth_crops(truth, [one.clip for one in sentences]) if truth is not None and known else None
    for number, one in enumerate(sentences):
        crops: Iterable[Image | None] = repeat(None) if true is None else next(true)
        frames = paint(subject, one.codes, one.clip.frame_index)
        for index, (painted, crop) in enumerate(zip(frames, crops, strict=False)):
            progress("film", done, total)
            yield Shot(number, index, painted.crop, painted.image, crop, phones_at(one.clip.phones, index))
            done += 1
    progress("film", total, total)


def phones_at(phones: Sequence[SpokenPhone], index: int) -> str:
    """What is spoken during a frame: its phones, with a space between; empty where they are not known."""
    start_ms, end_ms = index * FRAME_MS, (index + 1) * FRAME_MS
    return " ".join(phone.symbol for phone in phones if phone.start_ms < end_ms and phone.end_ms > start_ms)


def write_film(path: Path, sentences: Sequence[Said], shown: Iterable[Shot]) -> None:
    """Write an MP4 of some shots with the sound of their sentences.

    Raises:
        OutputError: it cannot be written.
    """
    pictures = (film_picture(shot) for shot in shown)
    first = next(pictures)
    height, width = first.shape[:2]
    with open_mp4(path, width=width, height=height, sound=iter([_sound(sentences)])) as writer:
        writer.write(first)
        for picture in pictures:
            writer.write(picture)


def film_picture(shot: Shot) -> Image:
    """Truth, result and difference side by side, or the result alone, words above and below: `HWC` uint8 BGR, even."""
    if shot.truth is None:
        tiles = {"result": shot.image}
    else:
        difference = cv2.convertScaleAbs(cv2.absdiff(shot.truth, shot.crop), alpha=DIFFERENCE_GAIN)
        name = f"difference x {DIFFERENCE_GAIN}"
        tiles = {"truth": shot.truth, "result": shot.crop, name: np.asarray(difference, np.uint8)}
        size = (TILE, TILE)
        tiles = {key: np.asarray(cv2.resize(tile, size, interpolation=cv2.INTER_CUBIC)) for key, tile in tiles.items()}
    height, width = next(iter(tiles.values())).shape[:2]
    picture = np.full(
        (height + height % 2 + 2 * STRIP, len(tiles) * width + len(tiles) * width % 2, 3), PAPER, np.uint8
    )
    for place, (name, tile) in enumerate(tiles.items()):
        picture[STRIP : STRIP + height, place * width : (place + 1) * width] = tile
        _write(picture, name, place * width + 12, STRIP - 12)
    words = f"sentence {shot.sentence + 1}   frame {shot.index}   {shot.words}"
    _write(picture, words, 12, STRIP + height + 28)
    return picture


def _write(picture: Image, words: str, x: int, y: int) -> None:
    cv2.putText(picture, words, (x, y), FONT, 0.7, INK, 1, cv2.LINE_AA)


def _sound(sentences: Sequence[Said]) -> Float32:
    """The sound of all, each filled up to whole frames, `[n, 2]` float32 at the film's rate."""
    filled = [np.pad(one.clip.pcm, (0, len(one.codes) * FRAME_SAMPLES - len(one.clip.pcm))) for one in sentences]
    mono = soxr.resample(np.concatenate(filled), SAMPLE_RATE_HZ, SOUND_RATE_HZ, quality="HQ")
    return np.repeat(mono[:, None], SOUND_CHANNELS, axis=1)
