"""Sentences and their painted frames in, sheets of stills for a report out: a sentence, a pause, the mouth close by."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.measures import loudness
from lipstream.evaluate.reconstruction import Said
from lipstream.evaluate.report.side_by_side import Shot
from lipstream.render.crop import Box
from lipstream.types import ARTICULATION, FRAME_MS, Float32, Image
from lipstream.video.jpeg import encode_jpeg
from lipstream.video.lips import INNER_LIPS, MOUTH_CORNERS

QUIET_SHARE = 0.03  # of the loudest frame
LEAST_PAUSE_FRAMES = 6
SENTENCE_STILLS, PAUSE_STILLS = 32, 8
STILL_WIDTH = 160  # pixels
ENLARGED = 4
MARGIN = 12  # pixels of the crop around the mask
JPEG_QUALITY = 88
POSES = {
    "lip_gap": "widest open",
    "protrusion": "most rounded",
    "lip_press": "lips most pressed",
    "lip_tuck": "lip nearest the teeth",
}
"""Dimension of the code whose largest value is shown close by, and what that is."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which frames a sheet shows."""

    title: str
    """Its heading."""
    note: str
    """What is seen."""
    captions: dict[tuple[int, int], str]
    """Number of sentence and frame to words before its time and phones, in the order of the sheet."""
    close: bool = False
    """Whether the mouth alone is shown, enlarged."""


@dataclass(frozen=True, slots=True)
class Still:
    """One picture of a sheet."""

    jpeg: bytes
    """The truth, where it is known, above the result."""
    caption: str
    """The words below it."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Pictures with a heading."""

    title: str
    """The heading."""
    note: str
    """What is seen."""
    stills: tuple[Still, ...]
    """The pictures in order."""


class Album:
    """Keeps the chosen frames of a film while it is made."""

    def __init__(self, subject: Subject, sentences: Sequence[Said]) -> None:
        """Choose the frames of some sentences, which `shots` then paints."""
        self._choices = choices(sentences)
        self._wide, self._close = mask_box(subject.weight), mouth_box(subject)
        self._stills: list[dict[tuple[int, int], Still]] = [{} for _ in self._choices]

    def note(self, shot: Shot) -> None:
        """Take what the sheets need of a frame."""
        place = (shot.sentence, shot.index)
        for choice, stills in zip(self._choices, self._stills, strict=True):
            if place in choice.captions:
                jpeg = _close(shot, self._close) if choice.close else _wide(shot, self._wide)
                stills[place] = Still(jpeg, choice.captions[place] + shot.words)

    def sheets(self) -> list[Sheet]:
        """The sheets, once all frames have passed."""
        found = []
        for choice, stills in zip(self._choices, self._stills, strict=True):
            ordered = [stills[place] for place in choice.captions if place in stills]
            if ordered:
                found.append(Sheet(choice.title, choice.note, tuple(ordered)))
        return found


def choices(sentences: Sequence[Said]) -> list[Choice]:
    """The frames worth seeing: the first sentence from end to end, the longest pause, four shapes of the mouth."""
    if not sentences:
        return []
    spoken = np.flatnonzero(~_quiet(sentences[0]))
    first, last = (int(spoken[0]), int(spoken[-1])) if len(spoken) else (0, len(sentences[0].codes) - 1)
    step = -(-(last - first + 1) // SENTENCE_STILLS)
    sentence = {(0, index): "" for index in range(first, last + 1, step)}
    note = f"One frame in {step}, in order, with the time and what is spoken meanwhile."
    found = [Choice("A sentence", note, sentence)]
    number, start, length = _longest_pause(sentences)
    if length >= LEAST_PAUSE_FRAMES:
        chosen = np.linspace(start, start + length - 1, min(length, PAUSE_STILLS)).round().astype(int)
        note = f"The longest stretch without speech: {length * FRAME_MS} ms of sentence {number + 1}."
        found.append(Choice("A pause", note, {(number, int(index)): "" for index in chosen}))
    note = f"{ENLARGED} times the size at which the picture is made, where the articulation heard is at its extremes."
    return [*found, Choice("The mouth close by", note, _extremes(sentences), close=True)]


def mask_box(weight: Float32) -> Box:
    """What a mask, `[H, W]` float32 in 0..1, covers of a crop, with a margin, in crop pixels."""
    rows, columns = (np.flatnonzero(weight.max(axis=axis) > 0.5) for axis in (1, 0))
    if len(rows) == 0:
        return 0, 0, weight.shape[1], weight.shape[0]
    return (
        max(0, int(columns[0]) - MARGIN),
        max(0, int(rows[0]) - MARGIN),
        min(weight.shape[1], int(columns[-1]) + 1 + MARGIN),
        min(weight.shape[0], int(rows[-1]) + 1 + MARGIN),
    )


def mouth_box(subject: Subject) -> Box:
    """The mouth in a crop, half again as wide as it is closed; what the mask covers where no mouth is found."""
    points = subject.finder.detect(subject.avatar.clip.image(0))
    if points is not None:
        matrix = subject.bundle.transforms[0]
        left, right = (matrix[:, :2] @ points[corner, :2] + matrix[:, 2] for corner in MOUTH_CORNERS)
        middle = matrix[:, :2] @ points[INNER_LIPS[1][0], :2] + matrix[:, 2]
        half = 0.75 * float(np.linalg.norm(right - left))
        box = np.array([middle[0] - half, middle[1] - 0.7 * half, middle[0] + half, middle[1] + 0.9 * half])
        left_px, top, right_px, bottom = (int(edge) for edge in np.clip(box, 0, subject.weight.shape[0]))
        if right_px - left_px >= 16 and bottom - top >= 16:
            return left_px, top, right_px, bottom
    return mask_box(subject.weight)


def _wide(shot: Shot, box: Box) -> bytes:
    picture = _stacked(shot, box)
    height = round(picture.shape[0] * STILL_WIDTH / picture.shape[1])
    smaller = cv2.resize(picture, (STILL_WIDTH, height), interpolation=cv2.INTER_AREA)
    return encode_jpeg(np.asarray(smaller, np.uint8), quality=JPEG_QUALITY)


def _close(shot: Shot, box: Box) -> bytes:
    larger = cv2.resize(_stacked(shot, box), None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    return encode_jpeg(np.asarray(larger, np.uint8), quality=JPEG_QUALITY)


def _stacked(shot: Shot, box: Box) -> Image:
    """A part of the crop, the true one above."""
    left, top, right, bottom = box
    crops = [shot.crop] if shot.truth is None else [shot.truth, shot.crop]
    return np.concatenate([crop[top:bottom, left:right] for crop in crops])


def _extremes(sentences: Sequence[Said]) -> dict[tuple[int, int], str]:
    captions = {}
    for name, words in POSES.items():
        column = ARTICULATION.index(name)
        values = [(float(sentence.codes[:, column].max()), number) for number, sentence in enumerate(sentences)]
        number = max(values)[1]
        index = int(np.argmax(sentences[number].codes[:, column]))
        captions[number, index] = f"{words}, sentence {number + 1}, "
    return captions


def _longest_pause(sentences: Sequence[Said]) -> tuple[int, int, int]:
    """Sentence, first frame and length of the longest quiet stretch."""
    best = (0, 0, 0)
    for number, sentence in enumerate(sentences):
        length = 0
        for index, quiet in enumerate(_quiet(sentence)):
            length = length + 1 if quiet else 0
            if length > best[2]:
                best = (number, index - length + 1, length)
    return best


def _quiet(sentence: Said) -> NDArray[np.bool_]:
    level = loudness(sentence.clip.pcm, len(sentence.codes))
    quiet: NDArray[np.bool_] = level <= QUIET_SHARE * level.max()
    return quiet
