"""Sound of any length and ENDs in, blocks in the same order out; what waits is counted in ms and bounded."""

from collections import deque

import numpy as np

from lipstream.errors import BusyError
from lipstream.pipeline.playout import END, End
from lipstream.types import Float32

SAMPLE_BYTES = 4


class Inbox:
    """Holds what a client sent and nobody has heard; sound takes its samples and nothing else, in pieces of any size.

    Args:
        sample_rate_hz: of the sound.
        max_ms: sound that may wait.
    """

    def __init__(self, sample_rate_hz: int, max_ms: float) -> None:
        self._sample_rate_hz, self._max_ms = sample_rate_hz, max_ms
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
                f"{ms / 1000:,.1f} s of sound wait to be heard, this included; at most {self._max_ms / 1000:,g} s "
                "may (server.max_audio_s): send it about as it is spoken"
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
