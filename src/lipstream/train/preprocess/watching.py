"""A video file in, its person's points at 25 pictures a second with the sound beside them out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from lipstream.errors import MediaError
from lipstream.rate import frames_of_samples
from lipstream.runtime.networks import SpeechEngines
from lipstream.speech.codes import SpeechToCode
from lipstream.train.preprocess.following import FaceFinder, Person, follow, sightings
from lipstream.train.preprocess.recording import fitted, steady_pictures
from lipstream.types import Codes, Pcm


class Progress(Protocol):
    """Told how far the work is."""

    def __call__(self, group: str, done: int, total: int) -> None:
        """`done` of about `total` parts of a stage, the group, are finished."""
        ...


@dataclass(frozen=True, eq=False)
class Watched:
    """One recording of the person, F frames long."""

    path: Path
    """Where it is."""
    frames: int
    """F, at 25 a second."""
    height: int
    """Of its pictures, in pixels."""
    width: int
    """Of its pictures, in pixels."""
    person: Person
    """Where the person is seen."""
    pcm: Pcm
    """The sound from the first picture on, `[640 F]` float32 at 16 kHz."""


def watch(path: Path, pcm: Pcm, finder: FaceFinder, seen: Callable[[int], None]) -> Watched:
    """Follow the person through a video.

    Args:
        path: the video.
        pcm: its sound from the first picture on, from `sound_beside`.
        finder: finds the faces.
        seen: told the number of pictures after each.

    Raises:
        MediaError: it is no video, or damaged from the start.
    """
    tracks, frames, (height, width) = sightings(steady_pictures(path), finder, seen)
    if not height:
        raise MediaError(f"{path} holds no picture that can be decoded; record or export it again.")
    return Watched(path, frames, height, width, follow(tracks), fitted(pcm, frames))


def hear(pcm: Pcm, speech: SpeechEngines) -> Codes:
    """What the speech networks hear in sound `[L]` float32 at 16 kHz: `[ceil(L / 640), 12]` float32."""
    converter = SpeechToCode(speech.encoder, speech.articulation)
    codes = np.concatenate([converter.push(pcm), converter.finish()])
    return codes[: frames_of_samples(len(pcm))]
