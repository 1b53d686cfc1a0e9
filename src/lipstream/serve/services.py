"""What this process is to serve in, every service of it and the object that answers out."""

from pathlib import Path
from typing import Literal

from google.protobuf.descriptor import ServiceDescriptor

from lipstream.errors import InputError
from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core
from lipstream.serve.live.floor import Live
from lipstream.serve.manifests import Manifests
from lipstream.serve.remote import Remote
from lipstream.serve.wires import (
    compositing,
    directory,
    inference,
    lipsync,
    lipsyncsrv,
    monolithic,
    native,
    optimized,
)
from lipstream.serve.wires.asked import WholeFrames
from lipstream.serve.wires.header import Headers

Role = Literal["all", "inference", "compositing"]
"""The whole of it, or one half of a pair of processes: the networks, or the pictures."""


def services(  # noqa: PLR0913  all but three are by name only
    role: Role,
    core: Core,
    avatars: Avatars,
    live: Live,
    *,
    home: Path,
    jpeg_quality: int = 75,
    raw: bool = False,
    max_audio_s: float = 600,
    quality: str = "auto",
    remote: Remote | None = None,
) -> dict[ServiceDescriptor, object]:
    """Services of lipstream's own contract and of the reference's.

    Args:
        role: which of them.
        core: paints.
        avatars: who can be shown.
        live: opens sessions.
        home: folder whose `avatars` folder holds the installed ones, of which calls may name one by its folder.
        jpeg_quality: of whole frames, 1 to 100.
        raw: whether whole frames are sent as they are where the contract leaves it open.
        max_audio_s: the longest sound that comes as a file, or as a whole speech.
        quality: in which avatars are loaded: low, medium, high or auto.
        remote: the inference process, which paints for role compositing.

    Raises:
        InputError: role compositing without `remote`.
    """
    frames = WholeFrames(jpeg_quality, raw)
    match role:
        case "inference":
            return {inference.SERVICE: inference.Inference(avatars, core)}
        case "compositing":
            if remote is None:
                raise InputError("role compositing needs the URL of an inference process: give --inference-url")
            served = compositing.Compositing(avatars, remote, frames, remote.url, remote.healthy)
            return {compositing.SERVICE: served}
        case "all":
            manifests = Manifests(home)
            headers = Headers(avatars, manifests, quality, jpeg_quality)
            return {
                native.SERVICE: native.Native(core, live, headers, max_audio_s),
                directory.SERVICE: directory.Directory(avatars, manifests, core),
                monolithic.SERVICE: monolithic.Monolithic(core, avatars, frames),
                optimized.SERVICE: optimized.Optimized(core, avatars, home, jpeg_quality),
                lipsync.MOUTHS: lipsync.Mouths(core, avatars),
                lipsync.COMPOSITE: lipsync.Composites(core),
                lipsync.TENANTS: lipsync.Tenants(avatars, core),
                inference.SERVICE: inference.Inference(avatars, core),
                compositing.SERVICE: compositing.Compositing(avatars, core, frames),
                lipsyncsrv.SERVICE: lipsyncsrv.LipSyncService(core, avatars, home, jpeg_quality, max_audio_s),
            }
