"""An avatar bundle in, everything that makes it speak loaded and ready out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from lipstream.avatar.bundle import Bundle, open_bundle, open_speech
from lipstream.avatar.manifest import SpeechName
from lipstream.errors import AvatarError, AvatarVersionError, EngineError, MediaError
from lipstream.render.faces import Face, face_of
from lipstream.runtime.engines import LoadedEngine
from lipstream.runtime.networks import (
    QUALITIES,
    Generator,
    SpeechEngines,
    load_generator,
    load_own_speech,
    load_speech,
    select_network,
)
from lipstream.speech.contexts import FULL_LOOKAHEAD_MS
from lipstream.speech.drive import CodeDrive, Drive, FeatureDrive, Speech
from lipstream.types import Features, Float32
from lipstream.video.clip import Clip


@dataclass(frozen=True, eq=False)
class Avatar:
    """A person who is ready to speak; holds no state of any speech, so several may run at once."""

    name: str
    """The avatar's name."""
    engine: str
    """The engine that runs the generator: `openvino`, `onnx` or `torch`."""
    precision: str
    """What the generator computes in: `int8`, `f32`, `bf16` or `f16`."""
    quality: str
    """Which generator it is: `fast` or `standard`."""
    clip: Clip
    """The driving clip."""
    face: Face
    """What the generator sees and where its work goes."""
    networks: SpeechEngines
    """Speech to articulation: what avatars share, or its own where it was adapted to a voice."""
    drive: Drive
    """What moves the mouth: by `networks`; of an imported avatar features of an encoder of its own."""
    first_picture: int = 0
    """The picture that the first frame of `render` shows."""
    speech_features: Features | None = None
    """What it says where no sound is sent, `[rows, 512]` float32; see `audio.window.own_contexts`."""
    lighter: Callable[[], Face | None] = lambda: None
    """Who paints by a smaller network of the avatar, loaded when first asked for; None where this is the smallest."""

    def speech(self, *, gain: float = 1.0, lookahead_ms: int = FULL_LOOKAHEAD_MS) -> Speech:
        """Begin a speech.

        Args:
            gain: factor of every mouth movement, 0 (closed) to 2; 1 for an imported avatar.
            lookahead_ms: sound after the start of a frame that its code waits for, 172 to 452.

        Returns:
            A converter of this speech's sound into what drives the generator, one code a frame.

        Raises:
            InputError: an imported avatar has no speech encoder, or another gain is asked of it.
        """
        return self.drive.begin(gain=gain, lookahead_ms=lookahead_ms)


def open_avatar(  # noqa: PLR0913  what an operator chooses, by name only
    path: Path,
    speech: Path | SpeechEngines,
    *,
    engine: str = "auto",
    device: str = "auto",
    quality: str = "auto",
    precision: str = "auto",
    streams: int = 1,
    paints: bool = True,
) -> Avatar:
    """Load an avatar and the networks that make it speak.

    Args:
        path: the bundle's folder or `.avatar` file.
        speech: folder of the speech networks; or those networks, loaded already for several avatars.
        engine: `openvino`, `onnx` or `torch`; `auto` takes the first that works here.
        device: of the generator: `cpu`, `cuda`, `cuda:1`, ...; `auto` lets the engine choose.
        quality: `low`, `medium` or `high`; `auto` is medium. One that the avatar lacks is replaced, with a warning.
        precision: of the generator: `f32`, `bf16` or `f16`; `auto` lets the engine choose.
        streams: batches that threads will run through the generator side by side.
        paints: whether the generator is loaded; not where another process runs it.

    Raises:
        AvatarVersionError: the bundle is of a newer format, or of other articulation codes than the speech networks.
        AvatarError: it is damaged or malformed.
        EngineError: no engine, or not the one asked for, runs it.
        InputError: there is no such quality.
    """
    bundle = open_bundle(path)
    own = load_own_speech(bundle, engine=engine)
    networks = _networks(bundle, own, speech, engine)
    load = partial(load_generator, bundle, engine=engine, device=device, precision=precision, streams=streams)
    if paints:
        generator = load(quality=quality)
    else:
        generator = Generator(_Elsewhere(), select_network(bundle.manifest, quality)[0], _Elsewhere.precision)
    return Avatar(
        name=bundle.manifest.name,
        engine=generator.engine.name,
        precision=generator.precision,
        quality=generator.quality,
        clip=_open_clip(bundle),
        face=face_of(bundle, generator.engine),
        networks=networks,
        drive=_drive(bundle, networks, own.get("speech_encoder")),
        first_picture=bundle.manifest.timeline.first,
        speech_features=bundle.speech_features,
        lighter=cache(partial(_lighter, bundle, generator.quality, load)),
    )


def _lighter(bundle: Bundle, quality: str, load: Callable[..., Generator]) -> Face | None:
    if quality != "standard" or "fast" not in bundle.manifest.networks:  # int8 of the same network saves a tenth
        return None
    return face_of(bundle, load(quality="medium").engine)


class _Elsewhere:
    """Stands in for a generator that another process runs."""

    name = device = precision = "none"

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        """Refuse."""
        raise EngineError(f"This process does not run the generator ({', '.join(inputs)}); ask the one that does.")


def verify(bundle: Bundle) -> list[str]:
    """Decode every picture of the driving clip and run every generator on its golden values.

    Returns:
        The networks that were run, such as `fast int8`.

    Raises:
        AvatarError: the clip, mask or references are damaged or not as the manifest says.
        EngineError: no engine here reproduces a network's golden values.
    """
    clip = _open_clip(bundle)
    try:
        for index in range(len(clip)):
            clip.image(index)
    except MediaError as error:
        raise AvatarError(f"{bundle.frames_path}: {error}") from error
    found = []
    for quality, wanted in QUALITIES.items():
        network, precision = wanted[0]
        if network in bundle.manifest.networks and precision in bundle.manifest.networks[network].files:
            face_of(bundle, load_generator(bundle, quality=quality).engine)
            found.append(f"{network} {precision}")
    return found + [name.replace("_", " ") for name in load_own_speech(bundle)]


def _networks(
    bundle: Bundle, own: Mapping[SpeechName, LoadedEngine], speech: Path | SpeechEngines, engine: str
) -> SpeechEngines:
    """What an avatar hears with: its own networks where both are there."""
    if "articulation" in own:
        return SpeechEngines(own["speech_encoder"], own["articulation"], bundle.manifest.articulation)
    return load_speech(open_speech(speech), engine=engine) if isinstance(speech, Path) else speech


def _drive(bundle: Bundle, networks: SpeechEngines, own_encoder: LoadedEngine | None) -> Drive:
    if bundle.manifest.driver == "features":
        return FeatureDrive(bundle.manifest.name, own_encoder)
    _check_articulation(bundle, networks)
    return CodeDrive(networks.encoder, networks.articulation)


def _check_articulation(bundle: Bundle, networks: SpeechEngines) -> None:
    wanted, spoken = bundle.manifest.articulation, networks.speaks
    if wanted != spoken:
        raise AvatarVersionError(
            f"Avatar {bundle.manifest.name} is driven by {wanted}, the speech networks speak {spoken}: "
            "use a matching version of the avatar or of lipstream."
        )


def _open_clip(bundle: Bundle) -> Clip:
    clip, manifest = Clip(bundle.frames_path.read_bytes()), bundle.manifest
    found = (len(clip), clip.width, clip.height)
    expected = (manifest.timeline.frames, manifest.frame_width, manifest.frame_height)
    if found != expected:
        raise AvatarError(
            f"{bundle.frames_path} has {found[0]} pictures of {found[1]} x {found[2]}, the manifest says "
            f"{expected[0]} of {expected[1]} x {expected[2]}; install the avatar again."
        )
    return clip
