"""An opened bundle in, its networks ready to run out."""

import logging
from dataclasses import dataclass
from pathlib import Path

from lipstream.avatar.bundle import Bundle, FilePrecision, Quality, SpeechBundle
from lipstream.avatar.manifest import Manifest, Network, SpeechName
from lipstream.errors import AvatarError, InputError
from lipstream.runtime.engines import LoadedEngine, ModelFile, choose
from lipstream.runtime.golden import GoldenPair, read_golden

QUALITIES: dict[str, tuple[tuple[Quality, FilePrecision], ...]] = {
    "low": (("fast", "int8"), ("fast", "float"), ("standard", "float")),
    "medium": (("fast", "float"), ("standard", "float")),
    "high": (("standard", "float"), ("fast", "float")),
}
"""What a quality means, and what takes its place in an avatar without it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Generator:
    """An avatar's generator on an engine."""

    engine: LoadedEngine
    """Runs `visual` with `code` or `audio` to `image`."""
    quality: Quality
    """Which of the avatar's networks it is."""
    precision: str
    """What it computes in: `int8`, `f32`, `bf16` or `f16`."""


@dataclass(frozen=True, eq=False)
class SpeechEngines:
    """The two speech networks on engines: those that avatars share, or those of one avatar."""

    encoder: LoadedEngine
    """Runs `mel` to `features`."""
    articulation: LoadedEngine
    """Runs `audio` to `code`."""
    speaks: str
    """Version of the codes, such as `articulation/1`."""


def load_generator(  # noqa: PLR0913  by name only
    bundle: Bundle,
    *,
    engine: str = "auto",
    device: str = "auto",
    quality: str = "auto",
    precision: str = "auto",
    streams: int = 1,
) -> Generator:
    """Load an avatar's generator.

    Args:
        bundle: the avatar.
        engine: `auto` or an engine's name, see `engines.choose`.
        device: see `engines.load_engine`.
        quality: `low`, `medium` or `high`, which falls back with a warning; `auto` is medium, falling back without.
        precision: see `engines.load_engine`.
        streams: batches that threads will run side by side.

    Raises:
        InputError: there is no such quality.
        AvatarError: the bundle lacks the network's golden values.
        EngineError: no engine loads it and reproduces its golden values.
    """
    network, kind = select_network(bundle.manifest, quality)
    path = bundle.network_path(network, kind)
    model = _model(
        path, bundle.manifest.networks[network], f"generator.{network}", read_golden(bundle.golden_path), kind
    )
    loaded = choose(engine, model, device=device, precision=precision, streams=streams)
    return Generator(loaded, network, "int8" if kind == "int8" else loaded.precision)


def load_own_speech(bundle: Bundle, *, engine: str = "auto") -> dict[SpeechName, LoadedEngine]:
    """Load the speech networks that an avatar has of its own, in f32; empty if it has none.

    Raises:
        AvatarError: the bundle lacks their golden values.
        EngineError: no engine loads them and reproduces their golden values.
    """
    golden = read_golden(bundle.golden_path) if bundle.manifest.own_speech else {}
    return {
        name: choose(engine, _model(bundle.own_speech_paths[name], network, name, golden, "float"), precision="f32")
        for name, network in bundle.manifest.own_speech.items()
    }


def load_speech(bundle: SpeechBundle, *, engine: str = "auto") -> SpeechEngines:
    """Load the speech encoder and articulation, in f32: they cost little, and codes must not depend on the CPU.

    Raises:
        AvatarError: the bundle lacks golden values.
        EngineError: no engine loads them and reproduces their golden values.
    """
    golden, networks = read_golden(bundle.golden_path), bundle.manifest.networks
    encoder, articulation = (
        choose(engine, _model(bundle.network_path(name), networks[name], name, golden, "float"), precision="f32")
        for name in ("speech_encoder", "articulation")
    )
    return SpeechEngines(encoder, articulation, bundle.manifest.articulation)


def select_network(manifest: Manifest, quality: str) -> tuple[Quality, FilePrecision]:
    """The network and file precision that a quality means for this avatar; raises InputError for an unknown one."""
    if quality not in (*QUALITIES, "auto"):
        raise InputError(f"There is no quality {quality!r}; use auto, {', '.join(QUALITIES)}.")
    wanted = QUALITIES["medium" if quality == "auto" else quality]
    for network, precision in wanted:
        if network in manifest.networks and precision in manifest.networks[network].files:
            break
    if (network, precision) != wanted[0] and quality != "auto":
        _log.warning(
            "the avatar lacks this quality, another network takes its place",
            extra={"avatar": manifest.name, "quality": quality, "instead": network},
        )
    return network, precision


def _model(
    path: Path, network: Network, name: str, golden: dict[str, GoldenPair], precision: FilePrecision
) -> ModelFile:
    if name not in golden:
        raise AvatarError(f"{path.parent / 'golden.npz'} has no values of {name}; build the bundle again.")
    return ModelFile(path, golden[name], network.tensors, int8=precision == "int8")
