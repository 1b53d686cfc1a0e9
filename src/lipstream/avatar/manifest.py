"""The text of `avatar.json` or `speech.json` in, frozen and validated models out."""

import json
import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from lipstream.errors import AvatarError, AvatarVersionError
from lipstream.types import CROP_SIZE

AVATAR_FORMAT: Final = "lipstream.avatar/1"
SPEECH_FORMAT: Final = "lipstream.speech/1"
ARTICULATION_VERSION = "articulation/1"
MAX_FRAMES = 25 * 600  # ten minutes; a driving clip has 8 to 30 seconds

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""A bundle is flat: without separators, no name can leave its folder."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
SpeechName = Literal["speech_encoder", "articulation"]
"""The speech networks."""
Pose = tuple[float, float, float]
"""Yaw, pitch and roll of a head in degrees."""
_Inside = Annotated[int, Field(ge=0, le=CROP_SIZE)]
Rectangle = tuple[_Inside, _Inside, _Inside, _Inside]
"""Left, top, width and height in pixels of a crop."""


class _Model(BaseModel):
    """Frozen; fields that a later 1.x adds are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class FileEntry(_Model):
    """What a file of the bundle must be."""

    sha256: Sha256
    """SHA-256 of its bytes, lower-case hexadecimal."""
    size_bytes: int = Field(ge=0)
    """Its length."""


class Network(_Model):
    """One network, in one or more precisions of the same weights."""

    files: dict[Literal["float", "int8"], FileName]
    """Precision to ONNX file: `float` has fp16 or fp32 weights, `int8` is quantised (QDQ)."""
    tensors: dict[str, str] = {}
    """Our tensor name to the graph's, for those that differ."""
    parameters: int = Field(ge=0)
    """Number of weights."""
    gflop: float = Field(default=0.0, ge=0)
    """Work of one run at batch 1, in GFLOP; 0 where it is not known."""

    @model_validator(mode="after")
    def _has_float(self) -> Self:
        if "float" not in self.files:
            raise ValueError("a network needs a file of precision 'float'")
        return self


class References(_Model):
    """The closed-mouth crops of which the generator takes one as a pattern."""

    file: FileName = "references.png"
    """320 x 320 crops, stacked vertically."""
    poses: list[Pose] = Field(default=[], max_length=5)
    """Head pose of each crop, from the top; none where every picture is its own reference."""


class Mask(_Model):
    """Where the generator's picture replaces the crop."""

    file: FileName = "mask.png"
    """320 x 320, 8-bit grey, 255 where the picture is generated."""


class Timeline(_Model):
    """The driving clip, `frames.mp4`."""

    frames: int = Field(ge=1, le=MAX_FRAMES)
    """Pictures in the clip."""
    first: int = Field(default=0, ge=0)
    """Picture that the first frame of a speech shows, where nobody asks for another."""
    loop: bool = True
    """Whether the first picture follows the last one seamlessly. Reserved: not read yet, every clip is looped."""

    @model_validator(mode="after")
    def _first_is_there(self) -> Self:
        if self.first >= self.frames:
            raise ValueError(f"'first' is picture {self.first} of {self.frames}")
        return self


class Manifest(_Model):
    """`avatar.json` of bundle format 1."""

    format: Literal["lipstream.avatar/1"] = AVATAR_FORMAT
    """Name and major version of the format."""
    name: FileName
    """The avatar's name, which is also its folder's when it is installed."""
    fps: Literal[25] = 25
    """Pictures a second."""
    frame_width: int = Field(ge=16, le=8192, multiple_of=2)
    """Width of a picture in pixels."""
    frame_height: int = Field(ge=16, le=8192, multiple_of=2)
    """Height of a picture in pixels."""
    licence: str = Field(min_length=1)
    """SPDX identifier or a sentence."""
    subject: str = Field(min_length=1)
    """Who is shown."""
    consent: str = Field(min_length=1)
    """On what ground this face may speak."""
    provenance: dict[str, object] = {}
    """By whom it was made (`made_by`), where the pictures and the weights come from; free form."""
    driver: Literal["code", "features"] = "code"
    """What drives the generator: articulation codes; or contexts of speech features, with the crops of SyncTalk_2D."""
    articulation: str = ARTICULATION_VERSION
    """Version of the code that the generator was trained on; of driver `code`."""
    references: References = References()
    """The closed-mouth crops; of driver `code`."""
    mask: Mask = Mask()
    """The generated area; of driver `code`."""
    hidden: Rectangle | None = None
    """What the generator does not see of a crop; of driver `features`."""
    speech_encoder: Network | None = None
    """An encoder of its own, `mel` to `features`; of driver `features` the one that its generator knows."""
    speech_articulation: Network | None = None
    """Beside such an encoder, what hears how this person speaks, `audio` to `code`; of driver `code`."""
    timeline: Timeline
    """The driving clip."""
    idle: Literal["generate", "raw"] = "generate"
    """Whether pictures at rest pass the generator or are shown as filmed: `raw` needs a clip whose lips are still."""
    networks: dict[Literal["fast", "standard"], Network] = Field(min_length=1)
    """Generators by quality."""
    files: dict[FileName, FileEntry]
    """Every file of the bundle but `avatar.json`."""
    evaluation: dict[str, object] | None = None
    """Measured figures, with their own `schema` (`lipstream.evaluation/1`)."""

    @model_validator(mode="after")
    def _fits_its_driver(self) -> Self:
        if self.driver == "code" and not self.references.poses:
            raise ValueError("driver 'code' needs 'references.poses', one crop or more")
        if self.driver == "features" and self.hidden is None:
            raise ValueError("driver 'features' needs 'hidden', the rectangle that the generator does not see")
        takes: dict[str, list[set[str]]] = {
            "code": [set(), {"speech_encoder", "articulation"}],
            "features": [set(), {"speech_encoder"}],
        }
        if set(self.own_speech) not in takes[self.driver]:
            raise ValueError(
                "driver 'code' takes 'speech_encoder' and 'speech_articulation' together, 'features' the encoder alone"
            )
        return self

    @property
    def own_speech(self) -> dict[SpeechName, Network]:
        """Speech networks of its own, in place of those that avatars share, by the names of their golden values."""
        own: dict[SpeechName, Network | None] = {
            "speech_encoder": self.speech_encoder,
            "articulation": self.speech_articulation,
        }
        return {name: network for name, network in own.items() if network is not None}

    @model_validator(mode="after")
    def _names_only_listed_files(self) -> Self:
        named = {"frames.mp4", "crops.npz", "golden.npz"}
        if self.driver == "code":
            named |= {self.references.file, self.mask.file}
        networks = [*self.networks.values(), *self.own_speech.values()]
        named.update(file for network in networks for file in network.files.values())
        return _require_listed(self, named, self.files)


class SpeechManifest(_Model):
    """`speech.json`, beside the two networks that all avatars share."""

    format: Literal["lipstream.speech/1"] = SPEECH_FORMAT
    """Name and major version of the format."""
    articulation: str = ARTICULATION_VERSION
    """Version of the codes that come out."""
    provenance: dict[str, object] = {}
    """Voices and texts the networks were trained on, free form."""
    networks: dict[SpeechName, Network] = Field(min_length=2)
    """The two networks."""
    files: dict[FileName, FileEntry]
    """Every file of the folder but `speech.json`."""
    evaluation: dict[str, object] | None = None
    """Measured figures, free form."""

    @model_validator(mode="after")
    def _names_only_listed_files(self) -> Self:
        named = {file for network in self.networks.values() for file in network.files.values()}
        return _require_listed(self, named | {"golden.npz"}, self.files)


_M = TypeVar("_M", bound=_Model)


def _require_listed(model: _M, named: set[str], files: dict[str, FileEntry]) -> _M:
    if missing := sorted(named - files.keys()):
        raise ValueError(f"'files' has no hash for {', '.join(missing)}")
    return model


def parse_manifest(text: str | bytes, source: str | Path = "The manifest") -> Manifest:
    """Read the text of an `avatar.json`.

    Args:
        text: what it holds.
        source: where it is from, for the message of an error.

    Raises:
        AvatarVersionError: its format has another major version than 1.
        AvatarError: it is not JSON, or not a valid manifest.
    """
    return _parse(Manifest, text, AVATAR_FORMAT, source)


def parse_speech_manifest(text: str | bytes, source: str | Path = "The manifest") -> SpeechManifest:
    """Read the text of a `speech.json`; takes and raises what `parse_manifest` does."""
    return _parse(SpeechManifest, text, SPEECH_FORMAT, source)


def _parse(model: type[_M], text: str | bytes, expected: str, source: str | Path) -> _M:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AvatarError(f"{source} is not JSON ({error}); expected a {expected} manifest.") from error
    _check_version(fields, expected, source)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "manifest"
        raise AvatarError(f"{source} is malformed at '{place}': {first['msg']}.") from error


def _check_version(fields: object, expected: str, source: str | Path) -> None:
    found = fields.get("format") if isinstance(fields, dict) else None
    if found == expected:
        return
    kind = expected.partition("/")[0]
    if isinstance(found, str) and re.fullmatch(rf"{re.escape(kind)}/\d+", found):
        raise AvatarVersionError(
            f"{source} has format {found}, this lipstream reads {expected}: use a matching version."
        )
    raise AvatarError(f"{source} has format {found!r}, expected {expected!r}: this is no such bundle.")
