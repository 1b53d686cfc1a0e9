"""Packets that are encoded already in, one after the other handed to aiortc out."""

import asyncio
from collections import deque
from fractions import Fraction
from typing import Any, Final, TypeAlias

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet

from lipstream.types import OPUS_RATE_HZ

Encoded: TypeAlias = "Packet[Any]"
CLOCKS_HZ: Final = {"audio": OPUS_RATE_HZ, "video": 90_000}
"""Of RTP: Opus counts in 48 kHz whatever was coded, video in 90."""
MOST_WAITING = 25
"""Packets, one second; a connection that takes none for so long has lost more than these."""


class Outgoing(MediaStreamTrack):
    """One track of one connection. What is handed over before the connection stands is left out."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.taking = False
        """Whether anybody has asked for a packet."""
        self._time_base = Fraction(1, CLOCKS_HZ[kind])
        self._packets: deque[Encoded] = deque()
        self._came = asyncio.Event()

    def give(self, data: bytes, at_ms: int) -> bool:
        """Hand over the next packet.

        Args:
            data: one frame, as its codec coded it.
            at_ms: when it is shown or begins to be heard, in stream time.

        Returns:
            False where too many wait: all of them, and this one, are left out.
        """
        if len(self._packets) >= MOST_WAITING:
            self._packets.clear()
            return False
        packet = Packet(data)
        packet.pts, packet.time_base = at_ms * CLOCKS_HZ[self.kind] // 1000, self._time_base
        self._packets.append(packet)
        self._came.set()
        return True

    async def recv(self) -> Encoded:
        """The next packet, once there is one; aiortc sends it as it is."""
        self.taking = True
        while not self._packets:
            if self.readyState != "live":
                raise MediaStreamError
            self._came.clear()
            await self._came.wait()
        return self._packets.popleft()

    def stop(self) -> None:
        """End the track; whoever waits for a packet sees the end."""
        super().stop()
        self._came.set()
