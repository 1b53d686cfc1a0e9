"""Spoken sentences in, what to render out: `python -m studio.choose WORK`.

Writes `WORK/face/crops.npz`, articulations to train the generator on, each with a pose of the idle loop, and
`WORK/face/heldout.npz`, the first sentences of the held-out voice frame by frame, and `WORK/face/spoken.npz`, about a
minute of them with their sound and phones. Every sixth articulation is drawn over the edge of speech, so that a gain
above 1 has been seen.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipstream.rate import frames_of_samples
from lipstream.types import ARTICULATION, CODE_SIZE, SAMPLE_RATE_HZ, Codes
from studio.articulation import curves
from studio.idle import LOOP_FRAMES
from studio.phones import Phone
from studio.train_speech import TRUTH_SENTENCES, number_of
from studio.voices import HELD_OUT_VOICE, read

CROPS = 1500
HELD_OUT_FRAMES = 400
"""Frames of held-out speech that are rendered, at least: whole sentences."""
HELD_OUT_SAMPLES = 60 * SAMPLE_RATE_HZ
"""Held-out speech in all, at least: whole sentences; those after the rendered ones are judged by their codes alone."""
OPENING = [ARTICULATION.index(name) for name in ("jaw", "lip_gap", "upper_lip", "lower_lip", "teeth_gap")]


def spread(codes: Codes, count: int, random: np.random.Generator) -> Codes:
    """Choose codes far from each other (farthest point, after Gonzalez 1985), from `[n, 12]` to `[count, 12]`."""
    chosen = [int(random.integers(len(codes)))]
    distance = np.full(len(codes), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.square(codes - codes[chosen[-1]]).sum(1))
        chosen.append(int(distance.argmax()))
    return codes[chosen]


def training_codes(spoken: Codes, count: int, random: np.random.Generator) -> Codes:
    """Half spread over all that is said, a third as often as it is said, a sixth exaggerated; the rest pose first."""
    wide, loud = count // 2, count // 6
    often = spoken[random.choice(len(spoken), count - wide - loud - 1)]
    beyond = spread(spoken, loud, random).copy()
    beyond[:, OPENING] = np.minimum(beyond[:, OPENING] * random.uniform(1.1, 1.6, (loud, 1)), 1.6)
    chosen = np.concatenate([spread(spoken, wide, random), often, beyond])
    return np.concatenate([np.zeros((1, CODE_SIZE)), random.permutation(chosen)]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One utterance and the mouth that speaks it."""

    pcm: NDArray[np.int16]
    """Its sound at 16 kHz, as its file holds it."""
    codes: Codes
    """Its articulation frame by frame."""
    phones: list[Phone]
    """Its phones."""


def sentence(name: Path) -> Sentence:
    """Read an utterance and articulate it."""
    pcm, phones = read(name)
    samples = np.clip(np.rint(pcm * 32768.0), -32768, 32767).astype(np.int16)
    return Sentence(samples, curves(phones, frames_of_samples(len(pcm))), phones)


def held_out(names: list[Path]) -> tuple[dict[str, np.ndarray], int]:
    """Sentences one after the other over the idle loop, and how many of their frames, the first, are to be rendered."""
    taken: list[Sentence] = []
    for name in names:
        if sum(len(one.pcm) for one in taken) < HELD_OUT_SAMPLES:
            taken.append(sentence(name))
    return sentence_arrays(taken), rendered_frames([len(one.codes) for one in taken])


def rendered_frames(frames: list[int]) -> int:
    """Frames of the first whole sentences, of `frames` each, that make `HELD_OUT_FRAMES` or more; else all."""
    ends = np.cumsum(frames)
    return int(ends[min(int(np.searchsorted(ends, HELD_OUT_FRAMES)), len(ends) - 1)])


def sentence_arrays(taken: list[Sentence]) -> dict[str, np.ndarray]:
    """The arrays of a held-out set without pictures (lipstream.evaluate.truth says what they are), and `pcm`."""
    phones = [phone for one in taken for phone in one.phones]
    over = [np.arange(len(one.codes)) + 60 * k for k, one in enumerate(taken)]
    return {
        "pcm": np.concatenate([one.pcm for one in taken]),
        "codes": np.concatenate([one.codes for one in taken]).astype(np.float32),
        "frame_index": (np.concatenate(over) % LOOP_FRAMES).astype(np.int32),
        "clip_start": starts([len(one.codes) for one in taken]),
        "pcm_start": starts([len(one.pcm) for one in taken]),
        "phone_symbol": np.array([phone.symbol for phone in phones], "U3"),
        "phone_start_ms": np.array([phone.start_ms for phone in phones], np.float32),
        "phone_end_ms": np.array([phone.end_ms for phone in phones], np.float32),
        "phone_first": starts([len(one.phones) for one in taken]),
    }


def starts(lengths: list[int]) -> np.ndarray:
    """Where each of some pieces begins, laid one after the other."""
    return np.cumsum([0, *lengths[:-1]])


def main() -> None:
    """Choose and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    options = parser.parse_args()
    folder, random = options.work / "face", np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    names = sorted(p for p in (options.work / "voices").glob("*/*.json") if p.parent.name != "held_out")
    names = [names[i] for i in random.permutation(len(names))[:500]]
    codes = training_codes(np.concatenate([sentence(name).codes for name in names]), CROPS, random)
    np.savez(folder / "crops.npz", codes=codes, frame_index=random.permutation(CROPS) % LOOP_FRAMES)
    unheard = sorted((options.work / "voices/held_out").glob(f"{HELD_OUT_VOICE}_*.json"))
    arrays, rendered = held_out([name for name in unheard if number_of(name) < TRUTH_SENTENCES])
    np.savez(folder / "spoken.npz", **arrays)
    np.savez(folder / "heldout.npz", **{name: arrays[name][:rendered] for name in ("codes", "frame_index")})
    print(f"{CROPS} articulations and {rendered} frames of held-out speech to render")


if __name__ == "__main__":
    main()
