"""A finished avatar's generator and a new one in, weights for the new one to begin with out."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from lipstream.avatar.bundle import Bundle
from lipstream.errors import AvatarError
from lipstream.nets.generator import Generator, configuration
from lipstream.render.mask import read_mask
from lipstream.train.widen import widened

Box = tuple[int, int, int, int]


def begin_as(module: Generator, quality: str, other: Bundle) -> None:
    """Give a generator the weights of another face's, in place; of a smaller quality, widened, where that is all.

    Args:
        module: of any box.
        quality: of `module`, a key of `nets.generator.QUALITIES`.
        other: an avatar whose generator `train.export` wrote.

    Raises:
        AvatarError: its generator has other tensors.
    """
    of = "standard" if quality == "standard" and "standard" in other.manifest.networks else "fast"
    weights = stored_weights(other.network_path("standard" if of == "standard" else "fast"))
    box = configuration(of, read_mask(other.mask_path.read_bytes()).box).box
    try:
        weights["canvas"] = moved_canvas(weights["canvas"], box, module.config.box)
        whole = {name: value for name, value in weights.items() if name in module.state_dict()}
        module.load_state_dict(whole if of == quality else widened(whole, module))
    except (KeyError, RuntimeError) as error:
        raise AvatarError(
            f"The generator of {other.manifest.name} is not one that this lipstream trains; begin with another avatar."
        ) from error


def stored_weights(path: Path) -> dict[str, Tensor]:
    """The weights in an ONNX file of `train.export.export_onnx`, float32 by the module's names."""
    stored = onnx.load(path).graph.initializer
    return {
        item.name.removesuffix(".fp16"): torch.from_numpy(numpy_helper.to_array(item).astype(np.float32))
        for item in stored
    }


def moved_canvas(canvas: Tensor, box: Box, wanted: Box) -> Tensor:
    """A canvas `[1, c, h / 2, w / 2]` of one box of the crop for another box; its edges go on where it ends."""
    _, _, height, width = canvas.shape
    rows = (torch.arange((wanted[3] - wanted[1]) // 2) + (wanted[1] - box[1]) // 2).clamp(0, height - 1)
    columns = (torch.arange((wanted[2] - wanted[0]) // 2) + (wanted[0] - box[0]) // 2).clamp(0, width - 1)
    return canvas[:, :, rows][:, :, :, columns]
