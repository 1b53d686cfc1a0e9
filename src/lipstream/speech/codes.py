"""16 kHz PCM in, one articulation/1 code a frame out, live or whole: the same codes for any chunking."""

import math

import numpy as np
from numpy.typing import NDArray

from lipstream.audio.voice import SPEAKING, VoiceStream, frames_ahead
from lipstream.errors import InputError
from lipstream.speech.articulation import FADE_AHEAD, FADE_BEHIND, amplify, clamp, fade, fade_weights, seal
from lipstream.speech.contexts import (
    BATCH_FRAMES,
    FULL_LOOKAHEAD_MS,
    LIVE_LOOKAHEAD_MS,
    NO_CONTEXTS,
    SHORTEST_LOOKAHEAD_MS,
    SpeechToContexts,
)
from lipstream.types import CODE_SIZE, FRAME_SAMPLES, Codes, Contexts, Engine, Float32, Pcm

__all__ = ["BATCH_FRAMES", "FULL_LOOKAHEAD_MS", "LIVE_LOOKAHEAD_MS", "SHORTEST_LOOKAHEAD_MS", "SpeechToCode"]


class SpeechToCode:
    """Turns speech into mouth shapes; frame i shows samples 640 i to 640 (i + 1).

    Args:
        encoder: `mel` `[n, 1, 80, 16]` to `features` `[n, 512]`.
        articulation: `audio` `[b, 32, 16, 16]` to `code` `[b, 12]`.
        lookahead_ms: Sound after the start of a frame that has arrived when its code leaves, 172 or more; 452 is
            the full context.
        gain: How far the mouth opens; 1 as spoken.

    Raises:
        InputError: A look-ahead that is too short, or a gain that is negative or not a number.
    """

    def __init__(
        self, encoder: Engine, articulation: Engine, *, lookahead_ms: int = FULL_LOOKAHEAD_MS, gain: float = 1.0
    ) -> None:
        if not (math.isfinite(gain) and gain >= 0.0):
            raise InputError(f"gain is {gain}; expected a number from 0 up; 1.0 opens the mouth as spoken")
        self._contexts = SpeechToContexts(encoder, lookahead_ms=lookahead_ms)
        self._articulation = articulation
        self._gain = gain
        self._frames_ahead = min(FADE_AHEAD, frames_ahead(lookahead_ms))
        self._voice = VoiceStream()
        self._faded: list[Float32] = []
        self._restart()

    def push(self, pcm: Pcm) -> Codes:
        """Take the next samples and return the codes of the frames whose look-ahead they complete.

        Args:
            pcm: `[n]` float32 in -1..1 at 16 kHz, any length.

        Returns:
            `[k, 12]` float32, k from 0 up; frames follow each other from 0 without a gap.
        """
        self._faded.clear()
        step = BATCH_FRAMES * FRAME_SAMPLES
        batches = [self._advance(pcm[start : start + step]) for start in range(0, pcm.size, step)]
        return np.concatenate([_NO_CODES, *batches])

    def finish(self) -> Codes:
        """Return the codes of the last frames, `[k, 12]`, ceil(samples / 640) in all; then ready for other speech."""
        self._listen(self._contexts.finish(), self._voice.finish())
        self._faded.clear()
        codes = self._emit(len(self._waiting))
        self._restart()
        return codes

    @property
    def pauses(self) -> NDArray[np.bool_]:
        """Of the frames that were returned last, `[k]`, whether nobody speaks so near that the mouth would move."""
        pauses: NDArray[np.bool_] = np.concatenate([np.zeros(0, np.float32), *self._faded]) == 0.0
        return pauses

    def _restart(self) -> None:
        self._waiting: Contexts = NO_CONTEXTS
        # It starts this many frames before the first that waits, with nobody speaking before the first of all.
        self._speaking = np.zeros(FADE_BEHIND, np.bool_)

    def _advance(self, pcm: Pcm) -> Codes:
        self._listen(self._contexts.push(pcm), self._voice.push(pcm))
        with_voice = len(self._speaking) - FADE_BEHIND - self._frames_ahead
        return self._emit(min(len(self._waiting), with_voice))

    def _listen(self, audio: Contexts, probability: Float32) -> None:
        self._waiting = np.concatenate([self._waiting, audio])
        self._speaking = np.concatenate([self._speaking, probability >= SPEAKING])

    def _emit(self, frames: int) -> Codes:
        if frames <= 0:
            return _NO_CODES
        codes = self._articulation.run({"audio": self._waiting[:frames]})["code"]
        weights = fade_weights(self._speaking, ahead_frames=self._frames_ahead)[FADE_BEHIND : FADE_BEHIND + frames]
        self._faded.append(weights)
        self._waiting = self._waiting[frames:].copy()  # 32 KB a frame, which a view would keep
        self._speaking = self._speaking[frames:]
        return fade(clamp(seal(amplify(codes, self._gain))), weights)


_NO_CODES: Codes = np.zeros((0, CODE_SIZE), np.float32)
