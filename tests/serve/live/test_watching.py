import asyncio

import numpy as np

from lipstream.pipeline.session import StreamFrame
from lipstream.serve.live.watching import MOST_WAITING, Watchers


def frame(index: int) -> StreamFrame:
    return StreamFrame(index, np.zeros((2, 2, 3), np.uint8), np.zeros(640, np.float32), samples=0, filler=True)


def test_everybody_sees_what_is_shown_from_then_on_until_the_end() -> None:
    async def test() -> None:
        watchers, seen = Watchers(), [list[int](), list[int]()]

        async def watch(numbers: list[int]) -> None:
            numbers.extend([one.index async for one in watchers.frames()])

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch(seen[0]))
            await asyncio.sleep(0)
            watchers.show(frame(0))
            tasks.create_task(watch(seen[1]))
            await asyncio.sleep(0)
            watchers.show(frame(1))
            watchers.end()
        assert seen == [[0, 1], [1]]

    asyncio.run(test())


def test_whoever_is_slow_misses_the_oldest_and_nobody_waits_for_him() -> None:
    async def test() -> None:
        watchers = Watchers()
        frames = watchers.frames()
        first = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0)
        for index in range(MOST_WAITING + 3):
            watchers.show(frame(index))
        watchers.end()
        assert [(await first).index, *[one.index async for one in frames]] == list(range(3, MOST_WAITING + 3))

    asyncio.run(test())
