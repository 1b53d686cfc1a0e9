import asyncio
import threading
from typing import cast

import numpy as np
from fake_session import FakeSession

from lipstream.pipeline.session import FROM_MICROPHONE
from lipstream.serve.live.cleaning import Cleaning
from lipstream.serve.sound_in import SoundIn
from lipstream.types import Float32


class FakeSoundIn:
    """Halves what it cleans, and notes how much of what it was given in which thread."""

    def __init__(self) -> None:
        self.given: list[tuple[str, int]] = []
        self.threads: set[int] = set()
        self._busy = threading.Lock()

    def clean(self, sound: Float32) -> Float32:
        self._note("clean", sound)
        return sound / np.float32(2)

    def play(self, sound: Float32) -> None:
        self._note("play", sound)

    def _note(self, what: str, sound: Float32) -> None:
        assert self._busy.acquire(blocking=False)
        self.threads.add(threading.get_ident())
        self.given.append((what, len(sound)))
        self._busy.release()


def test_sound_is_cleaned_in_other_threads_piece_by_piece_and_one_at_a_time() -> None:
    sound_in, session = FakeSoundIn(), FakeSession(FROM_MICROPHONE)
    sound = np.arange(16_000, dtype=np.float32)

    async def test() -> None:
        cleaning = Cleaning(cast("SoundIn", sound_in), session.session)
        cleaned, _ = await asyncio.gather(cleaning.clean(sound), cleaning.play(sound[:640]))
        assert np.array_equal(cleaned, sound / 2)
        assert len(await cleaning.clean(sound[:0])) == 0

    asyncio.run(test())
    assert sound_in.given == [("clean", 6_400), ("play", 640), ("clean", 6_400), ("clean", 3_200)]
    assert threading.get_ident() not in sound_in.threads
