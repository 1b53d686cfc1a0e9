"""Somebody at the other end of a WebRTC connection, in the same process, over addresses of this machine alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import httpx2
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame
from starlette.types import ASGIApp

from lipstream.types import Float32

SDP = {"content-type": "application/sdp"}
OFFER = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
PATIENCE_S = 60
PIECE_SAMPLES = 960
RATE_HZ = 48_000


class Microphone(MediaStreamTrack):
    """Sound in real time, over and over: `[n]` float32 at 48 kHz."""

    kind = "audio"

    def __init__(self, sound: Float32) -> None:
        super().__init__()
        self._sound, self._sent = sound, 0
        self._begin_s: float | None = None

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._begin_s = loop.time() if self._begin_s is None else self._begin_s
        await asyncio.sleep(self._begin_s + self._sent / RATE_HZ - loop.time())
        piece = np.take(self._sound, range(self._sent, self._sent + PIECE_SAMPLES), mode="wrap")
        frame = AudioFrame.from_ndarray((piece[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.pts, frame.sample_rate, frame.time_base = self._sent, RATE_HZ, Fraction(1, RATE_HZ)
        self._sent += PIECE_SAMPLES
        return frame


class Caller:
    """One connection of somebody who calls."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pictures: list[VideoFrame] = []
        self.sounds: list[AudioFrame] = []
        self.told: list[dict[str, Any]] = []
        self.location = ""
        self.session = ""
        self._client = client
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.peer.on("track", self._take)
        self.peer.on("connectionstatechange", self._tell)

    async def talk(self, microphone: Microphone | None = None, *, video: bool = True, **query: str) -> None:
        """Call as a talker, with a data channel."""
        if microphone is not None:
            self.peer.addTrack(microphone)
        if video:
            self.peer.addTransceiver("video", "recvonly")
        self.channel = self.peer.createDataChannel("lipstream.v1")
        self.channel.on("message", self._hear)
        await self._call("/v1/webrtc", query)

    async def watch(self, session: str) -> None:
        """Call as a viewer, whose player does not wait to know its addresses."""
        self.peer.addTransceiver("audio", "recvonly")
        self.peer.addTransceiver("video", "recvonly")
        await self._call(f"/v1/whep/{session}", {}, gathered=False)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for something that comes or changes here."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    def said(self, kind: str) -> bool:
        """Whether the server told of that."""
        return any(message["type"] == kind for message in self.told)

    async def hang_up(self) -> int:
        """DELETE what was opened; returns the status."""
        return (await self._client.delete(self.location)).status_code

    async def close(self) -> None:
        await self.peer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def vanish(self) -> None:
        """Send nothing any more, and tell nobody."""
        transport = self.peer.getTransceivers()[0].receiver.transport.transport
        for protocol in transport._connection._protocols:
            protocol.transport.close()

    async def _call(self, path: str, query: dict[str, str], *, gathered: bool = True) -> None:
        await self.peer.setLocalDescription(await self.peer.createOffer())
        headers = {"content-type": "application/sdp"}
        offer = self.peer.localDescription.sdp if gathered else _ungathered(self.peer.localDescription.sdp)
        answer = await self._client.post(path, params=query, content=offer, headers=headers)
        assert answer.status_code == 201, answer.text
        assert answer.headers["content-type"] == "application/sdp"
        self.location, self.session = answer.headers["location"], answer.headers["lipstream-session"]
        await self.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))

    def _take(self, track: MediaStreamTrack) -> None:
        taken = self.pictures if track.kind == "video" else self.sounds

        async def take() -> None:
            while True:
                try:
                    taken.append(await track.recv())  # type: ignore[arg-type]
                except MediaStreamError:
                    return
                finally:
                    self._tell()

        task = asyncio.create_task(take())
        self._tasks.add(task)

    def _hear(self, text: str) -> None:
        self.told.append(json.loads(text))
        self._tell()

    def _tell(self) -> None:
        self._changed.set()


def _ungathered(offer: str) -> str:
    return "".join(line for line in offer.splitlines(keepends=True) if "candidate" not in line)


@asynccontextmanager
async def calling(app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client of an application in the same event loop."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", timeout=PATIENCE_S) as client:
        yield client


@asynccontextmanager
async def caller(client: httpx2.AsyncClient) -> AsyncIterator[Caller]:
    """Somebody who calls."""
    one = Caller(client)
    try:
        yield one
    finally:
        await one.close()
