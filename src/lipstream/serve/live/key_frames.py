"""Who asks for key frames and which frames were any in, whether the next picture is to be one out."""


class KeyFrames:
    """The key frames of one encoder. One is ten times as large as another picture: whoever asks often gets no more.

    Args:
        gap_frames: from one key frame, whoever wanted it, to the next that is made because somebody asked.
    """

    def __init__(self, gap_frames: int) -> None:
        self._gap_frames, self._since_frames = gap_frames, 0
        self._asked = False

    def ask(self) -> None:
        """Let there be one soon."""
        self._asked = True

    @property
    def due(self) -> bool:
        """Whether the next picture is to be one."""
        return self._asked and self._since_frames >= self._gap_frames

    def made(self, *, key: bool) -> None:
        """Count a picture; `key` is whether it is one."""
        self._since_frames = 1 if key else self._since_frames + 1
        self._asked = self._asked and not key
