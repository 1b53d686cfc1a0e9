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
    networks, step = export_speech.load(tmp_path / "best.pt")
    assert step == 7
    assert not networks.training
    weights, kept = networks.articulation.projection.weight, trained.articulation.projection.weight
    assert torch.equal(weights, kept.half().float())
