"""`GET /v1/avatars` and below: which avatars there are, what they are, and what they look like."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lipstream.avatar.bundle import Bundle, open_bundle
from lipstream.render.crop import bounds
from lipstream.render.mask import read_mask
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Call
from lipstream.serve.names import check_name
from lipstream.serve.steps import done
from lipstream.serve.usage import NameStatistics
from lipstream.video.clip import Clip
from lipstream.video.jpeg import encode_jpeg

POSTER = "poster.jpg"


@dataclass(frozen=True, eq=False)
class Known:
    """Answers these routes."""

    avatars: Avatars
    """Who can be shown."""
    bundle_of: Callable[[str], Path]
    """Where an avatar lies; AvatarNotFoundError if there is none of that name."""
    workers: Executor
    """Where bundles are opened: 20 ms for one of 30 MB."""

    async def all(self, request: Request, call: Call) -> Response:  # noqa: ARG002
        """All avatars that can be named."""
        return JSONResponse({"avatars": await done(self.workers, self._all)})

    async def one(self, request: Request, call: Call) -> Response:  # noqa: ARG002
        """What one avatar is."""
        return JSONResponse(await done(self.workers, partial(self._one, request.path_params["name"])))

    async def poster(self, request: Request, call: Call) -> Response:  # noqa: ARG002
        """What one avatar looks like."""
        jpeg = await done(self.workers, partial(self._poster, request.path_params["name"]))
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=60"})

    def _all(self) -> list[dict[str, object]]:
        known = self.avatars.known()
        _, statistics = self.avatars.statistics()
        return [_told(name, one) for name, one in statistics.items() if name in known]

    def _one(self, name: str) -> dict[str, object]:
        name = self.avatars.registry.resolve(check_name(name))
        bundle = open_bundle(self.bundle_of(name))
        manifest = bundle.manifest
        _, statistics = self.avatars.statistics()
        return {
            **_told(name, statistics[name]),
            "width": manifest.frame_width,
            "height": manifest.frame_height,
            "mouth": _mouth(bundle),
            "clip_frames": manifest.timeline.frames,
            "fps": manifest.fps,
            "qualities": sorted(manifest.networks),
            "licence": manifest.licence,
            "subject": manifest.subject,
        }

    def _poster(self, name: str) -> bytes:
        bundle = open_bundle(self.bundle_of(self.avatars.registry.resolve(check_name(name))))
        if POSTER in bundle.manifest.files:
            return (bundle.folder / POSTER).read_bytes()
        return encode_jpeg(Clip(bundle.frames_path.read_bytes()).image(0), avatar=None)


def _mouth(bundle: Bundle) -> dict[str, int]:
    """The generated part of the first picture, for whoever shows it close up."""
    mask, manifest = read_mask(bundle.mask_path.read_bytes()), bundle.manifest
    left, top, right, bottom = bounds(bundle.transforms[0], mask.box, manifest.frame_width, manifest.frame_height)
    return {"left": left, "top": top, "width": right - left, "height": bottom - top}


def _told(name: str, one: NameStatistics) -> dict[str, object]:
    return {
        "name": name,
        "loaded": one.loaded,
        "device": one.device,
        "memory_bytes": one.size_bytes,
        "poster": f"/v1/avatars/{name}/{POSTER}",
    }
