"""An opened bundle in, a refusal of whatever would fail or mislead later out."""

import struct
from pathlib import Path

from lipstream.avatar.arrays import read_npz
from lipstream.avatar.bundle import MANIFEST_NAME, Bundle
from lipstream.avatar.graph import check_graph
from lipstream.errors import AvatarError
from lipstream.types import CROP_SIZE

PNG_GREY, PNG_COLOUR = 0, 2  # colour types of the PNG header


def verify(bundle: Bundle) -> None:
    """Check a bundle beyond what opening it checks (presence, hashes, crops).

    Files that the manifest does not list, pictures of another shape, networks that reach outside their file or need
    operators of their own, missing golden values. Whether engines reproduce the golden values, and whether the clip
    has as many pictures as the manifest says, is for those who run and decode them.

    Raises:
        AvatarError: the first fault found.
    """
    _check_no_others(bundle)
    manifest = bundle.manifest
    if manifest.driver == "code":
        _check_png(bundle.mask_path, CROP_SIZE, PNG_GREY)
        _check_png(bundle.references_path, CROP_SIZE * len(manifest.references.poses), PNG_COLOUR)
    needed = {f"generator.{quality}" for quality in manifest.networks}
    for quality, network in manifest.networks.items():
        for precision in network.files:
            check_graph(bundle.network_path(quality, precision))
    for name, path in bundle.own_speech_paths.items():
        check_graph(path)
        needed.add(name)
    golden = {key.rpartition("/")[0] for key in read_npz(bundle.golden_path)}
    if missing := sorted(needed - golden):
        raise AvatarError(f"{bundle.golden_path} has no values of {missing[0]}; build the bundle again.")


def _check_no_others(bundle: Bundle) -> None:
    listed = {*bundle.manifest.files, MANIFEST_NAME}
    others = sorted(path.name for path in bundle.folder.iterdir() if path.name not in listed)
    if others:
        raise AvatarError(f"{bundle.folder} holds {others[0]!r}, which its manifest does not list; remove it.")


def _check_png(path: Path, height: int, colour_type: int) -> None:
    with path.open("rb") as file:
        header = file.read(26)
    expected = (CROP_SIZE, height, 8, colour_type)
    if len(header) < 26 or header[:8] != b"\x89PNG\r\n\x1a\n" or header[12:16] != b"IHDR":
        raise AvatarError(f"{path} is not a PNG picture; install the avatar again.")
    if (found := struct.unpack(">IIBB", header[16:26])) != expected:
        raise AvatarError(f"{path} has width, height, depth, colour type {found}, expected {expected}.")
