"""What a server consists of in, its HTTP routes as one ASGI application out."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Lifespan

from lipstream.serve.access import Guard
from lipstream.serve.answered import Answered
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance
from lipstream.serve.core import Core
from lipstream.serve.http import pages
from lipstream.serve.http.envelope import Envelope
from lipstream.serve.http.generate import Generate
from lipstream.serve.http.incoming import DEFAULT_LIMITS, HttpLimits
from lipstream.serve.http.known import Known
from lipstream.serve.http.legacy import LegacyInfer
from lipstream.serve.http.monitoring import Monitoring, TokenDesk
from lipstream.serve.http.routes import Doors, elsewhere, nowhere, upgrade
from lipstream.serve.live.floor import Live
from lipstream.serve.origins import Origins
from lipstream.serve.webrtc.desk import Desk
from lipstream.serve.webrtc.settings import DEFAULT_SETTINGS, WebRtcSettings
from lipstream.serve.ws.door import SocketDoors
from lipstream.serve.ws.health import ProxyHealth
from lipstream.serve.ws.native import NativeStream
from lipstream.serve.ws.reference import Reference
from lipstream.serve.ws.socket import House
from lipstream.wire.live_codec import SUBPROTOCOL


@dataclass(frozen=True, eq=False)
class Parts:
    """What the routes need."""

    core: Core
    """Paints."""
    avatars: Avatars
    """Who can be shown."""
    live: Live
    """Opens sessions, for speech that is still being spoken."""
    bundle_of: Callable[[str], Path]
    """Where an avatar lies, by name; raises AvatarNotFoundError."""
    workers: Executor
    """Where all that takes long is done."""
    guard: Guard
    """Who may come in."""
    origins: Origins
    """From where browsers may call."""
    allowance: Allowance
    """Bytes of requests under way, gRPC's included."""
    ready: Callable[[], bool]
    """Whether requests are served."""
    exposition: Callable[[str], tuple[bytes, str]]
    """What was measured, such as `Metrics.exposition`."""
    limits: HttpLimits = DEFAULT_LIMITS
    """How much a client may send."""
    jpeg_quality: int = 75
    """Of JPEGs, 1 to 100."""
    observers: tuple[Callable[[Answered], None], ...] = ()
    """Told of every request that is over, on the event loop: they must not wait."""
    webrtc: WebRtcSettings = DEFAULT_SETTINGS
    """How WebRTC connections are to be."""
    speaks: bool = True
    """Whether the networks run here; not in role compositing, which answers over gRPC alone."""


def http_app(parts: Parts) -> ASGIApp:
    """All routes, with what every request passes around them."""
    desk = Desk(parts.live, parts.webrtc, parts.core.now_ms)
    return _enveloped(parts, routes(parts, desk), desk.lifespan)


def compat_app(parts: Parts) -> ASGIApp:
    """What a port of the reference's WebSocket servers answers: their dialects, and the health of their proxy."""
    reference, sockets, doors = _reference(parts), socket_doors(parts), Doors(parts.guard)
    return _enveloped(
        parts,
        [
            sockets.route("/", "infer", reference),
            sockets.route("/ws", "infer", reference),
            doors.get("/", None, upgrade),
            doors.get("/ws", None, upgrade),
            doors.get("/health", None, ProxyHealth(parts.ready, reference.tally)),
        ],
    )


def _enveloped(parts: Parts, routes: Sequence[BaseRoute], lifespan: Lifespan[Router] | None = None) -> ASGIApp:
    return Envelope(
        Router(routes, redirect_slashes=False, default=nowhere, lifespan=lifespan),
        parts.origins,
        parts.allowance,
        parts.limits,
        parts.core.now_ms,
        parts.observers,
    )


def _reference(parts: Parts) -> Reference:
    return Reference(parts.core, parts.avatars, parts.workers, parts.jpeg_quality)


def socket_doors(parts: Parts) -> SocketDoors:
    """Makes routes for WebSockets."""
    house = House(parts.guard, parts.allowance, parts.limits.stall_s, parts.core.now_ms, parts.observers)
    return SocketDoors(house, parts.origins)


def _sockets(parts: Parts) -> list[BaseRoute]:
    sockets, doors = socket_doors(parts), Doors(parts.guard)
    native = NativeStream(parts.live, parts.core.now_ms, parts.jpeg_quality)
    return [
        sockets.route("/v1/stream", "infer", native, SUBPROTOCOL),
        doors.get("/v1/stream", None, upgrade),
        sockets.route("/ws", "infer", _reference(parts)),
        doors.get("/ws", None, upgrade),
    ]


def routes(parts: Parts, desk: Desk) -> list[BaseRoute]:
    """The routes alone, each with the scope that it needs."""
    doors = Doors(parts.guard)
    known = Known(parts.avatars, parts.bundle_of, parts.workers)
    monitoring = Monitoring(parts.ready, parts.exposition)
    generate = Generate(parts.core, parts.workers, parts.limits, parts.jpeg_quality) if parts.speaks else elsewhere
    infer = LegacyInfer(parts.core, parts.workers) if parts.speaks else elsewhere
    return [
        *(_sockets(parts) if parts.speaks else ()),
        doors.post("/v1/generate", "infer", generate),
        doors.post("/v1/legacy/infer", "infer", infer),
        doors.get("/v1/webrtc", "infer", desk.configuration),
        doors.post("/v1/webrtc", "infer", desk.talk if parts.speaks else elsewhere),
        doors.delete("/v1/webrtc/{connection}", None, desk.end),
        doors.post("/v1/whep/{session}", "infer", desk.watch if parts.speaks else elsewhere),
        doors.delete("/v1/whep/{session}/{connection}", None, desk.end),
        doors.post("/v1/tokens", "infer", TokenDesk(parts.guard), tokens=False),
        doors.get("/v1/avatars", "infer", known.all),
        doors.get("/v1/avatars/{name}", "infer", known.one),
        doors.get("/v1/avatars/{name}/poster.jpg", "infer", known.poster),
        doors.get("/health/live", None, monitoring.live),
        doors.get("/health/ready", None, monitoring.readiness),
        doors.get("/metrics", "admin", monitoring.metrics),
        doors.get("/openapi.json", None, pages.openapi),
        doors.get("/docs", None, pages.docs),
        doors.get("/", None, pages.index),
        doors.get("/page/{file}", None, pages.file),
    ]
