import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager

import numpy as np
import pytest

from lipstream.errors import BusyError
from lipstream.pipeline.batch import Batcher, BatchLimits
from lipstream.types import Float32

PATIENCE_S = 10  # a test that would hang fails instead


class Echo:
    """Paints each frame in its own drive's first number; may be held, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.begun, self.free = threading.Event(), threading.Event()
        self.free.set()

    def generate(self, visual: Float32, codes: Float32) -> Float32:
        self.begun.set()
        assert self.free.wait(PATIENCE_S)
        self.batches.append([float(code[0]) for code in codes])
        if any(code[0] < 0 for code in codes):
            raise MemoryError("no room")
        return visual[:, :3] + codes[:, :1, None, None]

    @contextmanager
    def held(self, batcher: Batcher) -> Iterator[None]:
        """Keep the network busy with a first frame, so that what is submitted meanwhile waits."""
        self.free.clear()
        self.begun.clear()
        first = submit(batcher, self, 100)
        assert self.begun.wait(PATIENCE_S)
        yield
        self.free.set()
        first.result(PATIENCE_S)


def submit(batcher: Batcher, painter: Echo, drive: float, **options: object) -> "Future[Float32]":
    visual, code = np.zeros((6, 2, 2), np.float32), np.full(12, drive, np.float32)
    return batcher.submit(painter, visual, code, **options)  # type: ignore[arg-type]


@pytest.fixture
def batcher() -> Iterator[Batcher]:
    with Batcher(BatchLimits(max_batch=4, window_ms=0, max_waiting_frames=12), now_ms=lambda: 0.0) as batcher:
        yield batcher


def test_frames_that_wait_for_one_network_are_painted_together(batcher: Batcher) -> None:
    one, other = Echo(), Echo()
    with one.held(batcher):
        ones = [submit(batcher, one, drive) for drive in (1, 2, 3)]
        others = [submit(batcher, other, drive) for drive in (4, 5)]
    assert [float(patch.result(PATIENCE_S)[0, 0, 0]) for patch in ones + others] == [1, 2, 3, 4, 5]
    assert one.batches[1:] == [[1, 2, 3]]
    assert other.batches == [[4, 5]]
    stats = batcher.stats()
    assert (stats.frames, stats.batches, stats.waiting_frames) == (6, 3, 0)


def test_a_batch_has_a_limit(batcher: Batcher) -> None:
    echo = Echo()
    with echo.held(batcher):
        patches = [submit(batcher, echo, drive) for drive in range(6)]
    for patch in patches:
        patch.result(PATIENCE_S)
    assert [len(batch) for batch in echo.batches] == [1, 4, 2]


def test_the_earliest_due_goes_first_and_whoever_has_time_last(batcher: Batcher) -> None:
    echo = Echo()
    with echo.held(batcher):
        patches = [submit(batcher, echo, 9)]
        patches += [submit(batcher, echo, due, due_ms=float(due)) for due in (5, 3, 8, 1, 4)]
    for patch in patches:
        patch.result(PATIENCE_S)
    assert echo.batches[1:] == [[1, 3, 4, 5], [8, 9]]


def test_clients_without_due_times_share_equally(batcher: Batcher) -> None:
    echo = Echo()
    with echo.held(batcher):
        patches = [submit(batcher, echo, drive, client="greedy") for drive in (1, 2, 3, 4, 5, 6)]
        patches += [submit(batcher, echo, drive, client="modest") for drive in (11, 12)]
    for patch in patches:
        patch.result(PATIENCE_S)
    assert sorted(echo.batches[1]) == [1, 2, 11, 12]
    assert echo.batches[2] == [3, 4, 5, 6]


def test_a_frame_that_fails_fails_alone(batcher: Batcher) -> None:
    echo = Echo()
    with echo.held(batcher):
        patches = [submit(batcher, echo, drive) for drive in (1, 2, -3, 4)]
    assert [float(patches[i].result(PATIENCE_S)[0, 0, 0]) for i in (0, 1, 3)] == [1, 2, 4]
    with pytest.raises(MemoryError):
        patches[2].result(PATIENCE_S)


def test_a_network_that_paints_too_few_is_an_error(batcher: Batcher) -> None:
    class Forgetful(Echo):
        def generate(self, visual: Float32, codes: Float32) -> Float32:
            return super().generate(visual, codes)[1:]

    with pytest.raises(ValueError, match="zip"):
        submit(batcher, Forgetful(), 1).result(PATIENCE_S)
    assert submit(batcher, Echo(), 1).result(PATIENCE_S).shape == (3, 2, 2)


def test_a_cancelled_frame_leaves_at_once(batcher: Batcher) -> None:
    echo = Echo()
    with echo.held(batcher):
        kept, gone = submit(batcher, echo, 1), submit(batcher, echo, 2)
        assert gone.cancel()
        assert batcher.stats().waiting_frames == 1
    assert kept.result(PATIENCE_S) is not None
    assert echo.batches[1:] == [[1]]
    with pytest.raises(CancelledError):
        gone.result(PATIENCE_S)


def test_more_than_may_wait_are_refused(batcher: Batcher) -> None:
    echo = Echo()
    with echo.held(batcher):
        patches = [submit(batcher, echo, drive) for drive in range(12)]
        with pytest.raises(BusyError, match="12 frames wait"):
            submit(batcher, echo, 13)
        patches[3].cancel()
        patches[3] = submit(batcher, echo, 3)
    for patch in patches:
        patch.result(PATIENCE_S)
    assert batcher.stats().refused_frames == 1


def test_what_waits_is_painted_before_the_end() -> None:
    echo = Echo()
    with Batcher(BatchLimits(max_batch=1, window_ms=0), now_ms=lambda: 0.0) as batcher:
        with echo.held(batcher):
            patch = submit(batcher, echo, 1)
        batcher.close()
    assert patch.done()
    with pytest.raises(BusyError, match="stopping"):
        submit(batcher, echo, 1)


def test_runs_are_observed() -> None:
    seen: list[tuple[int, float, float]] = []
    ticks = iter(range(0, 1000, 10))
    with Batcher(
        BatchLimits(window_ms=0), lambda: float(next(ticks)), observe=lambda *run: seen.append(run)
    ) as batcher:
        submit(batcher, Echo(), 1).result(PATIENCE_S)
    assert [run[0] for run in seen] == [1]
    assert seen[0][1] > 0
    assert seen[0][2] > 0


def test_a_painted_frame_is_let_go_without_the_garbage_collector() -> None:
    visual = np.zeros((6, 320, 320), np.float32)
    seen = weakref.ref(visual)
    gc.disable()
    try:
        with Batcher(BatchLimits(max_batch=1, window_ms=0), lambda: 0.0) as batcher:
            patch = batcher.submit(Echo(), visual, np.zeros(12, np.float32))
            patch.result(PATIENCE_S)
        del visual
        assert seen() is None
    finally:
        gc.enable()


def test_bulk_work_keeps_nobody_out_who_is_live(batcher: Batcher) -> None:
    echo = Echo()
    with echo.held(batcher):
        patches = [submit(batcher, echo, drive) for drive in range(12)]
        patches += [submit(batcher, echo, 20 + due, due_ms=float(due)) for due in range(12)]
        for late in ({}, {"due_ms": 99.0}):
            with pytest.raises(BusyError, match="24 frames wait"):
                submit(batcher, echo, 1, **late)
    for patch in patches:
        patch.result(PATIENCE_S)
    assert echo.batches[1] == [20, 21, 22, 23]


def test_whoever_is_patient_gets_the_next_room(batcher: Batcher) -> None:
    echo = Echo()
    with echo.held(batcher):
        patches = [submit(batcher, echo, drive) for drive in range(12)]
        patient: list[Future[Float32]] = []
        waiting = threading.Thread(target=lambda: patient.append(submit(batcher, echo, 50, patience_s=PATIENCE_S)))
        waiting.start()
        patches.pop().cancel()
        waiting.join(PATIENCE_S)
    assert float(patient[0].result(PATIENCE_S)[0, 0, 0]) == 50
    assert batcher.stats().refused_frames == 0


def test_an_observer_that_fails_stops_no_painting() -> None:
    def fail(*_: object) -> None:
        raise ValueError("no")

    with Batcher(BatchLimits(window_ms=0), now_ms=lambda: 0.0, observe=fail) as batcher:
        assert [submit(batcher, Echo(), 1).result(PATIENCE_S).shape for _ in range(2)] == [(3, 2, 2)] * 2
