"""Mel rows with codes in, a speech encoder and an articulation network trained end to end out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lipstream.audio.window import CONTEXT_AHEAD, CONTEXT_BEHIND
from lipstream.nets.articulation import Articulation
from lipstream.nets.speech_encoder import SpeechEncoder
from lipstream.rate import window_start_row
from lipstream.types import ARTICULATION, CODE_SIZE, CONTEXT_ROWS, WINDOW_ROWS, Codes, Float32, Mel

Half = NDArray[np.float16]
"""Mel rows and codes as they are kept on disk."""
FULL_CONTEXT_SHARE = 0.3
"""Of the sequences; the others keep windows up to i + k, k from -1 to 5."""
SPOKEN_SHARE = 0.5
"""Of the sequences: as they were spoken; with none, clean speech is followed worse (docs/evaluation.md)."""
BENT_SHARE = 0.5
"""Of the others: said by another throat at every use."""
SEQUENCE_FRAMES = 96
BATCH_SEQUENCES = 12
WEIGHTS = {"jaw": 2.0, "lip_gap": 3.0, "lip_width": 1.5, "protrusion": 1.5, "lip_press": 2.5, "lip_tuck": 3.0}
"""How much a dimension's error counts; 0.7 for the others."""
WIDTHS = {"lip_press": 0.5, "lip_tuck": 0.5, "tongue_front": 0.5}
"""Errors below it count squared, 0.1 for the others: what is mostly zero would otherwise be learnt as always zero."""
VELOCITY_WEIGHT = 0.5
CONTACTS = [ARTICULATION.index(name) for name in ("lip_press", "lip_tuck")]
"""Where they are 1 a frame counts twice: lips that miss each other on p b m are seen more than any other error."""
FORMANT_BINS = 1.2
"""Standard deviation of how far formants move, in mel bins: about 4 %."""
SPECTRUM_LOG_MEL = 0.25
"""Standard deviation of the level and of the spectrum's knots, in log-mel: about 3 dB."""
NOISE_LOG_MEL = 0.12
"""Most that the noise over all bins deviates, in log-mel: about 1.5 dB."""


@dataclass(frozen=True, eq=False)
class Shard:
    """Many utterances with their codes, one after the other."""

    mel: Half
    """`[sum of rows, 80]`, log-mel in -4..4."""
    rows: NDArray[np.int32]
    """Rows of each utterance."""
    codes: Half
    """`[sum of frames, 12]`."""
    frames: NDArray[np.int32]
    """Frames of each utterance."""

    @classmethod
    def of(cls, pairs: Sequence[tuple[Mel, Codes]]) -> "Shard":
        """Pack utterances: mel `[T, 80]` and codes `[frames, 12]` of each, NaN where nothing is known of a frame."""
        return cls(
            np.concatenate([mel for mel, _ in pairs]).astype(np.float16),
            np.array([len(mel) for mel, _ in pairs], np.int32),
            np.concatenate([codes for _, codes in pairs]).astype(np.float16),
            np.array([len(codes) for _, codes in pairs], np.int32),
        )

    @classmethod
    def read(cls, path: Path) -> "Shard":
        """Read a shard that `write` wrote."""
        with np.load(path) as arrays:
            return cls(arrays["mel"], arrays["rows"], arrays["codes"], arrays["frames"])

    def write(self, path: Path) -> None:
        """Write as `.npz`, renamed when whole."""
        unfinished = path.with_suffix(".part.npz")
        np.savez(unfinished, mel=self.mel, rows=self.rows, codes=self.codes, frames=self.frames)
        unfinished.replace(path)

    def utterances(self) -> Iterator[tuple[Half, Half]]:
        """Views of the mel rows and the codes of every utterance."""
        mels = np.split(self.mel, np.cumsum(self.rows)[:-1])
        codes = np.split(self.codes, np.cumsum(self.frames)[:-1])
        yield from zip(mels, codes, strict=True)


class SpeechNetworks(nn.Module):
    """Both networks, as they are trained: every window of a sequence encoded and projected once."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = SpeechEncoder()
        self.articulation = Articulation()

    def forward(self, mel: Tensor, exists: Tensor, ahead: Tensor) -> Tensor:
        """Articulate sequences.

        Args:
            mel: `[b, n + 15, 80, 16]`, windows i - 9 to i + n + 5 of a sequence that starts with frame i.
            exists: `[b, n + 15]` bool, which windows the audio holds.
            ahead: `[b]`, the last window of a context that has arrived, counted from the frame's own: -1..6.

        Returns:
            `[b, n, 12]`.
        """
        sequences, windows = exists.shape
        features = self.encoder(mel.flatten(0, 1).unsqueeze(1))
        rows = self.articulation.projection(features).reshape(sequences, windows, -1) * exists.unsqueeze(-1)
        contexts = rows.unfold(1, CONTEXT_ROWS, 1).transpose(2, 3)  # [b, n, 16, width]
        arrived = torch.arange(-CONTEXT_BEHIND, CONTEXT_AHEAD + 1, device=mel.device) <= ahead[:, None]
        contexts = contexts * arrived[:, None, :, None]
        codes = self.articulation.decode(contexts.flatten(0, 1))
        return codes.reshape(sequences, -1, CODE_SIZE).float()


def sequence(mel: Mel | Half, first_frame: int, frames: int) -> tuple[Float32, NDArray[np.bool_]]:
    """Cut the windows that `frames` frames need out of an utterance.

    Args:
        mel: `[T, 80]`.
        first_frame: of the utterance, below 0 for frames before it.
        frames: how many.

    Returns:
        Windows `[frames + 15, 80, 16]` float32, silent where missing, and which exist `[frames + 15]`.
    """
    windows = np.arange(first_frame - CONTEXT_BEHIND, first_frame + frames + CONTEXT_AHEAD)
    starts = np.array([window_start_row(int(window)) for window in windows])
    exists = (starts >= 0) & (starts + WINDOW_ROWS <= len(mel))
    rows = np.where(exists, starts, 0)[:, None] + np.arange(WINDOW_ROWS)
    cut = mel[np.minimum(rows, len(mel) - 1)].astype(np.float32)
    cut[~exists] = -4.0
    return cut.transpose(0, 2, 1), exists


def another_throat(mel: Mel | Half, random: np.random.Generator) -> Mel:
    """Let other formants, another spectrum and some noise speak: a new one at every use, cheaply.

    Args:
        mel: `[T, 80]`, log-mel in -4..4.
        random: decides everything.

    Returns:
        `[T, 80]` float32: the frequency axis bent by a bin or so at six knots, a curve of about 0.25 added where there
        is sound, noise of up to 0.12 over all.
    """
    bins = np.arange(mel.shape[1])
    knots = np.linspace(0, bins[-1], 6)
    position = np.clip(bins + np.interp(bins, knots, random.normal(0, FORMANT_BINS, 6)), 0, bins[-1])
    low = np.minimum(position.astype(int), bins[-1] - 1)
    part = (position - low).astype(np.float32)
    bent = mel[:, low] * (1 - part) + mel[:, low + 1] * part
    colour = np.interp(bins, knots, random.normal(0, SPECTRUM_LOG_MEL, 6) + random.normal(0, SPECTRUM_LOG_MEL))
    noise = random.uniform(0, NOISE_LOG_MEL) * random.standard_normal(bent.shape, np.float32)
    said: Mel = np.clip(bent + colour * (bent > -3.9) + noise, -4, 4).astype(np.float32)
    return said


class SpeechTask:
    """What the trainer loop asks for: random sequences, a weighted loss, correlations on held-out speech.

    Args:
        spoken: utterances as they were spoken: half of the sequences, all where `augmented` is empty.
        augmented: utterances in rooms, noise and other voices; half of what is drawn is said by `another_throat`.
        held_out: utterances to measure on, by the names that their figures get.
        seed: of the draws.
    """

    def __init__(
        self, spoken: Sequence[Shard], augmented: Sequence[Shard], held_out: Mapping[str, Shard], seed: int
    ) -> None:
        self._spoken, self._augmented = _utterances(spoken), _utterances(augmented)
        self._held_out = {name: _utterances([shard]) for name, shard in held_out.items()}
        self._seed = seed
        self._spoken_share = SPOKEN_SHARE if spoken and augmented else float(bool(spoken))
        self._weights = torch.tensor([WEIGHTS.get(name, 0.7) for name in ARTICULATION])
        self._widths = torch.tensor([WIDTHS.get(name, 0.1) for name in ARTICULATION])

    def batch(self, step: int) -> dict[str, Tensor]:
        """BATCH_SEQUENCES sequences of random utterances, each cut off at its own look-ahead."""
        random = np.random.default_rng((self._seed, step))
        parts = [_random_part(*self._draw(random), random) for _ in range(BATCH_SEQUENCES)]
        mel, exists, codes, counts = (np.stack(arrays) for arrays in zip(*parts, strict=True))
        ahead = np.where(
            random.uniform(size=len(parts)) < FULL_CONTEXT_SHARE,
            CONTEXT_AHEAD,
            random.integers(-1, CONTEXT_AHEAD, len(parts)),
        )
        arrays = {"mel": mel, "exists": exists, "codes": codes, "counts": counts, "ahead": ahead}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _draw(self, random: np.random.Generator) -> tuple[Mel | Half, Half]:
        if random.uniform() < self._spoken_share:
            return self._spoken[int(random.integers(len(self._spoken)))]
        mel, codes = self._augmented[int(random.integers(len(self._augmented)))]
        return (another_throat(mel, random) if random.uniform() < BENT_SHARE else mel), codes

    def loss(self, module: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Huber loss of the codes and of their velocity; frames outside the utterance do not count."""
        found, true = module(batch["mel"], batch["exists"], batch["ahead"]), batch["codes"]
        weights, widths = self._weights.to(found.device), self._widths.to(found.device)
        contact = 1 + true[..., CONTACTS].clamp(0, 1).sum(-1, keepdim=True)
        counts = batch["counts"].unsqueeze(-1).float() * contact
        error = _huber(found - true, widths)
        velocity = _huber(found.diff(dim=1) - true.diff(dim=1), widths)
        position_loss = (error * weights * counts).sum() / counts.sum().clamp(min=1) / weights.sum()
        pairs = counts[:, 1:] * (counts[:, :-1] > 0)
        velocity_loss = (velocity * weights * pairs).sum() / pairs.sum().clamp(min=1) / weights.sum()
        total = position_loss + VELOCITY_WEIGHT * velocity_loss
        return {"loss": total, "position_loss": position_loss, "velocity_loss": velocity_loss}

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        """Median correlation over the held-out utterances, with full context and with the live one."""
        figures: dict[str, float] = {}
        for name, utterances in self._held_out.items():
            for context, ahead in (("full", CONTEXT_AHEAD), ("live", 0)):
                pairs = [(articulate(module, mel, len(codes), ahead), codes) for mel, codes in utterances]
                for part in ("lip_gap", "jaw"):
                    figures[f"{part}_r_{name}_{context}"] = correlation(pairs, part)
                figures[f"all_r_{name}_{context}"] = float(np.mean([correlation(pairs, part) for part in ARTICULATION]))
        return {"score": float(np.mean([value for name, value in figures.items() if "lip_gap" in name])), **figures}


def _huber(error: Tensor, widths: Tensor) -> Tensor:
    """Squared within the widths, linear with slope 1 beyond."""
    size = error.abs()
    return torch.where(size < widths, size.square() / (2 * widths), size - widths / 2)


def _utterances(shards: Sequence[Shard]) -> list[tuple[Half, Half]]:
    return [pair for shard in shards for pair in shard.utterances()]


def _random_part(
    mel: Mel | Half, codes: Half, random: np.random.Generator
) -> tuple[Float32, NDArray[np.bool_], Float32, NDArray[np.bool_]]:
    frames = len(codes)
    first = int(random.integers(min(0, frames - SEQUENCE_FRAMES), max(0, frames - SEQUENCE_FRAMES) + 1))
    windows, exists = sequence(mel, first, SEQUENCE_FRAMES)
    wanted = np.arange(first, first + SEQUENCE_FRAMES)
    true = codes[np.clip(wanted, 0, frames - 1)].astype(np.float32)
    counts = (wanted >= 0) & (wanted < frames) & np.isfinite(true).all(axis=1)
    return windows, exists, np.nan_to_num(true), counts


@torch.no_grad()
def articulate(module: nn.Module, mel: Mel | Half, frames: int, ahead: int = CONTEXT_AHEAD) -> Codes:
    """Codes of a whole utterance, `[frames, 12]`."""
    windows, exists = sequence(mel, 0, frames)
    device = next(module.parameters()).device
    arguments = (torch.from_numpy(array)[None].to(device) for array in (windows, exists))
    codes: Codes = module(*arguments, torch.tensor([ahead], device=device))[0].cpu().numpy()
    return codes


def correlation(pairs: Sequence[tuple[Codes, Half]], dimension: str) -> float:
    """Median Pearson r of a dimension over utterances where it moves, 0 where it never does.

    Args:
        pairs: codes found and true of each utterance, `[n, 12]`; where the true ones are NaN, a frame is left out.
        dimension: of articulation/1.
    """
    column = ARTICULATION.index(dimension)
    known = [np.isfinite(true[:, column]) for _, true in pairs]
    curves = [
        (found[where, column], true[where, column].astype(np.float32))
        for (found, true), where in zip(pairs, known, strict=True)
        if where.any()
    ]
    each = [np.corrcoef(found, true)[0, 1] for found, true in curves if true.std() > 0.02 and found.std() > 0]
    return float(np.median(each)) if each else 0.0
