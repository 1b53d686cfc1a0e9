import hashlib

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install .[train]")

from lipstream.nets.synctalk_unet import SyncTalkUNet  # noqa: E402  after the check for torch

# Inverted residuals of a published checkpoint: name, channels in, hidden, out.
BLOCKS = {
    "audio_model.conv1": (32, 64, 64),
    "audio_model.conv2": (64, 128, 128),
    "audio_model.conv4": (256, 512, 256),
    "audio_model.conv7": (512, 1024, 512),
    "fuse_conv.0.double_conv.0": (1024, 2048, 512),
    "fuse_conv.1.double_conv.0": (512, 1024, 256),
    "inc.inconv.0": (6, 12, 32),
    "down1.maxpool_conv.0.double_conv.0": (32, 64, 32),
    "down5.maxpool_conv.0.double_conv.0": (256, 512, 512),
    "up1.conv.double_conv.0": (512, 1024, 128),
    "up3.conv.double_conv.0": (128, 256, 32),
    "up5.conv.double_conv.0": (64, 128, 16),
    "up5.conv.double_conv.1": (16, 32, 16),
}
# SHA-256 over the sorted lines "name [shape]" of all 556 entries of a published checkpoint.
NAMES_AND_SHAPES = "e1234c7c74d488cda7d2a4f62d408ac34f147ec2c7daf1c4fcda26d64cac0984"


def test_names_and_shapes_are_those_of_published_checkpoints() -> None:
    state = {name: list(tensor.shape) for name, tensor in SyncTalkUNet().state_dict().items()}
    for block, (inputs, hidden, outputs) in BLOCKS.items():
        assert state[f"{block}.conv.0.weight"] == [hidden, inputs, 1, 1]
        assert state[f"{block}.conv.3.weight"] == [hidden, 1, 3, 3]
        assert state[f"{block}.conv.6.weight"] == [outputs, hidden, 1, 1]
    lines = "\n".join(sorted(f"{name} {shape}" for name, shape in state.items()))
    assert len(state) == 556
    assert hashlib.sha256(lines.encode()).hexdigest() == NAMES_AND_SHAPES


def test_it_has_as_many_parameters_as_published() -> None:
    network = SyncTalkUNet()
    assert sum(tensor.numel() for tensor in network.parameters()) == 12_186_935
    assert sum(tensor.numel() for tensor in network.audio_model.parameters()) == 3_905_600
    assert sum(tensor.numel() for tensor in network.fuse_conv.parameters()) == 5_305_856


def test_a_picture_goes_through() -> None:
    torch.manual_seed(0)
    network = SyncTalkUNet().eval()
    with torch.inference_mode():
        assert network.audio_model(torch.rand(1, 32, 16, 16)).shape == (1, 512, 10, 10)
        image = network(torch.rand(1, 6, 320, 320), torch.rand(1, 32, 16, 16))
    assert image.shape == (1, 3, 320, 320)
    assert 0 <= float(image.min()) <= float(image.max()) <= 1
