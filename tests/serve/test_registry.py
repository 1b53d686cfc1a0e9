import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lipstream.avatar.eviction import Limits, Policy, least_frequently_used, least_recently_used
from lipstream.errors import AvatarTooLargeError, BusyError, EngineError, InputError
from lipstream.serve.placement import Assignment, Device
from lipstream.serve.registry import Registry

CPU = Device("cpu")
LFU = least_frequently_used(half_life_ms=60_000)
WAIT_S = 10


class Thing:
    """Stands in for an avatar."""

    def __init__(self, name: str, device: Device, size_bytes: int) -> None:
        self.name, self.device, self.size_bytes = name, device, size_bytes
        self.closed = 0


class Stage:
    """Loads things and remembers all of them; a clock that stands still unless moved."""

    def __init__(self, sizes: dict[str, int] | None = None, load_ms: float = 0.0) -> None:
        self.sizes, self.load_ms = sizes or {}, load_ms
        self.now_ms = 1000.0
        self.things: list[Thing] = []
        self.before_load: Callable[[str], object] = lambda name: name
        self.close_fails = False

    def load(self, name: str, device: Device) -> Thing:
        self.before_load(name)
        self.now_ms += self.load_ms
        thing = Thing(name, device, self.sizes.get(name, 1))
        self.things.append(thing)
        return thing

    def close(self, thing: Thing) -> None:
        thing.closed += 1
        if self.close_fails:
            raise OSError("the device is gone")

    def open_names(self) -> list[str]:
        return sorted(thing.name for thing in self.things if not thing.closed)

    def registry(
        self,
        *,
        count: int | None = None,
        size_bytes: int | None = None,
        policy: Policy = LFU,
        devices: tuple[Device, ...] = (CPU,),
        assignment: Assignment = "round-robin",
    ) -> Registry[Thing]:
        return Registry(
            self.load,
            self.close,
            lambda thing: thing.size_bytes,
            limits=Limits(count, size_bytes),
            policy=policy,
            devices=devices,
            now_ms=lambda: self.now_ms,
            unix_ms=lambda: int(1_700_000_000_000 + self.now_ms),
            assignment=assignment,
            aliases={"default_model": "iris"},
        )


def use(registry: Registry[Thing], name: str) -> Thing:
    with registry.lease(name) as thing:
        assert not thing.closed
        return thing


def wait_until(holds: Callable[[], bool]) -> None:
    """Yields to other threads until they have come to where they wait."""
    turn = threading.Event()
    for _ in range(100_000):
        if holds():
            return
        turn.wait(0)
    raise AssertionError("the other threads never came")


def in_use(registry: Registry[Thing], name: str) -> int:
    found = registry.snapshot().of(name)
    return found.in_use if found else 0


# What one thread sees


def test_what_is_loaded_is_used_again() -> None:
    stage = Stage()
    registry = stage.registry()
    assert use(registry, "iris") is use(registry, "iris") is use(registry, "default_model")
    assert len(stage.things) == 1


def test_the_least_used_leaves_before_the_next_is_loaded() -> None:
    stage = Stage()
    registry = stage.registry(count=2)
    for name in ("often", "often", "once"):
        use(registry, name)
    stage.before_load = lambda _: open_at_load.append(stage.open_names())
    open_at_load: list[list[str]] = []
    use(registry, "new")
    assert open_at_load == [["often"]]
    assert stage.open_names() == ["new", "often"]


def test_hits_from_before_an_eviction_count() -> None:
    stage = Stage()
    registry = stage.registry(count=2)
    for name in ("often", "often", "often", "other", "other"):
        use(registry, name)
    registry.unload("often")
    for name in ("often", "new"):
        use(registry, name)
    assert stage.open_names() == ["new", "often"]


def test_hits_fade_with_time() -> None:
    stage = Stage()
    registry = stage.registry(count=2)
    for _ in range(4):
        use(registry, "former")
    stage.now_ms += 180_000  # three half-lives: 4 hits are worth half a hit
    for name in ("now", "new"):
        use(registry, name)
    assert stage.open_names() == ["new", "now"]


def test_a_large_one_pushes_out_as_many_as_it_takes() -> None:
    stage = Stage({"a": 3, "b": 3, "c": 3, "large": 7})
    registry = stage.registry(size_bytes=10)
    for name in ("a", "a", "b", "c", "large"):
        use(registry, name)
    assert stage.open_names() == ["a", "large"]
    assert registry.snapshot().size_bytes == 10


def test_a_size_that_is_known_makes_room_before_the_load() -> None:
    stage = Stage({"a": 6, "b": 6})
    registry = stage.registry(size_bytes=10)
    use(registry, "a")
    use(registry, "b")
    open_at_load: list[list[str]] = []
    stage.before_load = lambda _: open_at_load.append(stage.open_names())
    use(registry, "a")
    assert open_at_load == [[]]


def test_one_larger_than_the_limit_is_refused_and_loaded_once() -> None:
    stage = Stage({"small": 4, "huge": 11})
    registry = stage.registry(size_bytes=10)
    use(registry, "small")
    for _ in range(2):
        with pytest.raises(AvatarTooLargeError, match=r"huge takes 11 bytes of memory, and all .* may take 10"):
            use(registry, "huge")
    assert stage.open_names() == ["small"]
    assert len(stage.things) == 2
    registry.unload("huge")
    stage.sizes["huge"] = 10
    use(registry, "huge")
    assert stage.open_names() == ["huge"]


def test_all_in_use_is_busy_and_then_it_is_not() -> None:
    stage = Stage()
    registry = stage.registry(count=2)
    with registry.lease("a"), registry.lease("b"):
        with pytest.raises(BusyError, match=r"no room to load c: 2 of the 2 loaded \(2 bytes\) are in use"):
            use(registry, "c")
        assert use(registry, "a")
    assert use(registry, "c")


def test_too_little_memory_beside_what_is_in_use_is_busy_and_closes_what_was_loaded() -> None:
    stage = Stage({"a": 6, "b": 6})
    registry = stage.registry(size_bytes=10)
    with registry.lease("a"), pytest.raises(BusyError):
        use(registry, "b")
    assert stage.open_names() == ["a"]
    assert use(registry, "b")


def test_a_failing_load_is_forgotten() -> None:
    stage = Stage()
    registry = stage.registry(count=1)
    stage.before_load = _fail
    for _ in range(2):
        with pytest.raises(EngineError, match="iris is broken"):
            use(registry, "iris")
    assert registry.snapshot().names == ()
    assert registry.snapshot().loaded == 0
    stage.before_load = lambda name: name
    assert use(registry, "iris")


def test_what_cannot_be_measured_is_closed() -> None:
    stage = Stage({"iris": 0})
    registry = stage.registry()
    registry._measure_bytes = lambda thing: 1 // thing.size_bytes
    with pytest.raises(ZeroDivisionError):
        use(registry, "iris")
    assert stage.open_names() == []


def test_a_failing_close_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.close_fails = True
    registry = stage.registry(count=1)
    use(registry, "a")
    assert use(registry, "b")
    assert "closing failed" in caplog.text


def test_unloading_what_is_in_use_waits_for_it_and_others_get_a_new_one() -> None:
    stage = Stage()
    registry = stage.registry()
    with registry.lease("iris") as first:
        assert registry.unload("default_model")
        assert not first.closed
        with registry.lease("iris") as second:
            assert second is not first
            assert registry.snapshot().loaded == 2
        assert not first.closed
    assert stage.open_names() == ["iris"]
    assert [thing.closed for thing in (first, second)] == [1, 0]
    assert registry.snapshot().loaded == 1
    assert not registry.unload("stranger")


def test_one_unloaded_while_in_use_still_takes_its_place() -> None:
    stage = Stage()
    registry = stage.registry(count=1)
    with registry.lease("iris"):
        registry.unload("iris")
        with pytest.raises(BusyError):
            use(registry, "other")


def test_only_what_is_idle_is_unloaded() -> None:
    stage = Stage()
    registry = stage.registry()
    registry.load("never used")
    use(registry, "old")
    with registry.lease("held"):
        stage.now_ms += 500
        use(registry, "new")
        stage.now_ms += 500
        assert sorted(registry.unload_idle(1000)) == ["never used", "old"]
    assert registry.unload_idle(1000) == []
    assert stage.open_names() == ["held", "new"]
    stage.now_ms += 1000
    assert sorted(registry.unload_idle(1000)) == ["held", "new"]


def test_preloading_tells_how_long_each_took() -> None:
    stage = Stage(load_ms=250)
    registry = stage.registry(count=2)
    loaded = registry.preload(["iris", "default_model", "max"])
    assert [(one.name, one.load_ms, one.requests) for one in loaded] == [("iris", 250, 0), ("max", 250, 0)]
    with pytest.raises(InputError, match="3 avatars are to be loaded at the start, but only 2"):
        registry.preload(["a", "b", "c"])


def test_unload_all_leaves_nothing() -> None:
    stage = Stage()
    registry = stage.registry()
    registry.preload(["a", "b"])
    registry.unload_all()
    assert stage.open_names() == []
    assert [thing.closed for thing in stage.things] == [1, 1]


def test_statistics_are_true_to_the_call() -> None:
    stage = Stage({"iris": 7}, load_ms=40)
    registry = stage.registry(count=1)
    for generator_ms in (10.0, 20.0):
        with registry.lease("iris"):
            stage.now_ms += 100
            registry.add_generator_ms("default_model", generator_ms)
    with registry.lease("iris"):
        assert in_use(registry, "iris") == 1
    last_used_unix_ms = int(1_700_000_000_000 + stage.now_ms)
    iris = registry.snapshot().of("iris")
    assert iris is not None
    assert (iris.loaded, iris.device, iris.size_bytes, iris.in_use) == (True, "cpu", 7, 0)
    assert (iris.requests, iris.timed_requests, iris.generator_ms, iris.mean_generator_ms) == (3, 2, 30.0, 15.0)
    assert (iris.last_used_unix_ms, iris.loads, iris.evictions, iris.load_ms) == (last_used_unix_ms, 1, 0, 40.0)
    use(registry, "max")
    use(registry, "iris")
    registry.unload("iris")
    iris = registry.snapshot().of("iris")
    assert iris is not None
    assert (iris.loaded, iris.device, iris.size_bytes) == (False, None, 0)
    assert (iris.requests, iris.loads, iris.evictions, iris.generator_ms) == (4, 2, 1, 30.0)
    assert [one.name for one in registry.snapshot().names] == ["iris", "max"]


def test_a_preferred_device_is_taken_where_there_is_room() -> None:
    small, large = Device("cuda:0", 5), Device("cuda:1", 20)
    stage = Stage({"a": 5, "b": 5})
    registry = stage.registry(devices=(small, large))
    with registry.lease("a", "cuda:0") as a, registry.lease("a", "cuda:1") as again:
        assert a is again
        assert a.device is small
        with pytest.raises(BusyError):
            registry.load("b", "cuda:0")  # measured only now
        with registry.lease("b", "cuda:0") as b:
            assert b.device is large
    with (
        pytest.raises(InputError, match="no device 'cuda:7'; this server has cuda:0, cuda:1"),
        registry.lease("c", "cuda:7"),
    ):
        pass


# What many threads see


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
        _fail(name)

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


# Traffic


def test_lfu_keeps_more_of_zipf_traffic_than_lru() -> None:
    """40 avatars, room for 5, 4000 requests a second apart; the benchmark has more."""
    chance = random.Random(5)  # noqa: S311  dice
    trace = chance.choices(range(40), [1 / rank for rank in range(1, 41)], k=4000)
    lfu, lru = (_hits(trace, policy) for policy in (least_frequently_used(1_800_000), least_recently_used))
    static = sum(count for _, count in Counter(trace).most_common(5)) - 5
    assert lru < 0.8 * static < 0.95 * static < lfu


def _hits(trace: list[int], policy: Policy) -> int:
    stage = Stage()
    registry = stage.registry(count=5, policy=policy)
    for number in trace:
        stage.now_ms += 1000
        use(registry, str(number))
    return len(trace) - len(stage.things)


# Any order of calls


class AnyOrder(RuleBasedStateMachine):
    """Nothing leased is closed, nothing is closed twice or never, limits hold."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage({"a": 1, "b": 2, "c": 3, "d": 4, "huge": 9})
        self.registry = self.stage.registry(count=3, size_bytes=8)
        self.leases: list[tuple[ExitStack, Thing]] = []
        self.requests = Counter[str]()

    @rule(name=st.sampled_from("abcd"))
    def lease(self, name: str) -> None:
        stack = ExitStack()
        try:
            thing = stack.enter_context(self.registry.lease(name))
        except BusyError:
            return
        assert thing.name == name
        self.requests[name] += 1
        self.leases.append((stack, thing))

    @rule(chance=st.randoms(use_true_random=False))
    def release(self, chance: random.Random) -> None:
        if self.leases:
            stack, _ = self.leases.pop(chance.randrange(len(self.leases)))
            stack.close()

    @rule(name=st.sampled_from(["a", "b", "c", "d", "huge"]))
    def unload(self, name: str) -> None:
        self.registry.unload(name)

    @rule()
    def refuse(self) -> None:
        with pytest.raises((AvatarTooLargeError, BusyError)):
            self.registry.load("huge")

    @rule(passed_ms=st.integers(0, 100_000))
    def idle(self, passed_ms: int) -> None:
        self.stage.now_ms += passed_ms
        self.registry.unload_idle(50_000)

    @invariant()
    def what_is_leased_is_open_and_what_is_open_is_counted(self) -> None:
        alive = [thing for thing in self.stage.things if not thing.closed]
        snapshot = self.registry.snapshot()
        assert all(thing in alive for _, thing in self.leases)
        assert all(thing.closed <= 1 for thing in self.stage.things)
        assert (snapshot.loaded, snapshot.size_bytes) == (len(alive), sum(thing.size_bytes for thing in alive))
        assert snapshot.loaded <= 3
        assert snapshot.size_bytes <= 8
        assert {one.name: one.requests for one in snapshot.names if one.requests} == dict(self.requests)
        assert sum(one.in_use for one in snapshot.names) == len(self.leases)

    def teardown(self) -> None:
        for stack, _ in self.leases:
            stack.close()
        self.registry.unload_all()
        assert all(thing.closed == 1 for thing in self.stage.things)


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnyOrder = AnyOrder.TestCase


def _fail(name: str) -> None:
    raise EngineError(f"{name} is broken")
