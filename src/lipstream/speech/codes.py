"""16 kHz PCM in, one articulation/1 code a frame out, live or whole: the same codes for any chunking."""

import math

import numpy as np

from lipstream.audio.mel import MelStream
from lipstream.audio.voice import SPEAKING, VoiceStream, frames_ahead
from lipstream.audio.window import CONTEXT_BEHIND, WindowStream, contexts, windows_ahead
from lipstream.errors import InputError
from lipstream.rate import frames_of_samples
from lipstream.speech.articulation import FADE_AHEAD, FADE_BEHIND, amplify, clamp, fade, fade_weights
from lipstream.types import CODE_SIZE, FEATURE_SIZE, FRAME_SAMPLES, Codes, Engine, Float32, Mel, Pcm

FULL_LOOKAHEAD_MS = 452
"""Sound after the start of a frame that its full context needs."""
LIVE_LOOKAHEAD_MS = 212
"""Sound after the start of a frame that its own speech window needs."""
SHORTEST_LOOKAHEAD_MS = 172
"""Sound after the start of a frame of the shortest context that the networks were trained on."""
BATCH_FRAMES = 128  # frames of one call of a network, however much is pushed: 5 MB of contexts


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
        if lookahead_ms < SHORTEST_LOOKAHEAD_MS:
            raise InputError(
                f"look-ahead is {lookahead_ms} ms; expected {SHORTEST_LOOKAHEAD_MS} to {FULL_LOOKAHEAD_MS}; "
                f"live use takes {LIVE_LOOKAHEAD_MS}"
            )
        if not (math.isfinite(gain) and gain >= 0.0):
            raise InputError(f"gain is {gain}; expected a number from 0 up; 1.0 opens the mouth as spoken")
        self._encoder = encoder
        self._articulation = articulation
        self._gain = gain
        self._windows_ahead = windows_ahead(lookahead_ms)
        self._frames_ahead = min(FADE_AHEAD, frames_ahead(lookahead_ms))
        self._mel = MelStream()
        self._voice = VoiceStream()
        self._restart()

    def push(self, pcm: Pcm) -> Codes:
        """Take the next samples and return the codes of the frames whose look-ahead they complete.

        Args:
            pcm: `[n]` float32 in -1..1 at 16 kHz, any length.

        Returns:
            `[k, 12]` float32, k from 0 up; frames follow each other from 0 without a gap.
        """
        step = BATCH_FRAMES * FRAME_SAMPLES
        batches = [self._advance(pcm[start : start + step]) for start in range(0, pcm.size, step)]
        return np.concatenate([_NO_CODES, *batches])

    def finish(self) -> Codes:
        """Return the codes of the last frames, `[k, 12]`, ceil(samples / 640) in all; then ready for other speech."""
        frames = frames_of_samples(self._samples)
        padding = np.zeros(frames * FRAME_SAMPLES - self._samples, np.float32)
        codes = [self._advance(padding)]
        self._listen(self._mel.finish(), self._voice.finish())
        codes.append(self._emit(frames))
        self._restart()
        return np.concatenate(codes)

    def _restart(self) -> None:
        self._windows = WindowStream()
        self._samples = 0
        self._next_frame = 0
        # Features and voice start this many frames before the next one, with nothing before the first.
        self._features: Float32 = np.zeros((CONTEXT_BEHIND, FEATURE_SIZE), np.float32)
        self._speaking = np.zeros(FADE_BEHIND, np.bool_)

    def _advance(self, pcm: Pcm) -> Codes:
        self._samples += pcm.size
        self._listen(self._mel.push(pcm), self._voice.push(pcm))
        with_context = self._next_frame + len(self._features) - CONTEXT_BEHIND - self._windows_ahead
        with_voice = self._next_frame + len(self._speaking) - FADE_BEHIND - self._frames_ahead
        return self._emit(min(with_context, with_voice, frames_of_samples(self._samples)))

    def _listen(self, mel: Mel, probability: Float32) -> None:
        windows = self._windows.push(mel)
        if len(windows):
            features = self._encoder.run({"mel": windows[:, None]})["features"]
            self._features = np.concatenate([self._features, features])
        self._speaking = np.concatenate([self._speaking, probability >= SPEAKING])

    def _emit(self, end_frame: int) -> Codes:
        frames = end_frame - self._next_frame
        if frames <= 0:
            return _NO_CODES
        first_window = self._next_frame - CONTEXT_BEHIND
        audio = contexts(self._features, self._next_frame, frames, first_window=first_window, ahead=self._windows_ahead)
        codes = self._articulation.run({"audio": audio})["code"]
        weights = fade_weights(self._speaking, ahead_frames=self._frames_ahead)[FADE_BEHIND : FADE_BEHIND + frames]
        self._features = self._features[frames:]
        self._speaking = self._speaking[frames:]
        self._next_frame = end_frame
        return fade(clamp(amplify(codes, self._gain)), weights)


_NO_CODES: Codes = np.zeros((0, CODE_SIZE), np.float32)
