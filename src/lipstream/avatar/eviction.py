"""Loaded avatars, their use and limits in, which of them leave to make room out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

PolicyName = Literal["lfu", "lru"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something loaded that may have to leave."""

    name: str
    """What it is called."""
    size_bytes: int
    """Memory it takes."""
    hits: float
    """Requests that used it, as the policy counts them, those before an earlier eviction included."""
    last_used_ms: float
    """When a request last used it, on the clock of `now_ms`; when it was loaded, if none has."""
    pinned: bool = False
    """Whether it is in use and must stay."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be loaded at once; None is no limit."""

    count: int | None = None
    """Number of things, at least 1."""
    size_bytes: int | None = None
    """Memory of all of them together."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Decides who leaves; hits outlive an eviction, so that what is often asked for comes back to stay."""

    count: Callable[[float, float], float]
    """Hits so far and the ms since the last in, hits with one more out."""
    worth: Callable[[Candidate, float], float]
    """A candidate and `now_ms` in, the worth of keeping it out: the least leaves first."""


def least_frequently_used(half_life_ms: float) -> Policy:
    """Worth is hits * 2^(-age / half-life), where every hit has faded by the same rule since it was counted.

    Were hits counted whole, those of a former favourite would outweigh everybody new for hours.
    """

    def count(hits: float, age_ms: float) -> float:
        return hits * math.exp2(-age_ms / half_life_ms) + 1

    def worth(candidate: Candidate, now_ms: float) -> float:
        if candidate.hits == 0:
            return -math.inf
        # its logarithm: 2^-1100 would be zero for everything long unused
        return math.log2(candidate.hits) - (now_ms - candidate.last_used_ms) / half_life_ms

    return Policy(count, worth)


def least_recently_used() -> Policy:
    """Worth falls with the time since the last use."""
    return Policy(lambda hits, _: hits + 1, lambda candidate, now_ms: candidate.last_used_ms - now_ms)


def policy_named(name: PolicyName, *, half_life_ms: float) -> Policy:
    """The policy of a configuration; the half-life matters to `lfu` alone."""
    return {"lfu": least_frequently_used(half_life_ms), "lru": least_recently_used()}[name]


def choose_victims(
    candidates: Sequence[Candidate], limits: Limits, policy: Policy, *, needed_bytes: int, now_ms: float
) -> list[Candidate] | None:
    """Choose what leaves so that one more fits.

    The worth decides, then who was used longer ago, then the name. Whoever turns out to leave for nothing, because
    something larger has to leave as well, stays.

    Args:
        candidates: everything loaded; those pinned count and stay.
        limits: what must hold with the new one.
        policy: who leaves first.
        needed_bytes: memory of the new one, 0 if not known yet.
        now_ms: the time, on the clock of `last_used_ms`.

    Returns:
        The victims, least worth first; none if there is room; None if even all unpinned would not make enough.
    """
    count, size_bytes = len(candidates) + 1, sum(one.size_bytes for one in candidates) + needed_bytes

    def fits(leaving: Sequence[Candidate]) -> bool:
        freed_bytes = sum(one.size_bytes for one in leaving)
        return _within(count - len(leaving), limits.count) and _within(size_bytes - freed_bytes, limits.size_bytes)

    unpinned = [one for one in candidates if not one.pinned]
    unpinned.sort(key=lambda one: (policy.worth(one, now_ms), one.last_used_ms, one.name))
    number = next((number for number in range(len(unpinned) + 1) if fits(unpinned[:number])), None)
    if number is None:
        return None
    victims = unpinned[:number]
    for one in reversed(unpinned[:number]):
        without = [other for other in victims if other is not one]
        victims = without if fits(without) else victims
    return victims


def _within(amount: int, limit: int | None) -> bool:
    return limit is None or amount <= limit
