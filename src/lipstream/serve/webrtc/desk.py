"""`/v1/webrtc` for talkers, `/v1/whep/{session}` for viewers: an offer in, its answer out; DELETE ends the call."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lipstream.errors import InputError, MissingExtraError
from lipstream.serve.call import Call
from lipstream.serve.http.envelope import Exchange
from lipstream.serve.live.floor import Live
from lipstream.serve.names import check_name
from lipstream.serve.steps import Gone
from lipstream.serve.webrtc.description import MOST_BYTES
from lipstream.serve.webrtc.settings import Answered, Caller, WebRtcSettings, read_wish
from lipstream.serve.wires.asked import DEFAULT_AVATAR

if TYPE_CHECKING:
    from lipstream.serve.webrtc.connections import Connections

SDP = "application/sdp"
SESSION_HEADER = "lipstream-session"
"""Of an answer: the id of the session, for `/v1/whep/{session}`."""


class Desk:
    """Answers these routes; what WebRTC needs is imported when the first offer comes."""

    def __init__(self, live: Live, settings: WebRtcSettings, now_ms: Callable[[], float]) -> None:
        """Prepare.

        Args:
            live: opens the talkers' sessions.
            settings: how connections are to be.
            now_ms: a monotonic clock.
        """
        self._live, self._settings, self._now_ms = live, settings, now_ms
        self._connections: Connections | None = None

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        """Around all requests; what connections there are when the server stops have a while to end by themselves."""
        yield
        if self._connections is not None:
            await self._connections.close(self._settings.drain_ms)

    async def configuration(self, request: Request, call: Call) -> Response:  # noqa: ARG002
        """`GET /v1/webrtc`: what a browser makes its RTCPeerConnection with."""
        await self._open()
        servers = [server.told for server in self._settings.ice_servers]
        return JSONResponse({"iceServers": servers}, headers={"cache-control": "no-store"})

    async def talk(self, request: Request, call: Call) -> Response:
        """`POST /v1/webrtc`."""
        wish = read_wish(request.query_params, DEFAULT_AVATAR, self._settings.sound_in)
        check_name(wish.avatar)
        offer, connections = await _offer(request), await self._open()
        answered = await _awaited(call, connections.talk(offer, wish, Caller(call.client, call.id)))
        _hold_place(request, connections, answered)
        return self._created("/v1/webrtc", answered)

    async def watch(self, request: Request, call: Call) -> Response:
        """`POST /v1/whep/{session}`."""
        session = request.path_params["session"]
        offer, connections = await _offer(request), await self._open()
        answered = await _awaited(call, connections.watch(offer, session, Caller(call.client, call.id)))
        _hold_place(request, connections, answered)
        return self._created(f"/v1/whep/{session}", answered)

    async def end(self, request: Request, call: Call) -> Response:  # noqa: ARG002
        """`DELETE` of what either of them gave as Location; nobody else knows it, so it needs no key."""
        await (await self._open()).end(request.path_params["connection"])
        return Response(status_code=200)

    async def _open(self) -> "Connections":
        if self._connections is None:
            kind = await asyncio.to_thread(_connections)
            self._connections = self._connections or kind(self._live, self._settings, self._now_ms)
        return self._connections

    def _created(self, path: str, answered: Answered) -> Response:
        headers = {"location": f"{path}/{answered.connection}", SESSION_HEADER: answered.session}
        if self._settings.ice_servers:
            headers["link"] = ", ".join(server.link for server in self._settings.ice_servers)
        return Response(answered.sdp, 201, headers, SDP)


async def _offer(request: Request) -> str:
    """Read the offer.

    Raises:
        HTTPException: the body is something else.
        InputError: it is no text, or too long.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != SDP:
        raise HTTPException(415, f"The body is {content_type[:80] or 'of no type'}; expected {SDP}, an offer.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise InputError(f"The offer has more than {MOST_BYTES:,} bytes; expected SDP of at most as many.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"The offer is no UTF-8 ({error.reason}); expected the SDP that createOffer gave.") from error


async def _awaited(call: Call, answering: Coroutine[Any, Any, Answered]) -> Answered:
    """What an offer is answered with, as long as its caller waits for it.

    Raises:
        Gone: he left; what had begun is ended.
    """
    answered = asyncio.ensure_future(answering)
    waited: list[asyncio.Future[Any]] = [answered, asyncio.wrap_future(call.gone)]
    try:
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            raise Gone("the client left before it was answered")
        return answered.result()
    finally:
        answered.cancel()


def _hold_place(request: Request, connections: "Connections", answered: Answered) -> None:
    """Let a connection count among what its key may have at the same time, as long as it stands."""
    exchange: Exchange = request.state.exchange
    connections.when_over(answered.connection, exchange.admission.pop_all().close)


def _connections() -> "type[Connections]":
    try:
        from lipstream.serve.webrtc.connections import Connections  # noqa: PLC0415  an extra, and 0.5 s
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            'WebRTC needs aiortc, which is not installed on the server: pip install "lipstream[webrtc]"'
        ) from error
    return Connections
