"""The generator begins by showing the reference, moves it in whole, and keeps pictures of a batch apart."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra: pip install '.[train]'")

from lipstream.nets.generator import QUALITIES, Generator, configuration  # noqa: E402

MOST_PARAMETERS = {"fast": 1_500_000, "standard": 6_000_000}


def inputs(batch: int) -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(batch, 6, 20, 20, generator=generator)
    visual = torch.nn.functional.interpolate(coarse, size=(320, 320), mode="bilinear")
    return visual, torch.rand(batch, 12, generator=generator)


@pytest.mark.parametrize("quality", QUALITIES)
def test_size_and_shape(quality: str) -> None:
    module = Generator(QUALITIES[quality]).eval()
    assert sum(p.numel() for p in module.parameters()) <= MOST_PARAMETERS[quality]
    with torch.no_grad():
        image = module(*inputs(1))
    assert image.shape == (1, 3, 320, 320)
    assert float(image.min()) >= 0
    assert float(image.max()) <= 1


def test_untrained_shows_mostly_the_reference() -> None:
    torch.manual_seed(0)
    visual, code = inputs(1)
    with torch.no_grad():
        image = Generator().eval()(visual, code)
    reference = visual[:, :3]
    assert float((image - reference).abs().mean()) < 0.1
    assert torch.corrcoef(torch.stack([image.flatten(), reference.flatten()]))[0, 1] > 0.95


def test_flow_moves_the_reference() -> None:
    module = Generator().eval()
    share = 0.05  # of the crop: 16 pixels to the left
    with torch.no_grad():
        assert module.flows.bias is not None
        assert module.paint.bias is not None
        module.flows.bias[:2] = torch.tensor([torch.atanh(torch.tensor(share / module.config.flow)), 0.0])
        module.paint.bias[3::4] = -50.0  # pixel_shuffle takes its channels four by four; nothing is painted
        module.paint.bias[12:] = -50.0
        visual, code = inputs(1)
        image = module(visual, code)
    moved = visual[:, :3, :, 32:288]
    assert float((image[..., 16:272] - moved).abs().mean()) < 0.01


def test_pictures_of_a_batch_do_not_meet() -> None:
    module = Generator().eval()
    visual, code = inputs(3)
    with torch.no_grad():
        together, alone = module(visual, code), module(visual[1:2], code[1:2])
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=0)


def test_computes_only_the_masks_box() -> None:
    config = configuration("fast", (30, 85, 290, 318))
    left, top, right, bottom = config.box
    assert (left, top) <= (30, 85)
    assert (right, bottom) >= (290, 318)
    assert (right - left) % 16 == (bottom - top) % 16 == 0
    visual, code = inputs(1)
    with torch.no_grad():
        image = Generator(config).eval()(visual, code)
    assert image.shape == (1, 3, 320, 320)
    assert float(image[..., :top, :].abs().max()) == 0
    assert float(image[..., top:bottom, left:right].min()) > 0
