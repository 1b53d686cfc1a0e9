import random
from collections import Counter
from contextlib import ExitStack

import pytest
from fake_loads import Stage, Thing, use
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lipstream.avatar.eviction import Policy, least_frequently_used, least_recently_used
from lipstream.errors import AvatarTooLargeError, BusyError


def test_lfu_keeps_more_of_zipf_traffic_than_lru() -> None:
    """40 avatars, room for 5, 4000 requests a second apart; the benchmark has more."""
    chance = random.Random(5)  # noqa: S311  dice
    trace = chance.choices(range(40), [1 / rank for rank in range(1, 41)], k=4000)
    lfu, lru = (_hits(trace, policy) for policy in (least_frequently_used(1_800_000), least_recently_used()))
    static = sum(count for _, count in Counter(trace).most_common(5)) - 5
    assert lru < 0.8 * static < 0.95 * static < lfu


def _hits(trace: list[int], policy: Policy) -> int:
    stage = Stage()
    registry = stage.registry(count=5, policy=policy)
    for number in trace:
        stage.now_ms += 1000
        use(registry, str(number))
    return len(trace) - len(stage.things)


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
