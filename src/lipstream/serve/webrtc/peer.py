"""A client's offer in, the answer out, and then one connection: its tracks, its data channel, and when it is over."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.rtcconfiguration import RTCBundlePolicy
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.rtcrtptransceiver import RTCRtpTransceiver

from lipstream.errors import InputError, reason_of
from lipstream.serve.webrtc.description import admissible, codec_of, offered, with_address
from lipstream.serve.webrtc.microphone import Prompt
from lipstream.serve.webrtc.settings import WebRtcSettings
from lipstream.serve.webrtc.show import Seat

CHECK_MS = 1000.0
"""How often a connection is looked after."""
MOST_UNSENT_BYTES = 65_536
"""Of messages that wait in the data channel; beyond it they are left out."""


class Peer:
    """One connection, which the other side asked for; belongs to one event loop."""

    def __init__(self, settings: WebRtcSettings, now_ms: Callable[[], float]) -> None:
        """Prepare; no socket is opened yet.

        Args:
            settings: how connections are to be.
            now_ms: a monotonic clock.
        """
        servers = [RTCIceServer(one.url, one.username, one.credential) for one in settings.ice_servers]
        self._connection = RTCPeerConnection(RTCConfiguration(servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._settings, self._now_ms = settings, now_ms
        self._state_changed = asyncio.Event()
        self._channel: RTCDataChannel | None = None
        self._connection.on("connectionstatechange", self._state_changed.set)
        self.microphone: MediaStreamTrack | None = None
        """The other side's sound, once the answer is made; None if it sends none."""

    async def answer(
        self, offer: str, seat: Seat, *, codecs: Sequence[str], hears: bool, ask_key_frame: Callable[[], None]
    ) -> str:
        """Take an offer; from then on the seat's tracks are sent as they are taken.

        Args:
            offer: SDP, with or without candidates.
            seat: what the other side is sent; its codec is set.
            codecs: those that pictures may have, the best first.
            hears: whether the other side's sound is wanted.
            ask_key_frame: called when the other side has lost pictures.

        Returns:
            The answer, SDP with all candidates.

        Raises:
            InputError: the offer cannot be used.
        """
        kinds = offered(offer)
        for track in (seat.sound, seat.picture):
            if track.kind in kinds:
                direction = "sendrecv" if hears and track.kind == "audio" else "sendonly"
                transceiver = self._connection.addTransceiver(track, direction)
                transceiver.setCodecPreferences(_capabilities(track.kind, codecs))
                _adapt(transceiver, f"lipstream-{seat.sound.id}", ask_key_frame)
        try:
            ours = set(self._connection.getTransceivers())
            await self._connection.setRemoteDescription(RTCSessionDescription(admissible(offer), "offer"))
            for transceiver in set(self._connection.getTransceivers()) - ours:
                transceiver.direction = "inactive"  # aiortc would decode it, and nobody take what it decodes
            await self._connection.setLocalDescription()
        except Exception as error:  # whatever the parser of a stranger's text stumbles over
            raise InputError(
                f"The offer cannot be used ({reason_of(error)}); expected SDP with Opus, and "
                f"{' or '.join(self._settings.codecs)}, as createOffer gives it."
            ) from error
        answer = with_address(self._connection.localDescription.sdp, self._settings.public_address)
        seat.codec = codec_of(answer, "video")
        self.microphone = self._microphone() if hears else None
        return answer

    def listen(self, opened: Callable[[], None], message: Callable[[str], None]) -> None:
        """Let somebody know of the other side's data channel, and of each text that comes by it."""

        def on_channel(channel: RTCDataChannel) -> None:
            if self._channel is None:
                self._channel = channel
                channel.on("message", lambda text: message(text) if isinstance(text, str) else None)
                opened()

        self._connection.on("datachannel", on_channel)

    def tell(self, text: str) -> None:
        """Send a text by the data channel, if there is one and it takes more."""
        channel = self._channel
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount < MOST_UNSENT_BYTES:
            channel.send(text)

    async def connected(self) -> bool:
        """Wait until media can flow; False if that does not come about in time."""
        deadline_ms = self._now_ms() + self._settings.connect_timeout_ms
        while self._connection.connectionState not in {"connected", "failed", "closed"}:
            left_ms = deadline_ms - self._now_ms()
            if left_ms <= 0:
                return False
            await self._change(left_ms)
        return self._connection.connectionState == "connected"

    async def over(self) -> str:
        """Wait until the other side has left, or nothing comes from it any more; returns which of them."""
        received, last_ms = -1, self._now_ms()
        while self._connection.connectionState == "connected":
            now_received = await self._received_packets()
            if now_received != received:
                received, last_ms = now_received, self._now_ms()
            elif self._now_ms() - last_ms >= self._settings.idle_timeout_ms:
                return "it vanished"
            await self._change(min(CHECK_MS, self._settings.idle_timeout_ms))
        return "it left"

    async def close(self) -> None:
        """End it; its sockets are closed. Who cancels this leaves them open for good."""
        closing = self._connection._RTCPeerConnection__closeTask  # type: ignore[attr-defined]
        if closing is None:
            await self._connection.close()
        else:  # aiortc began it, as DTLS had ended; whoever closes then waits for ever if that is cancelled
            await asyncio.wait([closing])

    async def _change(self, at_most_ms: float) -> None:
        self._state_changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_ms / 1000):
                await self._state_changed.wait()

    async def _received_packets(self) -> int:
        report = await self._connection.getStats()
        return sum(one.packetsReceived for one in report.values() if one.type == "transport")

    def _microphone(self) -> MediaStreamTrack | None:
        tracks = [one.receiver.track for one in self._connection.getTransceivers() if one.kind == "audio"]
        return tracks[0] if tracks else None


def _capabilities(kind: str, codecs: Sequence[str]) -> list[RTCRtpCodecCapability]:
    """Those of aiortc that may be used, in order; with RTX, by which lost packets are sent again."""
    order = ["opus"] if kind == "audio" else [*codecs, "rtx"]
    known = RTCRtpSender.getCapabilities(kind).codecs
    return [one for name in order for one in known if one.name.lower() == name.lower()]


def _adapt(transceiver: RTCRtpTransceiver, stream: str, ask_key_frame: Callable[[], None]) -> None:
    """Where aiortc has no word for what is meant.

    Browsers keep tracks of one media stream together, and every sender names another. Requests for key frames go to
    the sender's own encoder, which has nothing to do here. The jitter buffer: see `Prompt`.
    """
    sender = transceiver.sender
    sender._stream_id = stream
    sender._send_keyframe = ask_key_frame  # type: ignore[method-assign]
    if transceiver.kind == "audio":
        transceiver.receiver._RTCRtpReceiver__jitter_buffer = Prompt()  # type: ignore[attr-defined]
