"""Trained speech networks in, the folder that avatars hear with out; and back."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lipstream.avatar.bundle import SPEECH_MANIFEST_NAME, SpeechBundle, file_entries, open_speech
from lipstream.avatar.manifest import Network, SpeechManifest, SpeechName
from lipstream.errors import AvatarError
from lipstream.train.export import export_onnx, gflop, golden
from lipstream.train.speech import SpeechNetworks
from lipstream.train.start import stored_weights
from lipstream.types import Float32

TENSORS: dict[SpeechName, tuple[str, str]] = {"speech_encoder": ("mel", "features"), "articulation": ("audio", "code")}
"""What each network takes and gives."""
_PARTS: dict[SpeechName, str] = {"speech_encoder": "encoder", "articulation": "articulation"}
"""What each is of `SpeechNetworks`."""
_PROJECTION = "articulation.projection.weight"
"""The exporter turns it round, and names it by a number."""


def write_speech(
    folder: Path,
    networks: SpeechNetworks,
    examples: Mapping[SpeechName, Tensor],
    provenance: Mapping[str, object],
    evaluation: Mapping[str, object],
) -> SpeechBundle:
    """Write a folder of speech networks, `speech.json` last.

    Args:
        folder: of the files, which are overwritten.
        networks: their weights rounded as they are stored (`export.round_weights`).
        examples: an input of each, `[b, ...]` float32 with b of 2 or more, for golden values.
        provenance: what they were trained on.
        evaluation: measured figures.

    Raises:
        EngineError: torch cannot express them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    modules: dict[SpeechName, nn.Module] = {
        "speech_encoder": networks.encoder,
        "articulation": networks.articulation,
    }
    entries: dict[SpeechName, Network] = {}
    values: dict[str, Float32] = {}
    for name, module in modules.items():
        given, found = TENSORS[name]
        inputs = {given: examples[name]}
        export_onnx(module, inputs, [found], folder / f"{name}.onnx")
        values |= {f"{name}/{key}": value for key, value in golden(module, inputs, [found]).items()}
        parameters = sum(parameter.numel() for parameter in module.parameters())
        work = gflop(module, inputs)
        entries[name] = Network(files={"float": f"{name}.onnx"}, parameters=parameters, gflop=work)
    np.savez_compressed(folder / "golden.npz", **values)  # type: ignore[arg-type]  # numpy types its own keywords only
    files = file_entries([folder / "golden.npz", *(folder / f"{name}.onnx" for name in modules)])
    manifest = SpeechManifest(provenance=dict(provenance), networks=entries, files=files, evaluation=dict(evaluation))
    (folder / SPEECH_MANIFEST_NAME).write_text(manifest.model_dump_json(indent=2, exclude_none=True) + "\n")
    return open_speech(folder)


def stored_networks(bundle: SpeechBundle) -> SpeechNetworks:
    """The networks that `write_speech` wrote, to go on with: what a normalisation did is part of its convolution.

    Raises:
        AvatarError: they are of other shapes.
    """
    networks = SpeechNetworks().eval()
    try:
        weights = {
            f"{ours}.{name}": value
            for network, ours in _PARTS.items()
            for name, value in stored_weights(bundle.network_path(network)).items()
        }
        networks.load_state_dict(_by_our_names(weights, networks.state_dict()))
    except (KeyError, RuntimeError, StopIteration) as error:
        raise AvatarError(
            f"The speech networks in {bundle.folder} are not ones that this lipstream trains; install lipstream again."
        ) from error
    return networks


def _by_our_names(weights: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state of `SpeechNetworks` whose normalisations do nothing but add what the exporter folded out of them."""
    turned = tuple(reversed(ours[_PROJECTION].shape))
    state = {name: weights[name] for name in ours if name in weights}
    state[_PROJECTION] = next(value.T.contiguous() for value in weights.values() if tuple(value.shape) == turned)
    for name, module in SpeechNetworks().encoder.convolutions.named_children():
        if isinstance(module, nn.BatchNorm2d):
            place = f"encoder.convolutions.{name}"
            shift = weights[f"encoder.convolutions.{int(name) - 1}.weight_bias"]
            ones = torch.ones_like(shift)
            state |= {f"{place}.weight": ones, f"{place}.bias": shift, f"{place}.running_mean": 0 * ones}
            state |= {f"{place}.running_var": (1 - module.eps) * ones}
            state |= {f"{place}.num_batches_tracked": torch.tensor(0)}
    return state
