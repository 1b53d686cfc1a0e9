import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from lipstream.serve.steps import Gone, done, taken


def numbers(closed: list[str]) -> Generator[int, None, None]:
    try:
        yield from range(1, 4)
    finally:
        closed.append(threading.current_thread().name)


def test_items_come_in_order_and_are_closed_in_a_worker() -> None:
    closed: list[str] = []

    async def all_of_them(workers: ThreadPoolExecutor) -> list[int]:
        return [number async for number in taken(workers, numbers(closed), lambda: closed.append("close"))]

    with ThreadPoolExecutor(1, "worker") as workers:
        assert asyncio.run(all_of_them(workers)) == [1, 2, 3]
    assert closed == ["worker_0", "close"]


def test_whoever_is_cancelled_during_a_step_does_not_wait_for_it() -> None:
    closed: list[str] = []
    began, go_on = threading.Event(), threading.Event()

    def slow() -> Generator[int, None, None]:
        try:
            began.set()
            assert go_on.wait(20)
            yield 1
        finally:
            closed.append("items")

    async def leave(workers: ThreadPoolExecutor) -> None:
        items = taken(workers, slow(), lambda: closed.append("close"))
        taking = asyncio.ensure_future(anext(items))
        await asyncio.to_thread(began.wait, 20)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        assert closed == []

    with ThreadPoolExecutor(1) as workers:
        asyncio.run(leave(workers))
        go_on.set()
        workers.submit(closed.append, "later").result(20)  # after the step, whose end submits the closing
    assert closed[-1] == "close"
    assert closed.index("items") < closed.index("close")


def test_work_for_nobody_is_no_cancelled_task() -> None:
    def given_up() -> None:
        raise CancelledError

    with ThreadPoolExecutor(1) as workers, pytest.raises(Gone):
        asyncio.run(done(workers, given_up))
