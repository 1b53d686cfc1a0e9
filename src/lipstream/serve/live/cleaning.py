"""What a microphone hears and what its speaker plays in, cleaned sound out; the event loop waits for neither."""

import asyncio
from functools import partial

import numpy as np

from lipstream.pipeline.stream import BLOCK_MS
from lipstream.serve.live.session import Session
from lipstream.serve.sound_in import SoundIn
from lipstream.types import Float32, Pcm


class Cleaning:
    """Cleans the sound of one session in the threads of all; belongs to its event loop.

    Args:
        sound_in: does it, one thing at a time.
        session: whose sound it is.
    """

    def __init__(self, sound_in: SoundIn, session: Session) -> None:
        self._sound_in, self._session, self._turn = sound_in, session, asyncio.Lock()

    async def clean(self, sound: Float32) -> Float32:
        """Take the microphone's next samples, and give those that are done; see `SoundIn.clean`.

        A long message is cleaned in pieces, between which others have their turn.
        """
        piece_samples = self._session.settings.sample_rate_hz * BLOCK_MS // 1000
        cleaned = [np.zeros(0, np.float32)]
        for start in range(0, len(sound), piece_samples):
            async with self._turn:
                clean = partial(self._sound_in.clean, sound[start : start + piece_samples])
                cleaned.append(await self._session.aside(clean))
        return np.concatenate(cleaned)

    async def play(self, audio: Pcm) -> None:
        """Tell what the client is played now, `[n]` float32 at 16 kHz."""
        async with self._turn:
            await self._session.aside(partial(self._sound_in.play, audio))
