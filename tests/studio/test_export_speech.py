"""What a training run kept comes out of `studio.export_speech.load` as it was trained, in halves."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason='needs pip install ".[train]"')
pytest.importorskip("onnxscript", reason='needs pip install ".[train]"')
import torch

from lipstream.train.speech import SpeechNetworks
from studio import export_speech


def test_kept_weights_are_loaded_in_halves(tmp_path: Path) -> None:
    torch.manual_seed(1)
    trained = SpeechNetworks()
    torch.save({"module": trained.state_dict(), "step": 7}, tmp_path / "best.pt")
    networks, steps = export_speech.load([tmp_path / "best.pt"])
    assert steps == [7]
    assert not networks.training
    weights, kept = networks.articulation.projection.weight, trained.articulation.projection.weight
    assert torch.equal(weights, kept.half().float())


def test_of_several_states_the_mean_is_exported(tmp_path: Path) -> None:
    trained = SpeechNetworks()
    for step in (1, 3):
        weights = {name: torch.full_like(tensor, step) for name, tensor in trained.state_dict().items()}
        torch.save({"module": weights, "step": step}, tmp_path / f"{step}.pt")
    networks, steps = export_speech.load([tmp_path / "1.pt", tmp_path / "3.pt"])
    assert steps == [1, 3]
    assert networks.articulation.projection.weight.eq(2).all()
