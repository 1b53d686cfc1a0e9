"""Recordings and the codes seen in them in, speech networks that hear how this person speaks out.

Of the two networks the encoder stays; the articulation network goes on learning, for a few minutes, from the person's
own sound and lips. What cannot be seen it goes on hearing as before, and so it does where nobody speaks: a mouth that
was closed in silence stays closed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lipstream.audio.mel import mel_spectrogram
from lipstream.audio.voice import SPEAKING, voice_activity
from lipstream.avatar.arrays import read_npz
from lipstream.avatar.bundle import SpeechBundle
from lipstream.rate import frames_of_samples
from lipstream.runtime.networks import SpeechEngines
from lipstream.speech.articulation import fade_weights
from lipstream.train import loop
from lipstream.train.export import round_weights
from lipstream.train.learning import Schedule
from lipstream.train.loop import LoopConfig, train
from lipstream.train.preprocess.articulation import SEEN
from lipstream.train.preprocess.offset import in_time
from lipstream.train.preprocess.prepared import Prepared
from lipstream.train.preprocess.recording import fitted, sound_beside
from lipstream.train.preprocess.watching import hear
from lipstream.train.speech import Shard, SpeechNetworks, SpeechTask, articulate
from lipstream.train.speech_files import TENSORS, stored_networks, write_speech
from lipstream.types import ARTICULATION, CODE_SIZE, Codes, Float32, Mel, Pcm
from lipstream.video.staging import writing_to

STEPS = 160
"""Chosen, like the rate, by folds of one speaker's clips: more steps heard no better."""
LEARNING_RATE = 1e-3
MISSING_SHARE = 0.2
"""Of the features at every step: a few minutes of one voice would otherwise be known by heart."""
ADAPTED_SHARE = 0.75
"""Of the way from the shared weights to the learnt ones: nearly all of what is gained for this person's words, and
half of what is lost on words that the recordings lack (docs/training.md)."""
EVALUATE_EVERY = 20
PATIENCE = 5
HELD_OUT = "held_out"
MOST_FRAMES = 250
"""Of a piece of a recording: it bounds the memory of a run."""
MARGIN_FRAMES = 15
"""Heard before and after a piece, more than a context takes."""
ALIGNED_FRAMES, ALIGNED_ROWS = 5, 16
"""Windows lie alike over the mel rows every five frames, so pieces begin there."""
_SEEN = [ARTICULATION.index(name) for name in SEEN]


class Listener(SpeechNetworks):
    """The speech networks of which only the second one learns, from features some of which are missing."""

    def __init__(self, start: SpeechNetworks) -> None:
        super().__init__()
        self.load_state_dict(start.state_dict())
        self.encoder.requires_grad_(requires_grad=False)
        self.encoder.features.append(nn.Dropout(MISSING_SHARE))

    def train(self, mode: bool = True) -> Self:
        """Keep the encoder as it is: its normalisations would follow the voice."""
        super().train(mode)
        self.encoder.convolutions.eval()
        return self


@dataclass(frozen=True, eq=False)
class Sound:
    """One recording as it is heard, F frames long."""

    mel: Mel
    """`[T, 80]` float32."""
    voiced: Float32
    """How far the mouth follows the sound in each frame, `[F]` float32: 0 where nobody speaks."""


def sounds_of(videos: Sequence[Path], prepared: Prepared) -> list[Pcm]:
    """The sound of each recording in time with its pictures, `[640 F]` float32, long enough for all of them."""
    sounds = []
    for source, path in enumerate(videos):
        pcm, used = sound_beside(path), prepared.frames[prepared.sources == source]
        frames = max(frames_of_samples(len(pcm)), int(used.max(initial=-1)) + 1)
        sounds.append(in_time(fitted(pcm, frames), prepared.findings.sound_late_ms))
    return sounds


def heard_again(videos: Sequence[Path], prepared: Prepared, speech: SpeechEngines) -> Codes:
    """What other speech networks hear beside the usable pictures, `[n, 12]` float32."""
    heard = np.zeros_like(prepared.heard)
    for source, pcm in enumerate(sounds_of(videos, prepared)):
        its = prepared.sources == source
        heard[its] = hear(pcm, speech)[prepared.frames[its]]
    return heard


def listening_task(sounds: Sequence[Pcm], prepared: Prepared, shared: SpeechNetworks, seed: int) -> SpeechTask:
    """What there is to learn: codes as seen where somebody speaks, as they were heard before for the rest.

    Args:
        sounds: from `sounds_of`.
        prepared: of the recordings.
        shared: the networks before.
        seed: of the draws.
    """
    heard = [Sound(mel_spectrogram(pcm), fade_weights(voice_activity(pcm) >= SPEAKING)) for pcm in sounds]

    def shard(wanted: NDArray[np.bool_]) -> Shard:
        parts = (_pieces(one, source, prepared, wanted, shared) for source, one in enumerate(heard))
        return Shard.of([piece for some in parts for piece in some])

    return SpeechTask([], [shard(prepared.training)], {HELD_OUT: shard(prepared.held_out)}, seed)


def _pieces(
    sound: Sound, source: int, prepared: Prepared, wanted: NDArray[np.bool_], shared: SpeechNetworks
) -> Iterator[tuple[Mel, Codes]]:
    """Mel rows and codes of stretches of a recording, NaN in frames that are not wanted."""
    its = np.flatnonzero(wanted & (prepared.sources == source))
    if not len(its):
        return
    seen = np.full((len(sound.voiced), CODE_SIZE), np.nan, np.float32)
    seen[prepared.frames[its]] = prepared.seen[its]
    for first in range(int(prepared.frames[its[0]]), int(prepared.frames[its[-1]]) + 1, MOST_FRAMES):
        begin = max(0, first - MARGIN_FRAMES) // ALIGNED_FRAMES * ALIGNED_FRAMES
        end = min(first + MOST_FRAMES + MARGIN_FRAMES, len(seen))
        rows = (frame // ALIGNED_FRAMES * ALIGNED_ROWS for frame in (begin, end + ALIGNED_FRAMES))
        mel, counts = sound.mel[slice(*rows)], np.zeros((end - begin, 1), np.bool_)
        counts[first - begin : first - begin + MOST_FRAMES] = True
        codes = _wanted(articulate(shared, mel, end - begin), seen[begin:end], sound.voiced[begin:end])
        if np.isfinite(codes[counts[:, 0]]).any():
            yield mel, np.where(counts, codes, np.nan).astype(np.float32)


def _wanted(heard: Codes, seen: Codes, voiced: Float32) -> Codes:
    """Codes to learn, `[n, 12]`: as seen, as far as the mouth follows the sound; NaN where nothing was seen."""
    wanted, share = heard.copy(), voiced[:, None]
    wanted[:, _SEEN] = share * seen[:, _SEEN] + (1 - share) * heard[:, _SEEN]
    return wanted


def listening_config(schedule: Schedule) -> LoopConfig:
    """The loop's configuration."""
    return LoopConfig(
        steps=min(STEPS, schedule.steps),
        minutes=schedule.minutes,
        learning_rate=LEARNING_RATE,
        warmup_steps=20,
        weight_decay=0.0,
        evaluate_every=EVALUATE_EVERY,
        patience=PATIENCE,
        seed=schedule.seed,
        device=schedule.device,
    )


def expected_minutes(task: SpeechTask, shared: SpeechBundle, schedule: Schedule) -> float:
    """How long it takes at most, from a few steps of a copy on this device."""
    return loop.expected_minutes(Listener(stored_networks(shared)), task, listening_config(schedule))


def adapt(
    task: SpeechTask, shared: SpeechBundle, folder: Path, schedule: Schedule, progress: Callable[[float], None]
) -> SpeechBundle | None:
    """Train, or go on training, speech networks for one person.

    Args:
        task: from `listening_task`.
        shared: the networks to begin with.
        folder: of the run: checkpoints, `table.csv`, `curves.png`, the networks themselves.
        schedule: how long and on what.
        progress: told the share that is done, 0..1.

    Returns:
        The networks; None where those to begin with follow the held-out lips no worse.

    Raises:
        AvatarError: the networks to begin with are of other shapes.
        InputError: the folder holds a run of another configuration.
        OutputError: a checkpoint or the networks cannot be written.
    """
    start = stored_networks(shared)
    listener = Listener(start).eval()
    before = task.evaluate(start)
    train(listener, task, folder, listening_config(schedule), progress)
    listener = listener.eval().cpu().float()
    with torch.no_grad():
        for own, known in zip(listener.parameters(), start.parameters(), strict=True):
            own.lerp_(known, 1 - ADAPTED_SHARE)
    round_weights(listener.articulation)
    after = task.evaluate(listener)
    if not after["score"] > before["score"]:
        return None
    golden = read_npz(shared.golden_path)
    examples = {name: torch.from_numpy(golden[f"{name}/{given}"]) for name, (given, _) in TENSORS.items()}
    figures = {
        f"{name}_{whose}": round(value, 4)
        for whose, found in (("shared", before), ("own", after))
        for name, value in found.items()
    }
    provenance = {**shared.manifest.provenance, "adapted": "to recordings of one person"}
    with writing_to(folder):
        return write_speech(folder / "networks", listener, examples, provenance, figures)
