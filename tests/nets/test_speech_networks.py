import pytest

pytest.importorskip("torch", reason="needs the extra `train`")

import torch
from torch.utils.flop_counter import FlopCounterMode

from lipstream.nets.articulation import Articulation
from lipstream.nets.speech_encoder import SpeechEncoder


@pytest.mark.parametrize(
    ("network", "shape", "outputs"), [(SpeechEncoder, (1, 80, 16), 512), (Articulation, (32, 16, 16), 12)]
)
def test_shapes_and_size(network: type[torch.nn.Module], shape: tuple[int, ...], outputs: int) -> None:
    module = network().eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        assert module(torch.zeros(1, *shape)).shape == (1, outputs)
    assert sum(parameter.numel() for parameter in module.parameters()) <= 1.5e6
    assert counter.get_total_flops() <= 16e6
    assert module(torch.rand(3, *shape)).shape == (3, outputs)


def test_a_missing_row_is_a_zero_row_after_the_projection_too() -> None:
    assert not Articulation().projection(torch.zeros(1, 512)).any()
