import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fake_loads import Stage, fail, in_use, use, wait_until

from lipstream.errors import BusyError, EngineError

WAIT_S = 10


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_loads_of_one_name_are_joined(pool: ThreadPoolExecutor) -> None:
    stage = Stage()
    registry = stage.registry()
    stage.before_load = lambda name: wait_until(lambda: in_use(registry, name) == 8)
    things = [future.result(WAIT_S) for future in [pool.submit(use, registry, "iris") for _ in range(8)]]
    assert len(set(things)) == len(stage.things) == 1
    iris = registry.snapshot().of("iris")
    assert iris is not None
    assert (iris.requests, iris.loads, iris.in_use) == (8, 1, 0)


def test_a_failing_load_fails_all_who_wait_and_the_next_succeeds(pool: ThreadPoolExecutor) -> None:
    stage = Stage()
    registry = stage.registry(count=1)

    def fail_when_all_wait(name: str) -> None:
        wait_until(lambda: in_use(registry, name) == 8)
        fail(name)

    stage.before_load = fail_when_all_wait
    futures = [pool.submit(use, registry, "iris") for _ in range(8)]
    assert [type(future.exception(WAIT_S)) for future in futures] == [EngineError] * 8
    stage.before_load = lambda name: name
    assert use(registry, "iris")
    assert len(stage.things) == 1


def test_different_names_load_side_by_side(pool: ThreadPoolExecutor) -> None:
    stage = Stage()
    registry = stage.registry()
    both = threading.Barrier(2, timeout=WAIT_S)
    stage.before_load = lambda _: both.wait()
    futures = [pool.submit(use, registry, name) for name in ("a", "b")]
    assert [future.result(WAIT_S).name for future in futures] == ["a", "b"]


def test_what_is_leased_elsewhere_is_not_evicted(pool: ThreadPoolExecutor) -> None:
    stage = Stage()
    registry = stage.registry(count=2)
    held, done = threading.Event(), threading.Event()

    def hold() -> int:
        with registry.lease("held") as thing:
            held.set()
            assert done.wait(WAIT_S)
            return thing.closed

    holding = pool.submit(hold)
    assert held.wait(WAIT_S)
    for name in "abcab":
        use(registry, name)
    assert stage.open_names() == ["b", "held"]
    assert registry.unload("held")
    done.set()
    assert holding.result(WAIT_S) == 0
    assert stage.open_names() == ["b"]


def test_one_unloaded_while_it_loads_is_used_and_then_closed(pool: ThreadPoolExecutor) -> None:
    stage = Stage()
    registry = stage.registry()
    loading, unloaded = threading.Event(), threading.Event()

    def wait(_: str) -> None:
        loading.set()
        assert unloaded.wait(WAIT_S)

    stage.before_load = wait
    using = pool.submit(use, registry, "iris")
    assert loading.wait(WAIT_S)
    assert registry.unload("iris")
    unloaded.set()
    assert using.result(WAIT_S).closed == 1
    assert registry.snapshot().loaded == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_race_of_everything_closes_nothing_in_use(pool: ThreadPoolExecutor, seed: int) -> None:
    stage = Stage({name: size for size, name in enumerate("abcdefgh", start=1)})
    registry = stage.registry(count=4, size_bytes=20)
    start = threading.Barrier(8, timeout=WAIT_S)

    def request(number: int) -> Counter[str]:
        chance, seen = random.Random(seed * 8 + number), Counter[str]()  # noqa: S311  dice
        start.wait()
        for _ in range(200):
            name = chance.choice("abcdefgh")
            if chance.random() < 0.1:
                registry.unload(name)
                continue
            try:
                with registry.lease(name) as thing:
                    seen[name] += 1
                    snapshot = registry.snapshot()
                    assert (snapshot.loaded <= 4, snapshot.size_bytes <= 20) == (True, True)
                    assert thing.closed == 0
            except BusyError:
                seen["busy"] += 1
        return seen

    totals = sum(
        (future.result(WAIT_S * 3) for future in [pool.submit(request, number) for number in range(8)]), Counter()
    )
    after = registry.snapshot()
    assert {one.name: one.requests for one in after.names} == {name: totals[name] for name in "abcdefgh"}
    assert after.size_bytes == sum(thing.size_bytes for thing in stage.things if not thing.closed)
    registry.unload_all()
    assert {thing.closed for thing in stage.things} == {1}
