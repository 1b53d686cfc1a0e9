"""How long a client took for each frame in, how far it is behind out."""

from lipstream.errors import SessionOverError
from lipstream.types import FRAME_MS

SKIP_MS = 200
"""A client that is so far behind gets sound without pictures."""
MOST_MS = 5000
"""A client that is so far behind is sent away."""


class Lag:
    """How far a client is behind the pace of 25 frames a second."""

    def __init__(self) -> None:
        self.ms = 0.0
        """By how much it is behind."""

    @property
    def skips(self) -> bool:
        """Whether the next frame is sent without its picture."""
        return self.ms >= SKIP_MS

    def sent(self, waited_ms: float, took_ms: float) -> None:
        """Count a frame.

        Args:
            waited_ms: until it was there to be sent; where that took a while, nothing else waited for the client.
            took_ms: until the client had taken it.

        Raises:
            SessionOverError: the client is too far behind.
        """
        caught_up = waited_ms >= FRAME_MS / 2
        self.ms = max(0.0, (0.0 if caught_up else self.ms) + took_ms - FRAME_MS)
        if self.ms > MOST_MS:
            raise SessionOverError(
                f"The client is {self.ms:,.0f} ms behind; expected at most {MOST_MS:,}: ask for less (max_width, "
                "jpeg_quality, h264)."
            )
