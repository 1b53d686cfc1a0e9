"""The weights of a small generator in, those of a larger one that paints the same pictures out, to be trained on from.

Every channel becomes several neighbours, and what read it reads them all, in unequal shares so that they can grow
apart; blocks that the small one lacks begin as the identity. The way is that of Net2Net (Chen, Goodfellow and
Shlens, 2016).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from lipstream.errors import InputError
from lipstream.nets.generator import Generator

UNEVEN = 0.3
"""A reader's two shares of a former channel differ from equal ones by up to this, one above and one below."""


def widened(small: Mapping[str, Tensor], large: Generator, seed: int = 0) -> dict[str, Tensor]:
    """The state of `large` that paints what `small` paints.

    Args:
        small: state of a generator of the same box, every width of which divides that of `large`.
        large: whose names and shapes are wanted; it is not changed.
        seed: of the unequal shares.

    Returns:
        A state for `large.load_state_dict`.

    Raises:
        InputError: the widths do not divide, or `small` has what `large` lacks.
    """
    chance, state = torch.Generator().manual_seed(seed), large.state_dict()
    if unknown := sorted(set(small) - set(state)):
        raise InputError(f"the weights have {unknown[0]}, which this generator lacks; expected those of a smaller one")
    return {
        name: _grown(name, small[name], wanted, chance) if name in small else torch.zeros_like(wanted)
        for name, wanted in state.items()
    }


def _grown(name: str, tensor: Tensor, wanted: Tensor, chance: torch.Generator) -> Tensor:
    if name == "canvas":
        return tensor.repeat_interleave(_times(name, tensor, wanted, 1), dim=1)
    grown = tensor.repeat_interleave(_times(name, tensor, wanted, 0), dim=0)
    if grown.ndim == 1 or (times := _times(name, tensor, wanted, 1)) == 1:
        return grown
    bend = UNEVEN * (2 * torch.rand(*grown.shape[:2], generator=chance) - 1)
    shares = torch.full((*grown.shape[:2], times), 1 / times)
    shares[..., 0] += bend
    shares[..., 1] -= bend
    return grown.repeat_interleave(times, dim=1) * shares.reshape(len(grown), -1, *[1] * (grown.ndim - 2))


def _times(name: str, tensor: Tensor, wanted: Tensor, dim: int) -> int:
    if tensor.ndim != wanted.ndim or wanted.shape[dim] % tensor.shape[dim]:
        raise InputError(
            f"{name} is {list(tensor.shape)}; expected a divisor of {list(wanted.shape)}: "
            "a generator grows into one whose widths are multiples of its own"
        )
    return wanted.shape[dim] // tensor.shape[dim]
