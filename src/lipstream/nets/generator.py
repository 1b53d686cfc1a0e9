"""A closed-mouth reference, the surround of a hidden mouth and an articulation in, the speaking mouth out.

The generator moves the reference's own pixels (a flow) wherever skin and lips only move, and paints what was hidden:
teeth, tongue and the inside of the mouth, helped by a learnt canvas of the person's mouth that it moves too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from lipstream.types import CODE_SIZE, CROP_SIZE


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """Widths of a generator."""

    widths: tuple[int, int, int, int] = (16, 32, 64, 128)
    """Channels at 160, 80, 40 and 20 pixels."""
    blocks: tuple[int, int, int] = (1, 2, 3)
    """Residual blocks at 80, 40 and 20 pixels on the way down."""
    canvas: int = 8
    """Channels of the learnt canvas, at 160 pixels."""
    flow: float = 0.15
    """Largest displacement of a pixel, as a share of the box."""
    box: tuple[int, int, int, int] = (0, 0, CROP_SIZE, CROP_SIZE)
    """Left, top, right, bottom (half-open) of what is computed, in crop pixels; sides are multiples of 16."""


STEP = 16
"""From a pixel at the top of the network to one at its bottom."""
QUALITIES: Mapping[str, GeneratorConfig] = {
    "fast": GeneratorConfig(),
    "standard": GeneratorConfig(widths=(32, 64, 128, 256), blocks=(2, 3, 4), canvas=16),
}


def configuration(quality: str, mask_box: tuple[int, int, int, int]) -> GeneratorConfig:
    """A quality's configuration that computes no more than a mask shows.

    Args:
        quality: a key of QUALITIES.
        mask_box: left, top, right, bottom (half-open) of the mask's non-zero weights, in crop pixels.
    """
    left, right = _grown(mask_box[0], mask_box[2])
    top, bottom = _grown(mask_box[1], mask_box[3])
    return replace(QUALITIES[quality], box=(left, top, right, bottom))


def _grown(low: int, high: int) -> tuple[int, int]:
    """The span made a multiple of 16 pixels long, within the crop."""
    length = -(-(high - low) // STEP) * STEP
    start = max(0, min(low, CROP_SIZE - length))
    return start, start + length


class Block(nn.Module):
    """A residual 3x3 convolution, scaled and shifted by the articulation."""

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, 3, padding=1)
        self.modulation = nn.Linear(style, 2 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """`[b, c, h, w]` and the articulation's `[b, style]` to `[b, c, h, w]`."""
        scale, shift = self.modulation(style)[:, :, None, None].chunk(2, dim=1)
        return x + functional.silu(self.convolution(x) * (1 + scale) + shift)


class Generator(nn.Module):
    """One person's mouth; `GeneratorConfig` says how large a network."""

    grid: Tensor
    half_grid: Tensor

    def __init__(self, config: GeneratorConfig = QUALITIES["fast"]) -> None:
        super().__init__()
        self.config = config
        w160, w80, w40, w20 = config.widths
        style = 2 * w40
        self.style = nn.Sequential(nn.Linear(CODE_SIZE, style), nn.SiLU(), nn.Linear(style, style), nn.SiLU())
        self.stem = nn.Conv2d(6, w160, 3, stride=2, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in ((w160, w80), (w80, w40), (w40, w20)))
        self.seen = nn.ModuleList(
            nn.ModuleList(Block(width, style) for _ in range(n))
            for width, n in zip((w80, w40, w20), config.blocks, strict=True)
        )
        self.up = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in ((w20, w40), (w40, w80), (w80, w160)))
        self.made = nn.ModuleList(Block(width, style) for width in (w40, w80))
        left, top, right, bottom = config.box
        height, width = bottom - top, right - left
        self.canvas = nn.Parameter(0.1 * torch.randn(1, config.canvas, height // 2, width // 2))
        self.flows = nn.Conv2d(w80, 4, 3, padding=1)
        self.join = nn.Conv2d(w160 + config.canvas, w160, 3, padding=1)
        self.paint = nn.Conv2d(w160, 16, 3, padding=1)
        for parameter in self.flows.parameters():
            nn.init.normal_(parameter, std=1e-3)
        self.register_buffer("grid", _identity_grid(height, width), persistent=False)
        self.register_buffer("half_grid", _identity_grid(height // 2, width // 2), persistent=False)

    def forward(self, visual: Tensor, code: Tensor) -> Tensor:
        """Paint a batch of mouths.

        Args:
            visual: `[b, 6, 320, 320]` BGR in 0..1: reference crop, then masked crop.
            code: `[b, 12]`, articulation/1.

        Returns:
            `[b, 3, 320, 320]` BGR in 0..1, black outside the box.
        """
        left, top, right, bottom = self.config.box
        visual = visual[..., top:bottom, left:right]
        flow, shown, features = self._decode(visual, self.style(code))
        canvas = _sample(self.canvas.expand(visual.shape[0], -1, -1, -1), self.half_grid + _upsample(shown, 2))
        painted = functional.silu(self.join(torch.cat([features, canvas], 1)))
        painted = functional.pixel_shuffle(self.paint(painted), 2)
        moved = _sample(visual[:, :3], self.grid + _upsample(flow, 4))
        share = torch.sigmoid(painted[:, 3:] - 2.0)  # begins with the reference as it is
        image = (moved + share * (torch.sigmoid(painted[:, :3]) - moved)).clamp(0, 1)
        return functional.pad(image, (left, CROP_SIZE - right, top, CROP_SIZE - bottom))

    def _decode(self, visual: Tensor, style: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Flows of reference and canvas in shares of half the box, at a quarter of its size; features at half of it."""
        x160 = functional.silu(self.stem(visual - 0.5))
        skips, x = [x160], x160
        for down, blocks in zip(self.down, self.seen, strict=True):
            x = functional.silu(down(x))
            for block in blocks:  # type: ignore[attr-defined]
                x = block(x, style)
            skips.append(x)
        for up, block, skip in zip(self.up[:2], self.made, (skips[2], skips[1]), strict=True):
            x = block(_upsample(up(x), 2) + skip, style)
        flow, shown = (self.config.flow * 2 * torch.tanh(self.flows(x))).chunk(2, dim=1)
        return flow, shown, _upsample(self.up[2](x), 2) + skips[0]


def _identity_grid(height: int, width: int) -> Tensor:
    """Where each pixel's centre lies, `[1, 2, height, width]`: x, y in -1..1."""
    down, across = ((2 * torch.arange(size, dtype=torch.float32) + 1) / size - 1 for size in (height, width))
    return torch.stack(torch.meshgrid(across, down, indexing="xy"))[None]


def _sample(image: Tensor, where: Tensor) -> Tensor:
    """`image` `[b, c, h, w]` at the places `where` `[b, 2, h, w]`, bilinear, in float32 as flows need."""
    places = where.permute(0, 2, 3, 1)
    return functional.grid_sample(image.to(places.dtype), places, padding_mode="border", align_corners=False)


def _upsample(x: Tensor, times: int) -> Tensor:
    return functional.interpolate(x, scale_factor=times, mode="bilinear", align_corners=False)
