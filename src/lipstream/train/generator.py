"""An avatar's driving frames and crops of known articulation in, its trained generator out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lipstream.errors import InputError
from lipstream.render.crop import cut
from lipstream.render.mask import Mask, hide
from lipstream.types import CROP_SIZE, Codes, Float32, Image, UInt8
from lipstream.video.clip import Clip
from lipstream.video.pictures import pictures

MOUTH_WEIGHT = 4.0
"""How much more than the rest of the hidden area an error at the lips counts."""
MOUTH_WIDTH_PIXELS, MOUTH_HEIGHT_PIXELS = 48.0, 36.0
"""Standard deviations of that weight round the inner lips."""
EDGE_WEIGHT = 1.0
"""Of the error of the picture's gradients, at full and at half size: what keeps lips and teeth sharp."""
TEXTURE_WEIGHT = 0.5
"""Of the error of how strong detail is, wherever exactly it lies: a guess of pores and of the glint of teeth is always
a little displaced, and errors of pixels alone would rather have none."""
TEXTURE_PIXELS = 8
"""Side of the squares over which the strength of detail is compared."""


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops of a face with known articulation, and the driving picture that each was made over."""

    images: UInt8
    """`[n, 3, 320, 320]` uint8 BGR."""
    codes: Codes
    """`[n, 12]` float32."""
    frame_index: list[int]
    """Picture of the driving clip whose pose each crop has."""
    mouth: Float32
    """Centre of the inner lips, `[n, 2]` float32 x, y in crop pixels."""

    @classmethod
    def read(cls, video: Path, arrays: Path) -> Self:
        """Read a packed set: a video of 320 x 320 crops and an `.npz` with `codes`, `frame_index` and `mouth`.

        Raises:
            InputError: the two differ in length.
        """
        images = [np.ascontiguousarray(image.transpose(2, 0, 1)) for image in pictures(video)]
        with np.load(arrays, allow_pickle=False) as data:
            found = cls(np.stack(images), data["codes"], data["frame_index"].tolist(), data["mouth"])
        if len(images) != len(found.codes):
            raise InputError(f"{video} holds {len(images)} crops, {arrays} {len(found.codes)}: pack them again")
        return found


class Seen(Protocol):
    """What a generator sees of pictures; see `Surrounds` and `Film`."""

    @property
    def mask(self) -> Mask:
        """Where the generator paints."""
        ...

    def visual(self, indices: list[int]) -> Tensor:
        """The generator's view of pictures by number, `[b, 6, 320, 320]` float32 BGR in 0..1."""
        ...


@dataclass(frozen=True, eq=False)
class Surrounds:
    """What a generator sees of every driving picture."""

    hidden: UInt8
    """Masked crops, `[N, 3, 320, 320]` uint8 BGR."""
    references: UInt8
    """Closed-mouth crops, `[k, 3, 320, 320]` uint8 BGR."""
    chosen: list[int]
    """The reference of each driving picture."""
    mask: Mask
    """Where the generator paints."""

    @classmethod
    def cut(cls, clip: Clip, transforms: Float32, mask: Mask, references: list[Image], chosen: list[int]) -> Self:
        """Cut the crops out of a driving clip exactly as the renderer does.

        Args:
            clip: the driving clip, N pictures.
            transforms: frame to crop, `[N, 2, 3]`.
            mask: of the avatar.
            references: closed-mouth crops, `[320, 320, 3]` uint8 BGR each.
            chosen: the reference of each picture, from `render.reference.nearest`.
        """
        crops = [hide(cut(clip.image(i), transform), mask) for i, transform in enumerate(transforms)]
        hidden, patterns = (np.stack(images).transpose(0, 3, 1, 2) for images in (crops, references))
        return cls(hidden, patterns, chosen, mask)

    def visual(self, indices: list[int]) -> Tensor:
        """The generator's view of driving pictures, `[b, 6, 320, 320]` float32 BGR in 0..1."""
        references = self.references[[self.chosen[i] for i in indices]]
        return torch.from_numpy(np.concatenate([references, self.hidden[indices]], 1)).float() / 255


@dataclass(frozen=True, eq=False)
class Film:
    """What a generator sees of pictures that show the person speaking: the crops themselves, the mouth hidden."""

    crops: UInt8
    """`[n, 3, 320, 320]` uint8 BGR; may lie on the disk."""
    references: UInt8
    """Closed-mouth crops, `[k, 3, 320, 320]` uint8 BGR."""
    chosen: list[int]
    """The reference of each crop."""
    mask: Mask
    """Where the generator paints."""

    def visual(self, indices: list[int]) -> Tensor:
        """The generator's view of crops, `[b, 6, 320, 320]` float32 BGR in 0..1."""
        hidden = self.crops[indices] & self.mask.visible.transpose(2, 0, 1)
        references = self.references[[self.chosen[i] for i in indices]]
        return torch.from_numpy(np.concatenate([references, hidden], 1)).float() / 255


class GeneratorTask:
    """What the trainer loop asks for: random crops, errors inside the mask, figures on held-out crops."""

    def __init__(  # noqa: PLR0913  by name, but for what is looked at
        self,
        seen: Seen,
        crops: Crops,
        *,
        training: NDArray[np.int64],
        held_out: NDArray[np.int64],
        batch_size: int = 8,
        seed: int = 0,
    ) -> None:
        """Take the crops, and which of them are learnt from and which judge, by number."""
        self._seen, self._crops, self._training, self._held_out = seen, crops, training, held_out
        self._batch_size, self._seed = batch_size, seed
        self._weight = torch.from_numpy(seen.mask.generated.astype(np.float32) / 255)
        self._box = seen.mask.box

    def batch(self, step: int) -> dict[str, Tensor]:
        """Random crops with what the generator sees of their driving pictures."""
        random = np.random.default_rng((self._seed, step))
        return self._examples(random.choice(self._training, self._batch_size))

    def _examples(self, chosen: NDArray[np.int64]) -> dict[str, Tensor]:
        crops = self._crops
        return {
            "visual": self._seen.visual([crops.frame_index[i] for i in chosen]),
            "code": torch.from_numpy(crops.codes[chosen]),
            "image": torch.from_numpy(crops.images[chosen]).float() / 255,
            "mouth": torch.from_numpy(crops.mouth[chosen]),
        }

    def loss(self, module: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weighted L1 of pixels, of their gradients at two sizes and of the strength of detail, inside the mask."""
        left, top, right, bottom = self._box
        found = module(batch["visual"], batch["code"])[..., top:bottom, left:right].float()
        wanted = batch["image"][..., top:bottom, left:right]
        weight = (self._weight.to(found.device) * _near(batch["mouth"]))[:, None, top:bottom, left:right]
        pixels = _mean((found - wanted).abs(), weight)
        small = [functional.avg_pool2d(x, 2) for x in (found, wanted, weight)]
        edges = _edges(found, wanted, weight) + _edges(small[0], small[1], small[2])
        texture = _mean((_detail(found) - _detail(wanted)).abs(), functional.avg_pool2d(weight, TEXTURE_PIXELS))
        loss = pixels + EDGE_WEIGHT * edges + TEXTURE_WEIGHT * texture
        return {"loss": loss, "pixels": pixels, "edges": edges, "texture": texture}

    @torch.no_grad()
    def evaluate(self, module: nn.Module) -> dict[str, float]:
        """PSNR in dB of the hidden area, and sharpness as a share of the truth's, over held-out crops."""
        inside = self._weight > 0.5
        errors, sharpness = [], []
        device = next(module.parameters()).device
        for i in self._held_out:
            example = self._examples(np.array([i]))
            found = module(example["visual"].to(device), example["code"].to(device)).float().cpu()
            errors.append(float((found - example["image"]).square()[..., inside].mean()))
            laplacians = [_laplacian(x)[0, 0][inside].var() for x in (found, example["image"])]
            sharpness.append(float(laplacians[0] / laplacians[1]))
        psnr = float(np.mean(-10 * np.log10(errors)))
        return {"score": psnr, "psnr_db": psnr, "sharpness": float(np.median(sharpness))}


def _near(mouth: Tensor) -> Tensor:
    """Weights `[b, 320, 320]`: 1 far from the lips, 1 + MOUTH_WEIGHT at them; `mouth` is `[b, 2]` in pixels."""
    places = torch.arange(CROP_SIZE, device=mouth.device, dtype=torch.float32)
    across = torch.exp(-0.5 * ((places - mouth[:, :1]) / MOUTH_WIDTH_PIXELS) ** 2)
    down = torch.exp(-0.5 * ((places - mouth[:, 1:]) / MOUTH_HEIGHT_PIXELS) ** 2)
    return 1 + MOUTH_WEIGHT * down[:, :, None] * across[:, None, :]


def _mean(error: Tensor, weight: Tensor) -> Tensor:
    return (error * weight).sum() / (weight.sum() * error.shape[1])


def _edges(found: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Weighted L1 of the differences of neighbouring pixels."""
    error = found - wanted
    across, down = error.diff(dim=3).abs(), error.diff(dim=2).abs()
    return _mean(across, weight[..., 1:]) + _mean(down, weight[..., 1:, :])


def _detail(image: Tensor) -> Tensor:
    """Root mean square of the second differences of `[b, 3, h, w]` in each square, `[b, 1, h / 8, w / 8]`."""
    return (functional.avg_pool2d(_laplacian(image).square(), TEXTURE_PIXELS) + 1e-6).sqrt()


def _laplacian(image: Tensor) -> Tensor:
    """Second differences of the mean channel, `[b, 1, h, w]`."""
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]], device=image.device)[None, None]
    return functional.conv2d(image.mean(1, keepdim=True), kernel, padding=1)
