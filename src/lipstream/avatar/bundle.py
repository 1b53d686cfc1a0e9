"""A bundle's folder or `.avatar` zip in, its validated manifest, arrays and file paths out."""

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from lipstream.avatar.archive import unpack
from lipstream.avatar.arrays import Array, read_features, read_npz, require_array
from lipstream.avatar.manifest import (
    FileEntry,
    Manifest,
    SpeechManifest,
    SpeechName,
    parse_manifest,
    parse_speech_manifest,
)
from lipstream.avatar.rectangles import Rectangles, crop_transforms, read_rectangles
from lipstream.errors import AvatarError, AvatarNotFoundError
from lipstream.types import Features, Float32

MANIFEST_NAME = "avatar.json"
SPEECH_MANIFEST_NAME = "speech.json"
FEATURES_NAME = "speech_features.npy"
MAX_MANIFEST_BYTES = 1 << 20
OUTLINE_POINTS = 15
"""Of every outline."""

Quality = Literal["fast", "standard"]
FilePrecision = Literal["float", "int8"]


@dataclass(frozen=True, eq=False)
class Bundle:
    """An avatar whose files are all present with the hashes of its manifest."""

    folder: Path
    """Where the files lie; for a zip a temporary folder that lasts as long as this object."""
    manifest: Manifest
    """The validated `avatar.json`."""
    transforms: Float32
    """Frame-to-crop transforms, `[N, 2, 3]` float32, pixel centres at whole numbers."""
    poses: Float32
    """Head pose of each picture, `[N, 3]` float32: yaw, pitch, roll in degrees; zeros with driver `features`."""
    outlines: Float32 | None = None
    """Inside which the mouth of each picture is painted, `[N, 15, 2]` float32 in crop pixels; None: all of the mask."""
    rectangles: Rectangles | None = None
    """Where each picture is cut with driver `features`, `[N, 4]` int32."""
    speech_features: Features | None = None
    """Speech features of a clip of its own, `[rows, 512]` float32; for calls that send no audio."""

    @property
    def frames_path(self) -> Path:
        """The driving clip."""
        return self.folder / "frames.mp4"

    @property
    def references_path(self) -> Path:
        """The closed-mouth crops, `[320 k, 320]` BGR PNG."""
        return self.folder / self.manifest.references.file

    @property
    def mask_path(self) -> Path:
        """The generated area, `[320, 320]` grey PNG, 255 where the picture is generated."""
        return self.folder / self.manifest.mask.file

    @property
    def golden_path(self) -> Path:
        """Inputs and outputs that every engine must reproduce."""
        return self.folder / "golden.npz"

    @property
    def own_speech_paths(self) -> dict[SpeechName, Path]:
        """ONNX files of the speech networks of its own, none as a rule."""
        return {name: self.folder / network.files["float"] for name, network in self.manifest.own_speech.items()}

    def network_path(self, quality: Quality, precision: FilePrecision = "float") -> Path:
        """ONNX file of a generator.

        Raises:
            AvatarError: the bundle has no such network.
        """
        network = self.manifest.networks.get(quality)
        if network is None or precision not in network.files:
            raise AvatarError(f"Avatar {self.manifest.name} has no {precision} network of quality {quality!r}.")
        return self.folder / network.files[precision]


@dataclass(frozen=True)
class SpeechBundle:
    """The two networks that all avatars share, present with the hashes of their manifest."""

    folder: Path
    """Where the files lie."""
    manifest: SpeechManifest
    """The validated `speech.json`."""

    @property
    def golden_path(self) -> Path:
        """Inputs and outputs that every engine must reproduce."""
        return self.folder / "golden.npz"

    def network_path(self, network: SpeechName, precision: FilePrecision = "float") -> Path:
        """ONNX file of a network; AvatarError if there is none of that precision."""
        files = self.manifest.networks[network].files
        if precision not in files:
            raise AvatarError(f"The speech network {network} has no {precision} file.")
        return self.folder / files[precision]


def open_bundle(path: Path) -> Bundle:
    """Open an avatar: a folder with `avatar.json`, or the same as an `.avatar` zip.

    Every file's length and hash is checked (30 MB take about 20 ms).

    Raises:
        AvatarNotFoundError: nothing lies at `path`.
        AvatarVersionError: the bundle is of another major version of the format.
        AvatarError: a file is missing, damaged or malformed.
    """
    if not path.exists():
        raise AvatarNotFoundError(f"There is no avatar at {path}; expected a folder or an .avatar file.")
    try:
        return _open_folder(path) if path.is_dir() else _open_archive(path)
    except OSError as error:
        raise AvatarError(f"{path} cannot be opened ({error}); check permissions and free disk space.") from error


def open_speech(folder: Path) -> SpeechBundle:
    """Open the folder of the speech networks; raises as `open_bundle`."""
    try:
        manifest = parse_speech_manifest(_read_manifest(folder / SPEECH_MANIFEST_NAME), folder / SPEECH_MANIFEST_NAME)
        check_files(folder, manifest.files)
    except OSError as error:
        raise AvatarError(f"{folder} cannot be read ({error}); install lipstream again.") from error
    return SpeechBundle(folder, manifest)


def file_entries(paths: Iterable[Path]) -> dict[str, FileEntry]:
    """The manifest's `files` table: name to length and hash of each of `paths`."""
    return {path.name: FileEntry(sha256=_sha256(path), size_bytes=path.stat().st_size) for path in sorted(paths)}


def check_files(folder: Path, files: Mapping[str, FileEntry]) -> None:
    """Compare each file's length and SHA-256 with its entry.

    Raises:
        AvatarError: a file is missing or differs.
    """
    for name, entry in files.items():
        path = folder / name
        if not path.is_file():
            raise AvatarError(f"{path} is missing; install the avatar again.")
        if path.stat().st_size != entry.size_bytes or _sha256(path) != entry.sha256:
            raise AvatarError(f"{path} is damaged: its SHA-256 differs from the manifest's; install the avatar again.")


def _open_archive(path: Path) -> Bundle:
    folder = Path(tempfile.mkdtemp(prefix="lipstream-avatar-"))
    try:
        unpack(path, folder)
        bundle = _open_folder(folder)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, AvatarError):  # names what the user knows, not where it was unpacked
            raise type(error)(str(error).replace(str(folder), str(path))) from error
        raise
    weakref.finalize(bundle, shutil.rmtree, folder, ignore_errors=True)
    return bundle


def _open_folder(folder: Path) -> Bundle:
    manifest = parse_manifest(_read_manifest(folder / MANIFEST_NAME), folder / MANIFEST_NAME)
    check_files(folder, manifest.files)
    crops_path = folder / "crops.npz"
    crops, frames = read_npz(crops_path), manifest.timeline.frames
    features = read_features(folder / FEATURES_NAME) if FEATURES_NAME in manifest.files else None
    if manifest.driver == "features":
        found = require_array(crops, "rectangles", (frames, 4), crops_path)
        rectangles = read_rectangles(found, manifest.frame_width, manifest.frame_height, crops_path)
        poses = np.zeros((frames, 3), np.float32)
        return Bundle(
            folder, manifest, crop_transforms(rectangles), poses, rectangles=rectangles, speech_features=features
        )
    return Bundle(
        folder=folder,
        manifest=manifest,
        transforms=require_array(crops, "transforms", (frames, 2, 3), crops_path),
        poses=require_array(crops, "poses", (frames, 3), crops_path),
        outlines=_outlines(crops, frames, crops_path),
        speech_features=features,
    )


def _outlines(crops: Mapping[str, Array], frames: int, path: Path) -> Float32 | None:
    return require_array(crops, "outlines", (frames, OUTLINE_POINTS, 2), path) if "outlines" in crops else None


def _read_manifest(path: Path) -> bytes:
    if not path.is_file():
        raise AvatarError(f"{path} is missing; expected an avatar bundle with {path.name} in it.")
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise AvatarError(f"{path} has {path.stat().st_size} bytes; a manifest has at most {MAX_MANIFEST_BYTES}.")
    return path.read_bytes()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
