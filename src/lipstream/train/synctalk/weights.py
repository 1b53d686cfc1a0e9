"""A `.pth` of SyncTalk_2D in, its network as ONNX with golden values out; only tensors are ever unpickled."""

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import torch
from torch import Tensor, nn

from lipstream.avatar.manifest import Network
from lipstream.errors import InputError
from lipstream.nets.synctalk_encoder import SyncTalkEncoder
from lipstream.nets.synctalk_unet import SyncTalkUNet
from lipstream.train.export import export_onnx, gflop, golden
from lipstream.train.synctalk.checkpoint import Imported
from lipstream.train.synctalk.mode import refusal
from lipstream.types import Float32

State = dict[str, Tensor]
_FEATURES = "audio_model.conv1.conv.0.weight"
_DEEPEST = "down5.maxpool_conv.0.double_conv.0.conv.0.weight"
_PREFIX = "audio_encoder."
_FAULTS = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError, AttributeError, BadZipFile)
"""What torch raises for files that are no checkpoint, or hold what could do harm."""


def convert_generator(source: Path, target: Path, inputs: Mapping[str, Float32]) -> Imported:
    """Write a generator's checkpoint as ONNX; see `checkpoint.import_generator`."""
    state = read_state(source)
    if _FEATURES in state and state[_FEATURES].shape[1:2] == (256,):
        raise refusal("wenet", f"{source} takes features of [256, 16, 32]")
    if _FEATURES in state and _DEEPEST not in state:
        raise InputError(f"{source} is of SyncTalk_2D's 160 network; only its 328 network is imported.")
    return convert(filled(SyncTalkUNet(), state, source), target, inputs, "image")


def convert_encoder(source: Path, target: Path, inputs: Mapping[str, Float32]) -> Imported:
    """Write an audio encoder's checkpoint as ONNX; see `checkpoint.import_encoder`."""
    state = {name.removeprefix(_PREFIX): tensor for name, tensor in read_state(source).items()}
    return convert(filled(SyncTalkEncoder(), state, source), target, inputs, "features")


def read_state(source: Path) -> State:
    """Read the tensors of a checkpoint, and nothing else that a pickle could do.

    Raises:
        InputError: it holds something else, or is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is refused a moment later
            state = torch.load(source, map_location="cpu", weights_only=True)
    except _FAULTS as error:
        raise InputError(
            f"{source} is damaged, or holds more than tensors, which is not opened; expected the weights that "
            "SyncTalk_2D saves."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{source} holds {type(state).__name__}, not only tensors by name; save network.state_dict().")
    return {str(name): tensor for name, tensor in state.items()}


def filled(module: nn.Module, state: State, source: Path) -> nn.Module:
    """Give a network its weights: all of them, and none besides.

    Raises:
        InputError: names or shapes differ, or a weight is not finite.
    """
    wanted = module.state_dict()
    other = [name for name in wanted.keys() & state.keys() if wanted[name].shape != state[name].shape]
    odd = sorted([*(wanted.keys() ^ state.keys()), *other])
    if odd:
        raise InputError(
            f"{source} is no {type(module).__name__}: {len(odd)} of {len(wanted)} weights differ, such as {odd[0]!r}; "
            "give the checkpoint of SyncTalk_2D's 328 network in mode ave, or of its audio encoder."
        )
    if not all(bool(torch.isfinite(tensor).all()) for tensor in state.values()):
        raise InputError(f"{source} holds weights that are not finite; give another checkpoint.")
    module.load_state_dict(state, strict=True)
    return module.eval()


def convert(module: nn.Module, target: Path, inputs: Mapping[str, Float32], output: str) -> Imported:
    """Write a network as ONNX with the weights that it has.

    Args:
        module: takes the inputs by their names.
        target: of the file.
        inputs: golden ones, `[b, ...]` float32, b of 2 or more.
        output: its name.
    """
    tensors = {name: torch.from_numpy(values) for name, values in inputs.items()}
    pairs = golden(module, tensors, [output])
    export_onnx(module, tensors, [output], target, halved=False)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Imported(Network(files={"float": target.name}, parameters=parameters, gflop=gflop(module, tensors)), pairs)
