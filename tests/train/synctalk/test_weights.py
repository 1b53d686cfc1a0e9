import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install .[train]")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install .[train]")

import tiny_dataset as tiny  # noqa: E402  after the check for torch

from lipstream.avatar.terms import Terms  # noqa: E402
from lipstream.errors import InputError  # noqa: E402
from lipstream.nets.synctalk_encoder import SyncTalkEncoder  # noqa: E402
from lipstream.nets.synctalk_unet import SyncTalkUNet  # noqa: E402
from lipstream.pipeline.avatar import open_avatar  # noqa: E402
from lipstream.pipeline.offline import render_reference  # noqa: E402
from lipstream.runtime.engines import load_engine  # noqa: E402
from lipstream.train.synctalk.checkpoint import import_encoder, import_generator  # noqa: E402
from lipstream.train.synctalk.importing import Sources, import_avatar  # noqa: E402
from lipstream.train.synctalk.weights import filled, read_state  # noqa: E402

# SHA-256 over the sorted lines "name [shape]" of all 91 entries of a published checkpoint.
NAMES_AND_SHAPES = "6a127ffda2feb7f6586662439e4a69e5bd88c9843c93d64312dc14ae7c07bf5f"
MEL = np.linspace(-4, 3, 2 * 80 * 16, dtype=np.float32).reshape(2, 1, 80, 16)
SEEN = {
    "visual": np.random.default_rng(0).uniform(0, 1, (2, 6, 320, 320)).astype(np.float32),
    "audio": np.random.default_rng(1).uniform(0, 2, (2, 32, 16, 16)).astype(np.float32),
}


def encoder(seed: int = 0) -> SyncTalkEncoder:
    torch.manual_seed(seed)
    network = SyncTalkEncoder().eval()
    for layer in network.modules():  # as after training, where running means are none of the first ones
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return network


def test_names_and_shapes_of_the_encoder_are_those_of_published_checkpoints() -> None:
    state = {name: list(tensor.shape) for name, tensor in SyncTalkEncoder().state_dict().items()}
    lines = "\n".join(sorted(f"{name} {shape}" for name, shape in state.items()))
    assert len(state) == 91
    assert hashlib.sha256(lines.encode()).hexdigest() == NAMES_AND_SHAPES
    assert sum(parameter.numel() for parameter in SyncTalkEncoder().parameters()) == 2_812_672


@pytest.mark.slow
def test_an_encoder_s_checkpoint_is_taken_over(tmp_path: Path) -> None:
    network = encoder()
    state = {f"audio_encoder.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save(state, tmp_path / "encoder.pth")
    imported = import_encoder(tmp_path / "encoder.pth", tmp_path / "encoder.onnx", {"mel": MEL})
    found = load_engine("openvino", tmp_path / "encoder.onnx", precision="f32").run({"mel": MEL})["features"]
    with torch.inference_mode():
        expected = network(torch.from_numpy(MEL)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_array_equal(imported.golden["features"], expected)
    assert imported.network.parameters == 2_812_672


def test_a_checkpoint_fills_its_network(tmp_path: Path) -> None:
    torch.save(encoder().state_dict(), tmp_path / "encoder.pth")
    network = filled(SyncTalkEncoder(), read_state(tmp_path / "encoder.pth"), tmp_path / "encoder.pth")
    with torch.inference_mode():
        assert torch.equal(network(torch.from_numpy(MEL)), encoder()(torch.from_numpy(MEL)))
    with pytest.raises(InputError, match=r"is no SyncTalkEncoder: 91 of 91 weights differ, such as '0\.conv_block"):
        filled(SyncTalkEncoder(), {}, Path("empty.pth"))


class Harmful:
    """What a pickle can do."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("it ran",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (Harmful(), "is damaged, or holds more than tensors"),
        ({"state": {"weight": 1}}, "not only tensors by name"),
        ([1, 2], "holds list, not only tensors by name"),
        ({}, "is no SyncTalkUNet: 556 of 556 weights differ"),
        ({"audio_model.conv1.conv.0.weight": torch.zeros(512, 256, 1, 1)}, "mode 'wenet'"),
        ({"audio_model.conv1.conv.0.weight": torch.zeros(64, 32, 1, 1)}, "160 network"),
    ],
)
def test_other_pickles_are_refused(
    content: object, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(content, tmp_path / "best.pth")
    with pytest.raises(InputError, match=says):
        import_generator(tmp_path / "best.pth", tmp_path / "generator.onnx", SEEN)
    assert "it ran" not in capsys.readouterr().out
    assert not (tmp_path / "generator.onnx").exists()


@pytest.mark.parametrize("content", [b"", b"x" * 100, pickle.dumps(Harmful())])
def test_what_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "best.pth").write_bytes(content)
    with pytest.raises(InputError, match="is damaged, or holds more than tensors"):
        import_generator(tmp_path / "best.pth", tmp_path / "generator.onnx", SEEN)
    assert "it ran" not in capsys.readouterr().out


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    state = encoder().state_dict()
    state["3.conv_block.0.bias"][1] = float("nan")
    torch.save(state, tmp_path / "encoder.pth")
    with pytest.raises(InputError, match="not finite"):
        import_encoder(tmp_path / "encoder.pth", tmp_path / "encoder.onnx", {"mel": MEL})


@pytest.mark.slow
def test_a_whole_checkpoint_speaks(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = SyncTalkUNet().eval()
    torch.save(network.state_dict(), tmp_path / "best.pth")
    torch.save(encoder().state_dict(), tmp_path / "encoder.pth")
    (tmp_path / "bundle").mkdir()
    dataset = tiny.write_dataset(tmp_path / "dataset")
    sources = Sources(dataset, tmp_path / "best.pth", tmp_path / "encoder.pth")
    manifest = import_avatar(sources, tmp_path / "bundle", "whole", Terms())
    assert manifest.networks["standard"].parameters == 12_186_935
    speech = Path(__file__).parents[2] / "assets" / "speech"
    avatar = open_avatar(tmp_path / "bundle", speech, engine="openvino", precision="f32")
    sound = np.sin(np.arange(8_000) ** 1.2 / 30).astype(np.float32)
    frames = list(render_reference(sound, avatar))
    assert len(frames) == int((41 - 16) / 80 * 25) + 4
    image = avatar.clip.image(1)
    with torch.inference_mode():
        visual, context = avatar.face.visual([image], [1]), np.zeros((1, 32, 16, 16), np.float32)
        expected = network(torch.from_numpy(visual), torch.from_numpy(context)).numpy()
    np.testing.assert_allclose(avatar.face.generate(visual, context), expected, atol=1e-3)
