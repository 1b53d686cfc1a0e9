"""What a connection's microphone sends in, its samples out: at once, in order, with silence for what was lost."""

from collections.abc import AsyncIterator

import numpy as np
from aiortc import MediaStreamTrack
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket
from aiortc.utils import uint16_gt
from av import AudioFrame

from lipstream.types import OPUS_RATE_HZ, Float32

LONGEST_FILLED_SAMPLES = OPUS_RATE_HZ * 80 // 1000
"""A longer gap has been shown as one by the time that sound goes on: to fill it would make everything later."""
_INT16 = np.float32(1 / 32768)


class Prompt:
    """Hands every packet on as it comes, in place of aiortc's jitter buffer.

    That one holds 80 ms back, and 300 for good once a packet was lost; a session has its own pre-roll, and follows the
    microphone's clock. A packet that another has overtaken is left out.
    """

    def __init__(self) -> None:
        self._newest: int | None = None

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Take a packet; the first of what is returned asks for key frames, which sound has not."""
        if self._newest is not None and not uint16_gt(packet.sequence_number, self._newest):
            return False, None
        self._newest = packet.sequence_number
        return False, JitterFrame(packet._data, packet.timestamp)  # type: ignore[attr-defined]


async def heard(track: MediaStreamTrack) -> AsyncIterator[Float32]:
    """The sound of a track, until it ends.

    Args:
        track: of kind audio, decoded to 48 kHz.

    Yields:
        `[n]` float32 in -1..1 at 48 kHz, the mean of its channels; mostly 20 ms.
    """
    expected: int | None = None
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if not isinstance(frame, AudioFrame) or frame.pts is None:
            continue
        if expected is not None and 0 < frame.pts - expected <= LONGEST_FILLED_SAMPLES:
            yield np.zeros(frame.pts - expected, np.float32)
        expected = frame.pts + frame.samples
        yield samples_of(frame)


def samples_of(frame: AudioFrame) -> Float32:
    """The mean of the channels of interleaved int16, `[n]` float32 in -1..1."""
    interleaved = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
    mean: Float32 = interleaved.mean(axis=1, dtype=np.float32) * _INT16
    return mean
