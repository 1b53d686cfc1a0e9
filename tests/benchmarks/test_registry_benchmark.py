import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "registry.py"
    spec = importlib.util.spec_from_file_location("registry_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fewest_loads(trace: list[int], room: int, held: frozenset[int] = frozenset()) -> int:
    """By trying every victim."""
    if not trace:
        return 0
    first, rest = trace[0], trace[1:]
    if first in held:
        return fewest_loads(rest, room, held)
    if len(held) < room:
        return 1 + fewest_loads(rest, room, held | {first})
    return 1 + min(fewest_loads(rest, room, (held - {victim}) | {first}) for victim in held)


@settings(deadline=None)
@given(trace=st.lists(st.integers(0, 4), min_size=1, max_size=9), room=st.integers(1, 3))
def test_the_best_possible_is_what_trying_everything_finds(benchmark: ModuleType, trace: list[int], room: int) -> None:
    assert benchmark.best_loads(trace, room) == fewest_loads(trace, room)


def test_keeping_the_two_most_wanted_loads_them_once(benchmark: ModuleType) -> None:
    assert benchmark.static_hit_rate([1, 1, 1, 2, 2, 3, 4, 1], 2) == (4 + 2 - 2) / 8


def test_no_policy_beats_the_best_and_no_request_fails(benchmark: ModuleType) -> None:
    found = benchmark.measure_in_order(benchmark.zipf_trace(500, exponent=1.0, reshuffle_every=200))
    assert found["lru"]["hit_rate"] < found["lfu, half-life 10 min"]["hit_rate"] < found["best_possible"]
    assert all(found[policy]["failed"] == 0 for policy in benchmark.POLICIES)
    assert benchmark.measure_at_once(benchmark.zipf_trace(500, exponent=1.0), clients=5)["failed"] == 0
