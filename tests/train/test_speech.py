from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("matplotlib", reason="needs the extra `train`")

import torch

from lipstream.audio.window import contexts, windows
from lipstream.train.loop import LoopConfig, train
from lipstream.train.speech import Shard, SpeechNetworks, SpeechTask, another_throat, articulate, sequence
from lipstream.types import Codes, Mel

FRAMES = 30


def _utterance(seed: int) -> tuple[Mel, Codes]:
    """Noise whose loudness is the code."""
    random = np.random.default_rng(seed)
    loud = np.repeat(random.uniform(size=FRAMES // 3), 3)
    rows = np.interp(np.arange(97) / 3.2, np.arange(FRAMES), loud)
    mel = rows[:, None] * 4 - 3 + random.normal(0, 0.1, (97, 80))
    return mel.astype(np.float32), np.repeat(loud[:, None], 12, axis=1).astype(np.float32)


def test_one_iteration(tmp_path: Path) -> None:
    spoken, augmented = Shard.of([_utterance(0), _utterance(1)]), Shard.of([_utterance(7)])
    task = SpeechTask([spoken], [augmented], {"clean": Shard.of([_utterance(2)])}, seed=0)
    networks = SpeechNetworks()
    before = networks.articulation.projection.weight.detach().clone()
    best = train(networks, task, tmp_path / "run", LoopConfig(steps=1, warmup_steps=0, threads=1))
    assert set(torch.load(best, weights_only=True)["figures"]) >= {"score", "lip_gap_r_clean_full", "jaw_r_clean_live"}
    assert not torch.equal(before, networks.articulation.projection.weight)


@pytest.mark.parametrize("ahead", [6, 0, -1])
def test_training_sees_the_contexts_that_a_stream_sees(ahead: int) -> None:
    torch.manual_seed(0)
    networks = SpeechNetworks().eval()
    mel, _ = _utterance(3)
    with torch.no_grad():
        features = networks.encoder(torch.from_numpy(windows(mel))[:, None]).numpy()
        audio = torch.from_numpy(contexts(features, 0, FRAMES, ahead=ahead))
        expected = networks.articulation(audio).numpy()
    np.testing.assert_allclose(articulate(networks, mel, FRAMES, ahead), expected, atol=1e-5)


@pytest.mark.parametrize("every", [2, 1000], ids=["no two in a row", "none"])
def test_frames_that_do_not_count_are_no_loss(every: int) -> None:
    mel, codes = _utterance(4)
    codes[np.arange(len(codes)) % every != 1] = np.nan
    task = SpeechTask([Shard.of([(mel, codes)])], [], {}, seed=0)
    losses = task.loss(SpeechNetworks(), task.batch(0))
    assert all(bool(value.isfinite()) for value in losses.values())
    assert losses["velocity_loss"] == 0


def test_half_of_what_is_learnt_is_as_it_was_spoken() -> None:
    spoken, augmented = Shard.of([_utterance(8)]), Shard.of([_utterance(9)])
    task = SpeechTask([spoken], [augmented], {}, seed=0)
    known = set(spoken.codes[:, 0].tolist())
    drawn = [set(codes[:, 0].tolist()) for step in range(20) for codes in task.batch(step)["codes"].numpy()]
    share = np.mean([codes <= known for codes in drawn])
    assert 0.35 < share < 0.65
    only = SpeechTask([spoken], [], {}, seed=0)
    assert all(set(codes[:, 0].tolist()) <= known for codes in only.batch(0)["codes"].numpy())


def test_figures_are_named_after_what_they_measure() -> None:
    clean, noisy = Shard.of([_utterance(10)]), Shard.of([_utterance(11)])
    torch.manual_seed(0)
    networks = SpeechNetworks().eval()
    both = SpeechTask([], [], {"clean": clean, "noisy": noisy}, seed=0).evaluate(networks)
    alone = SpeechTask([], [], {"clean": clean}, seed=0).evaluate(networks)
    assert both["all_r_clean_full"] == alone["all_r_clean_full"]
    assert both["all_r_clean_full"] != both["all_r_noisy_full"]


def test_sequence_marks_windows_outside_the_audio() -> None:
    mel, _ = _utterance(4)
    cut, exists = sequence(mel, -3, 40)
    assert cut.shape == (55, 80, 16)
    assert exists.nonzero()[0][0] == 9 + 3
    assert exists.sum() == len(windows(mel))
    np.testing.assert_array_equal(cut[~exists], -4)


def test_utterances_come_back_from_a_shard(tmp_path: Path) -> None:
    pairs = [_utterance(5), _utterance(6)]
    Shard.of(pairs).write(tmp_path / "shard.npz")
    for (mel, codes), (found_mel, found_codes) in zip(
        pairs, Shard.read(tmp_path / "shard.npz").utterances(), strict=True
    ):
        np.testing.assert_allclose(found_mel, mel, atol=2e-3)
        np.testing.assert_allclose(found_codes, codes, atol=1e-3)


def test_another_throat_moves_formants_and_leaves_silence_silent() -> None:
    random = np.random.default_rng(7)
    mel = np.full((50, 80), -4.0, np.float32)
    mel[10:40, 30] = 2.0
    moved = np.stack([another_throat(mel, random) for _ in range(40)])
    assert moved.min() >= -4
    assert moved.max() <= 4
    assert moved[:, :10].mean() < -3.9
    peaks = moved[:, 10:40].mean(1).argmax(1)
    assert set(range(29, 32)) <= set(peaks) <= set(range(25, 36))
    assert moved[:, 20].std() > 0.05
