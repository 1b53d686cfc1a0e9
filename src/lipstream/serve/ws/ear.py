"""A client's sound as it was sent in, samples into its session, cleaned where the client wants that."""

from collections.abc import Callable
from functools import partial

from lipstream.audio.opus import OpusDecoder
from lipstream.serve.live.cleaning import Cleaning
from lipstream.serve.live.session import Session
from lipstream.serve.sound_in import SoundIn
from lipstream.types import Float32, Pcm
from lipstream.wire.live_messages import SoundCoding, Start
from lipstream.wire.pcm import read_live_samples

READERS: dict[SoundCoding, Callable[[], Callable[[bytes], Float32]]] = {
    "s16le": lambda: partial(read_live_samples, coding="int16"),
    "f32le": lambda: partial(read_live_samples, coding="float32"),
    "opus": lambda: OpusDecoder().decode,
}
"""What reads the sound of one client."""


class Ear:
    """Hears one client.

    Args:
        start: what the client wants.
        session: its own.

    Raises:
        MissingExtraError: its sound is to be cleaned, and livekit is not installed.
        InputError: it is to be cleaned, and of a rate that cannot be.
    """

    def __init__(self, start: Start, session: Session) -> None:
        self._read, self._session = READERS[start.coding](), session
        sound_in = SoundIn(start.sound_in, start.rate_hz) if start.sound_in else None
        self._cleaning = Cleaning(sound_in, session) if sound_in else None
        self._audible = start.sound != "none"

    async def hear(self, data: bytes) -> None:
        """Push the samples of one message; cleaned ones are up to 10 ms behind.

        Raises:
            InputError: it holds no such sound.
            LipstreamError: what `Session.push` raises.
        """
        await self._session.push(self._read(data), None if self._cleaning is None else self._cleaning.clean)

    async def play(self, audio: Pcm) -> None:
        """Tell what is sent to the client now, `[n]` float32 at 16 kHz: once played, it may come back as an echo."""
        if self._cleaning is not None and self._audible:
            await self._cleaning.play(audio)
