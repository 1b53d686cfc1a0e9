"""Recordings of one person in, all that training needs to know of their pictures out; the file that keeps it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from lipstream.audio.voice import SPEAKING, voice_activity
from lipstream.runtime.networks import SpeechEngines
from lipstream.train.preprocess.alignment import HOME, crop_transforms, framing_scale, in_crop, poses
from lipstream.train.preprocess.articulation import seen_codes
from lipstream.train.preprocess.findings import Findings, check_sound, check_usable, seconds
from lipstream.train.preprocess.following import FaceFinder
from lipstream.train.preprocess.mask import mask_over
from lipstream.train.preprocess.offset import Offset, in_time, measure_offset
from lipstream.train.preprocess.outline import outlines
from lipstream.train.preprocess.recording import sound_beside
from lipstream.train.preprocess.watching import Progress, Watched, hear, watch
from lipstream.types import ARTICULATION, FRAME_RATE_HZ, FRAME_SAMPLES, SAMPLE_RATE_HZ, Codes, Float32, Pcm, UInt8
from lipstream.video.lips import INNER_LIPS, face_height_px, opening

GAP = ARTICULATION.index("lip_gap")
HELD_OUT_SHARE = 0.15
FEWEST_HELD_OUT, MOST_HELD_OUT = FRAME_RATE_HZ, 20 * FRAME_RATE_HZ
APART_FRAMES = FRAME_RATE_HZ // 2
"""Between what is learnt from and what is held out: neighbours look alike."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """The n usable pictures of one person, in order, over all recordings."""

    findings: Findings
    """What the recordings hold."""
    heights: NDArray[np.int64]
    """Of the pictures of each recording, in pixels."""
    widths: NDArray[np.int64]
    """Of the pictures of each recording, in pixels."""
    sources: NDArray[np.int64]
    """Number of the recording that each picture is from, `[n]`."""
    frames: NDArray[np.int64]
    """Its number in that recording at 25 a second, `[n]`."""
    runs: NDArray[np.int64]
    """Number of the unbroken run that it belongs to, `[n]`."""
    transforms: Float32
    """Picture to crop, `[n, 2, 3]` float32."""
    poses: Float32
    """Of the head, `[n, 3]` float32 degrees."""
    heard: Codes
    """What the speech networks hear, in time with the picture, `[n, 12]` float32."""
    seen: Codes
    """What the face shows, `[n, 12]` float32."""
    opening: Float32
    """Distance of the inner lips as a share of the face's height, `[n]` float32."""
    mouth: Float32
    """Centre of the inner lips, `[n, 2]` float32 x, y in pixels of the crop."""
    outlines: Float32
    """Inside which the mouth is painted, `[n, 15, 2]` float32 in pixels of the crop, from `outline.outlines`."""
    quiet: NDArray[np.bool_]
    """Where nobody speaks, `[n]`."""
    training: NDArray[np.bool_]
    """Which are learnt from, `[n]`."""
    held_out: NDArray[np.bool_]
    """Which only judge, `[n]`."""
    mask: UInt8
    """Where the mouth is painted, `[320, 320]` uint8."""
    scale: float
    """How the face is framed; see `alignment.framing_scale`."""

    def save(self, file: BinaryIO) -> None:
        """Write an `.npz`."""
        arrays = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "findings"}
        np.savez_compressed(file, findings=json.dumps(self.findings.as_json()), **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        found = Findings(**json.loads(str(arrays.pop("findings"))))
        return cls(findings=found, **arrays | {"scale": float(arrays["scale"])})


def prepare(videos: Sequence[Path], finder: FaceFinder, speech: SpeechEngines, progress: Progress) -> Prepared:
    """Look at and listen to recordings of one person.

    Args:
        videos: any video files with sound; the last ones, or the end of the only one, are held out.
        finder: finds faces.
        speech: hears the lips in the sound.
        progress: told of the stage `faces`, in pictures.

    Raises:
        MediaError: one of them is damaged or has no sound.
        InputError: no face, too small or too short, no speech.
    """
    sounds = [sound_beside(path) for path in videos]
    names = videos[0].name if len(videos) == 1 else f"{videos[0].name} and {len(videos) - 1} more"
    speech_s = seconds(sum(int((voice_activity(pcm) >= SPEAKING).sum()) for pcm in sounds))
    check_sound(sum(map(len, sounds)) / SAMPLE_RATE_HZ, speech_s, names)
    watched = _watch_all(videos, sounds, finder, progress)
    check_usable(_findings(watched, speech_s, Offset(0.0, 0.0)), names)
    return _described(watched, speech_s, speech)


def _watch_all(videos: Sequence[Path], sounds: Sequence[Pcm], finder: FaceFinder, progress: Progress) -> list[Watched]:
    total, before, watched = sum(len(pcm) // FRAME_SAMPLES for pcm in sounds), 0, []
    for path, pcm in zip(videos, sounds, strict=True):
        begun = before

        def seen(done: int, begun: int = begun) -> None:
            progress("faces", begun + done, max(total, begun + done))

        watched.append(watch(path, pcm, finder, seen))
        before += watched[-1].frames
    return watched


def _findings(watched: Sequence[Watched], speech_s: float, offset: Offset) -> Findings:
    frames = sum(one.frames for one in watched)
    usable = sum(len(one.person.frames) for one in watched)
    heights = [face_height_px(one.person.points) for one in watched if len(one.person.frames)]
    return Findings(
        duration_s=seconds(frames),
        usable_share=usable / max(1, frames),
        speech_s=speech_s,
        face_height_px=float(np.median(np.concatenate(heights))) if heights else 0.0,
        cuts=sum(int(one.person.runs[-1]) for one in watched if len(one.person.runs)),
        sound_late_ms=offset.late_ms,
        following_r=offset.r,
    )


def _described(watched: Sequence[Watched], speech_s: float, speech: SpeechEngines) -> Prepared:
    points = np.concatenate([one.person.points for one in watched])
    runs = joined_runs([one.person.runs for one in watched])
    opened = opening(points)
    offset = measure_offset(_heard(watched, speech, 0.0)[:, GAP], opened, runs)
    heard = _heard(watched, speech, offset.late_ms)
    quiet = np.concatenate([_quiet(one, offset.late_ms) for one in watched])
    scale = framing_scale(points, runs)
    transforms, turned = crop_transforms(points, runs, scale), poses(points, runs)
    placed = in_crop(points, transforms)
    training, held_out = split(len(points))
    return Prepared(
        findings=_findings(watched, speech_s, offset),
        heights=np.array([one.height for one in watched]),
        widths=np.array([one.width for one in watched]),
        sources=np.repeat(np.arange(len(watched)), [len(one.person.frames) for one in watched]),
        frames=np.concatenate([one.person.frames for one in watched]),
        runs=runs,
        transforms=transforms,
        poses=turned,
        heard=heard,
        seen=seen_codes(placed, turned, heard, quiet),
        opening=opened,
        mouth=placed[:, np.array(INNER_LIPS).ravel(), :2].mean(axis=1),
        outlines=outlines(placed, runs),
        quiet=quiet,
        training=training,
        held_out=held_out,
        mask=mask_over(placed),
        scale=scale,
    )


def framed_as(prepared: Prepared, scale: float) -> Prepared:
    """The same pictures framed as an avatar of the person is, whose scale is in its `crops.npz`."""
    centre, times = HOME.mean(axis=0), np.float32(scale / prepared.scale)
    transforms = times * prepared.transforms
    transforms[:, :, 2] += (1 - times) * centre
    mouth, around = (centre + times * (points - centre) for points in (prepared.mouth, prepared.outlines))
    return replace(prepared, transforms=transforms, mouth=mouth, outlines=around, scale=scale)


def split(pictures: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of so many pictures in order are learnt from and which are held out, the tail: two `[n]` bool."""
    kept = int(np.clip(HELD_OUT_SHARE * pictures, FEWEST_HELD_OUT, MOST_HELD_OUT))
    number = np.arange(pictures)
    return number < pictures - kept - APART_FRAMES, number >= pictures - kept


def joined_runs(runs: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Runs of recordings after each other, numbered on: no run goes from one into the next."""
    numbered, begun = [], 0
    for some in runs:
        numbered.append(some + begun)
        begun += int(some[-1]) + 1 if len(some) else 0
    return np.concatenate(numbered)


def _heard(watched: Sequence[Watched], speech: SpeechEngines, late_ms: float) -> Codes:
    return np.concatenate([hear(in_time(one.pcm, late_ms), speech)[one.person.frames] for one in watched])


def _quiet(one: Watched, late_ms: float) -> NDArray[np.bool_]:
    speaking: NDArray[np.bool_] = voice_activity(in_time(one.pcm, late_ms)) >= SPEAKING
    return ~speaking[one.person.frames]
