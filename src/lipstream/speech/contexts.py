"""16 kHz PCM in, the context of speech features around each frame out, live or whole: the same for any chunking."""

import numpy as np

from lipstream.audio.mel import MelStream
from lipstream.audio.window import CONTEXT_BEHIND, WindowStream, contexts, windows_ahead
from lipstream.errors import InputError
from lipstream.rate import frames_of_samples
from lipstream.types import FEATURE_SIZE, FRAME_SAMPLES, Contexts, Engine, Float32, Mel, Pcm

FULL_LOOKAHEAD_MS = 452
"""Sound after the start of a frame that its full context needs."""
LIVE_LOOKAHEAD_MS = 212
"""Sound after the start of a frame that its own speech window needs."""
SHORTEST_LOOKAHEAD_MS = 172
"""Sound after the start of a frame of the shortest context that the networks were trained on."""
BATCH_FRAMES = 128  # frames of one call of a network, however much is pushed: 5 MB of contexts
NO_CONTEXTS: Contexts = np.zeros((0, 32, 16, 16), np.float32)


class SpeechToContexts:
    """Turns speech into contexts; frame i shows samples 640 i to 640 (i + 1) and hears windows i - 9 to i + 6.

    Args:
        encoder: `mel` `[n, 1, 80, 16]` to `features` `[n, 512]`.
        lookahead_ms: Sound after the start of a frame that has arrived when its context leaves, 172 or more; 452 is
            the full context.

    Raises:
        InputError: A look-ahead that is too short.
    """

    def __init__(self, encoder: Engine, *, lookahead_ms: int = FULL_LOOKAHEAD_MS) -> None:
        if lookahead_ms < SHORTEST_LOOKAHEAD_MS:
            raise InputError(
                f"look-ahead is {lookahead_ms} ms; expected {SHORTEST_LOOKAHEAD_MS} to {FULL_LOOKAHEAD_MS}; "
                f"live use takes {LIVE_LOOKAHEAD_MS}"
            )
        self._encoder = encoder
        self._windows_ahead = windows_ahead(lookahead_ms)
        self._mel = MelStream()
        self._restart()

    def push(self, pcm: Pcm) -> Contexts:
        """Take the next samples and return the contexts of the frames whose look-ahead they complete.

        Args:
            pcm: `[n]` float32 in -1..1 at 16 kHz, any length.

        Returns:
            `[k, 32, 16, 16]` float32, k from 0 up; frames follow each other from 0 without a gap.
        """
        step = BATCH_FRAMES * FRAME_SAMPLES
        batches = [self._advance(pcm[start : start + step]) for start in range(0, pcm.size, step)]
        return np.concatenate([NO_CONTEXTS, *batches])

    def finish(self) -> Contexts:
        """Return the contexts of the last frames, ceil(samples / 640) in all; then ready for other speech."""
        frames = frames_of_samples(self._samples)
        padding = np.zeros(frames * FRAME_SAMPLES - self._samples, np.float32)
        last = [self._advance(padding)]
        self._listen(self._mel.finish())
        last.append(self._emit(frames))
        self._restart()
        return np.concatenate(last)

    def _restart(self) -> None:
        self._windows = WindowStream()
        self._samples = 0
        self._next_frame = 0
        # They start this many frames before the next one, with nothing before the first.
        self._features: Float32 = np.zeros((CONTEXT_BEHIND, FEATURE_SIZE), np.float32)

    def _advance(self, pcm: Pcm) -> Contexts:
        self._samples += pcm.size
        self._listen(self._mel.push(pcm))
        with_context = self._next_frame + len(self._features) - CONTEXT_BEHIND - self._windows_ahead
        return self._emit(min(with_context, frames_of_samples(self._samples)))

    def _listen(self, mel: Mel) -> None:
        windows = self._windows.push(mel)
        if len(windows):
            features = self._encoder.run({"mel": windows[:, None]})["features"]
            self._features = np.concatenate([self._features, features])

    def _emit(self, end_frame: int) -> Contexts:
        frames = end_frame - self._next_frame
        if frames <= 0:
            return NO_CONTEXTS
        first_window = self._next_frame - CONTEXT_BEHIND
        emitted = contexts(
            self._features, self._next_frame, frames, first_window=first_window, ahead=self._windows_ahead
        )
        self._features = self._features[frames:]
        self._next_frame = end_frame
        return emitted
