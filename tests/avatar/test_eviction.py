import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipstream.avatar.eviction import (
    Candidate,
    Limits,
    Policy,
    PolicyName,
    choose_victims,
    least_frequently_used,
    least_recently_used,
    policy_named,
)

NOW_MS = 100_000.0
HALF_LIFE_MS = 5_000.0
LFU = least_frequently_used(HALF_LIFE_MS)

ENTRIES = st.builds(
    Candidate,
    name=st.text("abcdefgh", min_size=1, max_size=3),
    size_bytes=st.integers(0, 9),
    hits=st.sampled_from([0, 1, 3, 5, 7, 9, 11]),  # no two a power of two apart: a tie only where both models see one
    last_used_ms=st.integers(0, int(NOW_MS)).map(float),
    pinned=st.booleans(),
)
CANDIDATES = st.lists(ENTRIES, max_size=7, unique_by=lambda one: one.name)
LIMITS = st.builds(Limits, count=st.none() | st.integers(1, 8), size_bytes=st.none() | st.integers(0, 40))
POLICIES = st.sampled_from([LFU, least_recently_used()])
NEEDED_BYTES = st.integers(0, 12)


def naive_worth(candidate: Candidate, policy: Policy) -> float:
    age_ms = NOW_MS - candidate.last_used_ms
    return candidate.hits * 2 ** (-age_ms / HALF_LIFE_MS) if policy is LFU else -age_ms


def fit(staying: Sequence[Candidate], limits: Limits, needed_bytes: int) -> bool:
    size_bytes = sum(one.size_bytes for one in staying) + needed_bytes
    count_limit = math.inf if limits.count is None else limits.count
    bytes_limit = math.inf if limits.size_bytes is None else limits.size_bytes
    return len(staying) + 1 <= count_limit and size_bytes <= bytes_limit


@settings(deadline=None)
@given(CANDIDATES, LIMITS, POLICIES, NEEDED_BYTES)
def test_victims_make_room_and_none_of_them_for_nothing(
    candidates: list[Candidate], limits: Limits, policy: Policy, needed_bytes: int
) -> None:
    victims = choose_victims(candidates, limits, policy, needed_bytes=needed_bytes, now_ms=NOW_MS)
    pinned = [one for one in candidates if one.pinned]
    assert (victims is None) == (not fit(pinned, limits, needed_bytes))
    for spared in victims or ():
        staying = [one for one in candidates if one not in (victims or ()) or one is spared]
        assert not spared.pinned
        assert not fit(staying, limits, needed_bytes)
    if victims is not None:
        assert fit([one for one in candidates if one not in victims], limits, needed_bytes)


@settings(deadline=None)
@given(CANDIDATES, LIMITS, POLICIES, NEEDED_BYTES)
def test_victims_are_those_of_a_naive_model(
    candidates: list[Candidate], limits: Limits, policy: Policy, needed_bytes: int
) -> None:
    """Of all sets that make room and hold nobody in vain, the one whose most valuable victim is worth the least."""

    def order(one: Candidate) -> tuple[float, float, str]:
        return naive_worth(one, policy), one.last_used_ms, one.name

    def makes_room(leaving: Sequence[Candidate]) -> bool:
        return fit([one for one in candidates if one not in leaving], limits, needed_bytes)

    unpinned = [one for one in candidates if not one.pinned]
    sets = [found for size in range(len(unpinned) + 1) for found in itertools.combinations(unpinned, size)]
    needed = [
        found for found in sets if makes_room(found) and not any(makes_room(_without(found, one)) for one in found)
    ]
    best = min(needed, key=lambda found: sorted(map(order, found), reverse=True), default=None)
    victims = choose_victims(candidates, limits, policy, needed_bytes=needed_bytes, now_ms=NOW_MS)
    assert victims == (None if best is None else sorted(best, key=order))


def _without(found: Sequence[Candidate], one: Candidate) -> list[Candidate]:
    return [other for other in found if other is not one]


@settings(deadline=None)
@given(st.lists(st.floats(0, NOW_MS), min_size=1, max_size=20).map(sorted))
def test_every_hit_fades_by_itself(used_ms: list[float]) -> None:
    hits, last_ms = 0.0, 0.0
    for use_ms in used_ms:
        hits, last_ms = LFU.count(hits, use_ms - last_ms), use_ms
    each = sum(2 ** (-(NOW_MS - use_ms) / HALF_LIFE_MS) for use_ms in used_ms)
    assert 2 ** LFU.worth(Candidate("one", 1, hits, last_ms), NOW_MS) == pytest.approx(each)


def test_a_half_life_halves_what_hits_are_worth() -> None:
    fresh, old = Candidate("fresh", 1, 4, NOW_MS), Candidate("old", 1, 8, NOW_MS - HALF_LIFE_MS)
    assert LFU.worth(fresh, NOW_MS) == LFU.worth(old, NOW_MS)


def test_hits_count_after_any_time() -> None:
    often, once = Candidate("often", 1, 1000, 0.0), Candidate("once", 1, 1, 0.0)
    years_ms = 1e12
    assert LFU.worth(often, years_ms) > LFU.worth(once, years_ms) > LFU.worth(Candidate("never", 1, 0, 0.0), years_ms)


def test_a_small_one_stays_where_a_large_one_has_to_leave() -> None:
    small, large = Candidate("small", 1, 1, 0.0), Candidate("large", 5, 9, 0.0)
    victims = choose_victims([small, large], Limits(size_bytes=6), LFU, needed_bytes=5, now_ms=NOW_MS)
    assert victims == [large]


@pytest.mark.parametrize(("name", "victim"), [("lfu", "recent"), ("lru", "often")])
def test_a_policy_is_named_in_the_configuration(name: PolicyName, victim: str) -> None:
    often, recent = Candidate("often", 1, 9, NOW_MS - 1), Candidate("recent", 1, 1, NOW_MS)
    policy = policy_named(name, half_life_ms=HALF_LIFE_MS)
    victims = choose_victims([often, recent], Limits(count=2), policy, needed_bytes=1, now_ms=NOW_MS)
    assert victims is not None
    assert [one.name for one in victims] == [victim]
