"""Avatar names in, warmed avatars with the memory they take out."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np

from lipstream.errors import InputError
from lipstream.pipeline.avatar import Avatar
from lipstream.types import SAMPLE_RATE_HZ
from lipstream.video.clip import CACHE_BYTES

BYTES_A_PIXEL = 1.5  # decoded pictures are kept as 4:2:0
NETWORKS_MOST_BYTES = 2**29
"""What one copy of an avatar's networks can take; iris takes 160 to 240 MB. More is of the requests that went on."""
WARM_BATCHES = (1, 2, 4, 8)
"""Sizes that are run before anybody waits: an engine prepares itself for a size when it first sees it."""


class Loader:
    """Loads avatars one at a time, so that the memory each takes can be told from the process's.

    Requests go on meanwhile and take memory too, so that what the process grows by is believed up to a limit only.
    """

    def __init__(
        self,
        open_one: Callable[[str, str], Avatar],
        resident_bytes: Callable[[], int] | None = None,
        *,
        paints: bool = True,
        copies: int = 1,
    ) -> None:
        """Prepare.

        Args:
            open_one: opens the avatar of a name for a device.
            resident_bytes: memory of this process; measured where not given.
            paints: whether avatars bring networks that run here and are to be warmed.
            copies: of each avatar's networks.
        """
        self._open_one, self._resident_bytes = open_one, resident_bytes or resident_memory_bytes
        self._paints, self._most_bytes = paints, NETWORKS_MOST_BYTES * copies
        self._lock = threading.Lock()
        self._measured: WeakKeyDictionary[Avatar, int] = WeakKeyDictionary()

    def load(self, name: str, device: str) -> Avatar:
        """Open an avatar and run it once; raises what `open_avatar` raises."""
        with self._lock:
            before_bytes = self._resident_bytes()
            avatar = self._open_one(name, device)
            if self._paints:
                warm(avatar)
            grown_bytes = self._resident_bytes() - before_bytes
            self._measured[avatar] = min(max(0, grown_bytes), self._most_bytes) + _yet_to_decode_bytes(avatar)
            return avatar

    def measure_bytes(self, avatar: Avatar) -> int:
        """Memory that an avatar takes: what the process grew by, and what its decoded clip will take."""
        return self._measured[avatar]


def warm(avatar: Avatar) -> None:
    """Run every network once, so that no request waits for an engine to prepare itself."""
    with suppress(InputError):  # an imported avatar without an encoder hears nothing
        speech = avatar.speech()
        speech.push(np.zeros(SAMPLE_RATE_HZ, np.float32))
        speech.finish()
    for batch in WARM_BATCHES:
        visual = avatar.face.visual([avatar.clip.image(0)] * batch, [0] * batch)
        avatar.face.generate(visual, np.stack([avatar.drive.rest] * batch))


def _yet_to_decode_bytes(avatar: Avatar) -> int:
    clip = avatar.clip
    whole_bytes = int(len(clip) * clip.width * clip.height * BYTES_A_PIXEL)
    return max(0, min(whole_bytes, CACHE_BYTES) - clip.held_bytes)


def resident_memory_bytes() -> int:
    """Memory of this process that is in RAM; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
