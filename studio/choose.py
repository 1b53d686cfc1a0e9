"""Spoken sentences in, what to render out: `python -m studio.choose WORK`.

Writes `WORK/face/crops.npz`, articulations to train the generator on, each with a pose of the idle loop, and
`WORK/face/heldout.npz`, sentences of the held-out voice with their sound, frame by frame. Every sixth
articulation is drawn over the edge of speech, so that a gain above 1 has been seen.
"""

import argparse
from pathlib import Path

import numpy as np

from lipstream.rate import frames_of_samples
from lipstream.types import ARTICULATION, CODE_SIZE, Codes
from studio.articulation import curves
from studio.idle import LOOP_FRAMES
from studio.voices import HELD_OUT_VOICE, read

CROPS = 820
HELD_OUT_FRAMES = 150
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


def sentence(name: Path) -> tuple[np.ndarray, Codes]:
    """The sound of an utterance as int16 and its articulation frame by frame."""
    pcm, phones = read(name)
    codes = curves(phones, frames_of_samples(len(pcm)))
    return (np.clip(pcm, -1, 1) * 32767).astype(np.int16), codes


def held_out(names: list[Path]) -> dict[str, np.ndarray]:
    """Whole sentences of at least `HELD_OUT_FRAMES` in all, one after the other over the idle loop."""
    taken: list[tuple[np.ndarray, Codes]] = []
    for name in names:
        if sum(len(codes) for _, codes in taken) < HELD_OUT_FRAMES:
            taken.append(sentence(name))
    frames, samples = [len(codes) for _, codes in taken], [len(pcm) for pcm, _ in taken]
    return {
        "pcm": np.concatenate([pcm for pcm, _ in taken]),
        "codes": np.concatenate([codes for _, codes in taken]).astype(np.float32),
        "frame_index": np.concatenate([np.arange(n) + 60 * k for k, n in enumerate(frames)]) % LOOP_FRAMES,
        "clip_start": np.cumsum([0, *frames[:-1]]),
        "pcm_start": np.cumsum([0, *samples[:-1]]),
    }


def main() -> None:
    """Choose and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    options = parser.parse_args()
    folder, random = options.work / "face", np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    names = sorted(p for p in (options.work / "voices").glob("*/*.json") if p.parent.name != "held_out")
    names = [names[i] for i in random.permutation(len(names))[:500]]
    codes = training_codes(np.concatenate([sentence(name)[1] for name in names]), CROPS, random)
    np.savez(folder / "crops.npz", codes=codes, frame_index=random.permutation(CROPS) % LOOP_FRAMES)
    unheard = sorted((options.work / "voices/held_out").glob(f"{HELD_OUT_VOICE}_*.json"))
    np.savez(folder / "heldout.npz", **held_out(unheard))
    print(f"{CROPS} articulations to render, {len(unheard)} sentences to hold out from")


if __name__ == "__main__":
    main()
