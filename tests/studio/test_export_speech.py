"""Averaged weights of the speech networks are normalised by what they compute, not by the mean of two statistics."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason='needs pip install ".[train]"')
pytest.importorskip("onnxscript", reason='needs pip install ".[train]"')
import torch

from lipstream.train.speech import Shard, SpeechNetworks, SpeechTask
from studio import export_speech


def shard() -> Shard:
    random = np.random.default_rng(0)
    mel = random.normal(-1, 1, (400, 80)).clip(-4, 4).astype(np.float32)
    return Shard.of([(mel, np.zeros((125, 12), np.float32))] * 2)


def kept(path: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    networks = SpeechNetworks()
    for name, values in networks.named_buffers():
        if "running" in name:
            values.uniform_(0.5, 2.0)
    torch.save({"module": networks.state_dict(), "step": seed}, path)
    return path


def test_one_weight_stays_as_it_was_trained(tmp_path: Path) -> None:
    networks, steps = export_speech.load_average([kept(tmp_path / "1.pt", 1)], [])
    expected = torch.load(tmp_path / "1.pt")["module"]["encoder.convolutions.1.running_mean"]
    assert steps == [1]
    assert torch.allclose(networks.encoder.convolutions[1].running_mean, expected, atol=1e-3)


def test_averaged_weights_get_statistics_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_speech, "NORM_BATCHES", 3)
    files = [kept(tmp_path / f"{seed}.pt", seed) for seed in (1, 2)]
    networks, steps = export_speech.load_average(files, [shard()])
    batch = SpeechTask([shard()], {}, seed=0).batch(5)  # another one than those that were measured
    with torch.no_grad():
        first = networks.encoder.convolutions[:2](batch["mel"].flatten(0, 1).unsqueeze(1))
        norm = networks.encoder.convolutions[1]
        away = (first.mean((0, 2, 3)) - norm.bias) / norm.weight.abs()
    assert steps == [1, 2]
    assert not networks.training
    assert float(away.abs().max()) < 0.5
