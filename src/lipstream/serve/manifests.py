"""Names of avatars in, what their bundles say of themselves out; each bundle is opened once, and when it changed."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lipstream.avatar.bundle import MANIFEST_NAME, open_bundle
from lipstream.avatar.manifest import Manifest
from lipstream.runtime.networks import QUALITIES
from lipstream.serve.names import bundle_of

REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Manifests:
    """Manifests of the installed and built-in avatars."""

    home: Path
    """Folder whose `avatars` folder holds the installed ones."""

    def of(self, name: str) -> Manifest:
        """The manifest of the avatar of that name, no alias.

        Raises:
            InputError: it cannot be a name. AvatarNotFoundError: there is none. AvatarError: it is damaged.
        """
        path = bundle_of(name, self.home)
        manifest = path / MANIFEST_NAME if path.is_dir() else path
        return _opened(path, manifest.stat().st_mtime_ns)


@lru_cache(REMEMBERED)
def _opened(path: Path, changed_ns: int) -> Manifest:  # noqa: ARG001  a part of what is remembered
    return open_bundle(path).manifest


def network_of(manifest: Manifest, quality: str) -> tuple[str, str] | None:
    """Network and precision that a quality (`low`, `medium`, `high`) means for an avatar: its own, or the next one."""
    there = ((name, precision) for name, precision in QUALITIES[quality] if _has(manifest, name, precision))
    return next(there, None)


def own_qualities(manifest: Manifest) -> list[str]:
    """The qualities that an avatar has, those left out that another takes the place of."""
    return [quality for quality, wanted in QUALITIES.items() if _has(manifest, *wanted[0])]


def _has(manifest: Manifest, name: str, precision: str) -> bool:
    return any(name == there and precision in network.files for there, network in manifest.networks.items())
