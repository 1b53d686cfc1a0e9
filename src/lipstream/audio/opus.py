"""Opus packets of a live session in, samples out; and its frames of sound in, packets out."""

from fractions import Fraction

import av
import numpy as np

from lipstream.errors import InputError
from lipstream.types import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32, Pcm

MOST_PACKET_BYTES = 7_662
"""Of one packet of 120 ms: six frames of 1,275 bytes, and their lengths (RFC 6716)."""
DELAY_SAMPLES = 104
"""By which what is decoded lies behind what was encoded, at 16 kHz: the encoder looks 6.5 ms ahead."""
BIT_RATE = 32_000
"""Plenty for one voice of 16 kHz."""


class OpusDecoder:
    """One stream of packets, each of which must come."""

    def __init__(self) -> None:
        self._context = av.AudioCodecContext.create("opus", "r")

    def decode(self, packet: bytes) -> Float32:
        """The samples of the next packet, `[n]` float32 at 48 kHz, some 5,760 at most; the mean of its channels.

        Raises:
            InputError: it is no packet of Opus.
        """
        if not 0 < len(packet) <= MOST_PACKET_BYTES:
            raise InputError(
                f"An Opus packet has {len(packet):,} bytes; expected 1 to {MOST_PACKET_BYTES:,}: send each."
            )
        try:
            blocks = [frame.to_ndarray() for frame in self._context.decode(av.Packet(packet))]
        except av.FFmpegError as error:
            raise InputError(
                f"{len(packet):,} bytes are no Opus packet ({error}); send packets as they are."
            ) from error
        if not blocks:
            return np.zeros(0, np.float32)
        mean: Float32 = np.concatenate(blocks, axis=1).mean(axis=0, dtype=np.float32)
        return np.nan_to_num(mean).clip(-1.0, 1.0)


class OpusEncoder:
    """One stream of frames, each a packet of 40 ms."""

    def __init__(self) -> None:
        context = av.AudioCodecContext.create("libopus", "w")
        context.sample_rate, context.layout, context.format = SAMPLE_RATE_HZ, "mono", "flt"
        context.bit_rate = BIT_RATE
        context.options = {"frame_duration": str(FRAME_MS), "application": "voip"}
        self._context, self._samples = context, 0

    def encode(self, audio: Pcm) -> bytes:
        """The packet of a frame's sound, `[640]` float32 in -1..1."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio)[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, self._samples, Fraction(1, SAMPLE_RATE_HZ)
        self._samples += FRAME_SAMPLES
        return b"".join(bytes(packet) for packet in self._context.encode(frame))
