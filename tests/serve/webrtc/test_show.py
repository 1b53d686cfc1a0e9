import asyncio
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

import numpy as np
import pytest

from lipstream.pipeline.session import StreamFrame

pytest.importorskip("aiortc", reason='needs pip install ".[webrtc]"')

from aiortc.mediastreams import MediaStreamError

from lipstream.serve.webrtc.coding import Coder
from lipstream.serve.webrtc.show import Seat, Show
from lipstream.serve.webrtc.tracks import MOST_WAITING, Outgoing

T = TypeVar("T")


def frame(index: int) -> StreamFrame:
    image = np.full((32, 32, 3), 10 * index % 250, np.uint8)
    return StreamFrame(index, image, np.zeros(640, np.float32), samples=640, filler=False)


async def here(work: Callable[[], T]) -> T:
    return work()


class Theatre:
    """A show."""

    def __init__(self) -> None:
        self.coder = Coder(500)
        self.show = Show(self.coder, here)
        self.frames = 0

    async def play(self, count: int) -> None:
        for _ in range(count):
            await self.show.show(frame(self.frames))
            self.frames += 1

    async def join(self, codec: str = "VP8", *, heard: bool = True) -> Seat:
        """A seat that is taken from: whatever does not come at once is not waited for."""
        seat = Seat(heard=heard)
        seat.codec = codec
        self.show.sit(seat)
        assert await taken(seat.sound) == await taken(seat.picture) == []
        return seat


async def taken(track: Outgoing) -> list[tuple[Fraction, bytes]]:
    """Times in seconds and packets of all that waits."""
    packets: list[tuple[Fraction, bytes]] = []
    while True:
        try:
            async with asyncio.timeout(0):
                packet = await track.recv()
        except TimeoutError:
            return packets
        assert packet.pts is not None
        packets.append((packet.pts * Fraction(1, {"audio": 48_000, "video": 90_000}[track.kind]), bytes(packet)))


def is_key(vp8: bytes) -> bool:
    return not vp8[0] & 1


def test_a_frames_sound_and_picture_have_one_time() -> None:
    async def test() -> None:
        theatre = Theatre()
        seat = await theatre.join()
        await theatre.play(3)
        sounds, pictures = await taken(seat.sound), await taken(seat.picture)
        assert [at for at, _ in sounds] == [at for at, _ in pictures] == [Fraction(i, 25) for i in range(3)]

    asyncio.run(test())


def test_nothing_is_coded_for_nobody() -> None:
    async def test() -> None:
        theatre = Theatre()
        theatre.show.sit(Seat())  # which nobody takes from yet
        await theatre.play(3)
        assert theatre.coder.coded_pictures == 0

    asyncio.run(test())


def test_viewers_share_an_encode_and_whoever_joins_late_begins_with_a_key_frame() -> None:
    async def test() -> None:
        theatre = Theatre()
        early = await theatre.join()
        await theatre.play(13)
        await taken(early.picture)
        late = await theatre.join()
        await theatre.play(3)
        assert theatre.coder.coded_pictures == 16
        watched = [await taken(seat.picture) for seat in (early, late)]
        assert [is_key(picture) for _, picture in watched[0]] == [True, False, False]
        assert watched[0] == watched[1]
        theatre.show.leave(late)
        assert not theatre.show.empty

    asyncio.run(test())


def test_each_codec_is_one_encode() -> None:
    async def test() -> None:
        theatre = Theatre()
        seats = [await theatre.join(codec) for codec in ("H264", "VP8", "H264")]
        await theatre.play(4)
        assert theatre.coder.coded_pictures == 8
        first, _, third = [await taken(seat.picture) for seat in seats]
        assert first == third
        assert first[0][1].startswith(b"\0\0\0\1\x67")  # the parameter sets of a key frame

    asyncio.run(test())


def test_whoever_takes_nothing_for_a_second_goes_on_with_a_key_frame() -> None:
    async def test() -> None:
        theatre = Theatre()
        seat = await theatre.join()
        await theatre.play(MOST_WAITING + 2)
        pictures = await taken(seat.picture)
        assert [is_key(picture) for _, picture in pictures] == [True]
        assert pictures[0][0] == Fraction(MOST_WAITING + 1, 25)

    asyncio.run(test())


def test_silence_comes_to_those_who_shall_not_hear() -> None:
    async def test() -> None:
        theatre = Theatre()
        deaf = await theatre.join(heard=False)
        await theatre.play(2)
        assert len({packet for _, packet in await taken(deaf.sound)}) == 1

    asyncio.run(test())


def test_a_track_that_is_stopped_ends() -> None:
    async def test() -> None:
        theatre = Theatre()
        seat = await theatre.join()
        theatre.show.leave(seat)
        with pytest.raises(MediaStreamError):
            await seat.picture.recv()

    asyncio.run(test())
