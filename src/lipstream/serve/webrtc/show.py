"""One session's frames in, each coded once and handed to everybody who takes it out."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial

from lipstream.pipeline.session import StreamFrame
from lipstream.serve.live.key_frames import KeyFrames
from lipstream.serve.webrtc.coding import Coded, Coder
from lipstream.serve.webrtc.tracks import Outgoing
from lipstream.types import FRAME_RATE_HZ

Work = Callable[[Callable[[], Coded]], Awaitable[Coded]]
"""Does something that takes long in another thread, such as `Session.work`."""
KEY_GAP_FRAMES = FRAME_RATE_HZ // 2
"""12, half a second: many may ask."""


class Seat:
    """Where one connection takes a show from: two tracks, which begin with a key frame once they are taken.

    Args:
        heard: whether the speaker's sound is handed over; silence is otherwise, in the same time.
    """

    def __init__(self, *, heard: bool = True) -> None:
        self.sound, self.picture = Outgoing("audio"), Outgoing("video")
        self.heard = heard
        self.codec: str | None = None
        """Of its pictures, `VP8` or `H264`; None before it is agreed upon."""
        self.skipped_pictures = 0
        """Left out because they need others that did not get through."""
        self._lost = True

    @property
    def needs_key(self) -> bool:
        """Whether no picture is of use but a key frame."""
        return self._lost and self.picture.taking

    def give(self, coded: Coded) -> None:
        """Take a frame."""
        if self.sound.taking:
            self.sound.give(coded.sound if self.heard else coded.silence, coded.at_ms)
        picture = coded.pictures.get(self.codec or "")
        if picture is None or not self.picture.taking:
            return
        self._lost = (self._lost and not picture.key) or not self.picture.give(picture.data, coded.at_ms)
        self.skipped_pictures += self._lost


class Show:
    """A session as it is watched; belongs to one event loop."""

    def __init__(self, coder: Coder, work: Work) -> None:
        """Begin, with nobody there.

        Args:
            coder: codes its frames.
            work: where.
        """
        self._coder, self._work = coder, work
        self._seats: list[Seat] = []
        self._keys: defaultdict[str, KeyFrames] = defaultdict(lambda: KeyFrames(KEY_GAP_FRAMES))
        self._over = asyncio.Event()

    @property
    def empty(self) -> bool:
        """Whether nobody takes it."""
        return not self._seats

    @property
    def codecs(self) -> set[str]:
        """What its pictures are coded with now."""
        return {seat.codec for seat in self._seats if seat.codec}

    def sit(self, seat: Seat) -> None:
        """Let somebody take it from now on."""
        self._seats.append(seat)

    def leave(self, seat: Seat) -> None:
        """Let him take it no more."""
        self._seats.remove(seat)
        seat.sound.stop()
        seat.picture.stop()

    def ask_key_frame(self, seat: Seat) -> None:
        """Let the next picture that this seat gets be a key frame, though not at once if there was one just now."""
        if seat.codec:
            self._keys[seat.codec].ask()

    def end(self) -> None:
        """Let everybody know that there will be no more."""
        self._over.set()

    async def over(self) -> str:
        """Wait until then; returns why."""
        await self._over.wait()
        return "the session ended"

    async def show(self, frame: StreamFrame) -> None:
        """Code a frame, if anybody takes it, and hand its sound and its picture over together."""
        taken = {seat.codec for seat in self._seats if seat.codec and seat.picture.taking}
        if not taken and not any(seat.sound.taking for seat in self._seats):
            return
        for seat in self._seats:
            if seat.needs_key:
                self.ask_key_frame(seat)
        keys = {codec for codec in taken if self._keys[codec].due}
        coded = await self._work(partial(self._coder.code, frame, taken, keys))
        for codec, picture in coded.pictures.items():
            self._keys[codec].made(key=picture.key)
        for seat in self._seats:
            seat.give(coded)
