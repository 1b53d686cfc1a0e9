"""Sound of any length and ENDs in, blocks in the same order out; what waits is counted and bounded."""

from collections import deque

import numpy as np

from lipstream.errors import BusyError
from lipstream.pipeline.playout import END, End
from lipstream.types import Float32

SAMPLE_BYTES = 4
MOST_BYTES = 64_000_000
"""Of sound that waits: 1,000 s at 16 kHz, 333 s at 48 kHz."""


class Inbox:
    """Holds what a client sent and nobody has heard; sound takes its samples and nothing else, in pieces of any size.

    Args:
        sample_rate_hz: of the sound.
        max_ms: sound that may wait, and no more than `MOST_BYTES` of it.
    """

    def __init__(self, sample_rate_hz: int, max_ms: float) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._max_ms = min(max_ms, MOST_BYTES / SAMPLE_BYTES * 1000 / sample_rate_hz)
        self._parts: deque[bytearray | End] = deque()
        self._samples = self._ends = 0

    @property
    def samples(self) -> int:
        """Samples that wait."""
        return self._samples

    @property
    def waiting_ms(self) -> float:
        """What they last."""
        return self._samples * 1000 / self._sample_rate_hz

    def put(self, sound: Float32 | End) -> None:
        """Append `[n]` float32 samples or an END.

        Raises:
            BusyError: there is no room for it; nothing of it was taken.
        """
        if sound is END:
            self._parts.append(END)
            self._ends += 1
        elif (ms := self.waiting_ms + len(sound) * 1000 / self._sample_rate_hz) > self._max_ms:
            raise BusyError(
                f"{ms / 1000:,.1f} s of sound wait to be heard, this included; at most {self._max_ms / 1000:,.0f} s "
                "may (server.max_audio_s, and 64 MB): send it about as it is spoken"
            )
        elif len(sound):
            if not self._parts or not isinstance(self._parts[-1], bytearray):
                self._parts.append(bytearray())
            self._parts[-1] += np.ascontiguousarray(sound).data  # type: ignore[operator]  # a bytearray
            self._samples += len(sound)

    def take(self, most_samples: int) -> Float32 | End | None:
        """The next samples, `[n]` float32, n from 1 to `most_samples`; or an END; None where nothing waits."""
        if not self._parts:
            return None
        head = self._parts[0]
        if isinstance(head, End):
            self._parts.popleft()
            self._ends -= 1
            return head
        block = np.frombuffer(bytes(head[: most_samples * SAMPLE_BYTES]), np.float32)
        del head[: most_samples * SAMPLE_BYTES]
        if not head:
            self._parts.popleft()
        self._samples -= len(block)
        return block

    def clear(self) -> tuple[int, int]:
        """Drop everything; returns how many samples and how many ENDs that was."""
        dropped = self._samples, self._ends
        self._parts.clear()
        self._samples = self._ends = 0
        return dropped
