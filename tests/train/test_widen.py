import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from lipstream.errors import InputError  # noqa: E402
from lipstream.nets.generator import Generator, GeneratorConfig  # noqa: E402
from lipstream.train.widen import widened  # noqa: E402

BOX = (96, 160, 224, 288)
SMALL = GeneratorConfig(widths=(4, 6, 8, 10), blocks=(1, 1, 2), canvas=2, box=BOX)
LARGE = GeneratorConfig(widths=(8, 12, 16, 20), blocks=(2, 3, 2), canvas=4, box=BOX)


def small() -> Generator:
    torch.manual_seed(1)
    generator = Generator(SMALL)
    for parameter in generator.parameters():  # as after training: nothing is zero
        torch.nn.init.normal_(parameter, std=0.2)
    return generator


def test_the_larger_one_paints_the_same() -> None:
    generator, large = small(), Generator(LARGE)
    large.load_state_dict(widened(generator.state_dict(), large))
    visual, code = torch.rand(2, 6, 320, 320), torch.rand(2, 12)
    torch.testing.assert_close(large(visual, code), generator(visual, code), atol=1e-4, rtol=0)


def test_its_twin_channels_grow_apart() -> None:
    large = Generator(LARGE)
    large.load_state_dict(widened(small().state_dict(), large))
    large(torch.rand(1, 6, 320, 320), torch.rand(1, 12)).square().sum().backward()
    gradient = large.stem.weight.grad
    assert gradient is not None
    assert not torch.allclose(gradient[0], gradient[1])
    added = large.get_parameter("seen.0.1.convolution.weight").grad
    assert added is not None
    assert added.abs().max() > 0


def test_widths_that_do_not_divide_are_refused() -> None:
    with pytest.raises(InputError, match="a divisor of"):
        widened(small().state_dict(), Generator(GeneratorConfig(widths=(6, 8, 12, 16), canvas=4, box=BOX)))


def test_a_larger_one_is_not_taken() -> None:
    with pytest.raises(InputError, match="which this generator lacks"):
        widened(Generator(LARGE).state_dict(), Generator(SMALL))
