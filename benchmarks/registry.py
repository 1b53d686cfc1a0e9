"""Zipf traffic through the registry of avatars in, its hit rate beside the best possible for the same traffic out.

    python benchmarks/registry.py > benchmarks/results/registry.json

Stand-ins are loaded instead of avatars and time is that of the traffic, a request a second, so the rates are the same
on every machine. The last figure, of five clients at once in threads, is what the registry did here.
"""

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import lipstream
from lipstream.avatar.eviction import Limits, Policy, least_frequently_used, least_recently_used
from lipstream.evaluate.speed.machine import machine, versions
from lipstream.serve.placement import Device
from lipstream.serve.registry import Registry

AVATARS, ROOM, SEED = 40, 5, 5
HALF_LIVES_MINUTES = (10, 30)
INTERVAL_MS = 1000
POLICIES: dict[str, Policy] = {
    **{f"lfu, half-life {minutes} min": least_frequently_used(minutes * 60_000) for minutes in HALF_LIVES_MINUTES},
    "lru": least_recently_used(),
}

Trace = Sequence[int]


class StandIn:
    """Loaded in an avatar's place; knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        """Close it."""
        self.closed = True


class Traffic:
    """A registry, its clock and how its requests went."""

    def __init__(self, policy: Policy) -> None:
        self.now_ms = 0.0
        self.registry = Registry(
            lambda _name, _device: StandIn(),
            StandIn.close,
            lambda _: 1,
            limits=Limits(count=ROOM),
            policy=policy,
            devices=(Device("cpu"),),
            now_ms=lambda: self.now_ms,
            unix_ms=lambda: 0,
        )

    def request(self, avatar: int) -> bool:
        """Use an avatar; returns whether that failed, or it was closed meanwhile."""
        self.now_ms += INTERVAL_MS
        try:
            with self.registry.lease(str(avatar)) as loaded:
                self.registry.add_generator_ms(str(avatar), 1.0)
                return loaded.closed
        except Exception as error:  # whatever it is, a request failed
            print(f"avatar {avatar}: {error}", file=sys.stderr)
            return True

    def figures(self, failed: int) -> dict[str, object]:
        """Hit rate and failures, by the registry's own statistics."""
        names = self.registry.snapshot().names
        requests, loads = sum(one.requests for one in names), sum(one.loads for one in names)
        return {
            "hit_rate": round(1 - loads / requests, 4),
            "requests": requests,
            "loads": loads,
            "evictions": sum(one.evictions for one in names),
            "failed": failed,
        }


def zipf_trace(requests: int, *, exponent: float, reshuffle_every: int | None = None) -> Trace:
    """Avatars in the order in which they are asked for, the r-th most popular as often as r^-exponent."""
    chance = random.Random(SEED)  # noqa: S311  dice
    avatars, trace = list(range(AVATARS)), list[int]()
    weights = [rank**-exponent for rank in range(1, AVATARS + 1)]
    while len(trace) < requests:
        trace += chance.choices(avatars, weights, k=min(reshuffle_every or requests, requests - len(trace)))
        chance.shuffle(avatars)
    return trace


def best_loads(trace: Trace, room: int) -> int:
    """The least loads that serve this traffic: always evict what is asked for again last (Belady)."""
    never = len(trace)
    next_use, upcoming = [never] * len(trace), dict[int, int]()
    for index in range(len(trace) - 1, -1, -1):
        next_use[index] = upcoming.get(trace[index], never)
        upcoming[trace[index]] = index
    held, loads = dict[int, int](), 0
    for index, avatar in enumerate(trace):
        if avatar not in held:
            loads += 1
            if len(held) == room:
                del held[max(held, key=lambda other: held[other])]
        held[avatar] = next_use[index]
    return loads


def static_hit_rate(trace: Trace, room: int) -> float:
    """Hit rate of keeping those that are asked for most, loaded once each, and of keeping none of the others."""
    most = Counter(trace).most_common(room)
    return (sum(count for _, count in most) - len(most)) / len(trace)


def measure_in_order(trace: Trace) -> dict[str, object]:
    """Every policy on one request after the other, beside what knows the future."""
    found: dict[str, object] = {
        "best_possible": round(1 - best_loads(trace, ROOM) / len(trace), 4),
        "best_static_set": round(static_hit_rate(trace, ROOM), 4),
    }
    for name, policy in POLICIES.items():
        traffic = Traffic(policy)
        failed = sum([traffic.request(avatar) for avatar in trace])
        found[name] = traffic.figures(failed)
    return found


def measure_at_once(trace: Trace, clients: int) -> dict[str, object]:
    """The same traffic of several clients at once, which share it out among themselves."""
    traffic = Traffic(least_frequently_used(HALF_LIVES_MINUTES[0] * 60_000))
    with ThreadPoolExecutor(clients) as pool:
        failed = sum(pool.map(traffic.request, trace))
    return {"clients": clients, **traffic.figures(failed)}


def report(requests: int) -> dict[str, object]:
    """All figures, with what they were measured on."""
    return {
        "schema": "lipstream.registry/1",
        "version": lipstream.__version__,
        "machine": machine(),
        "versions": versions(),
        "avatars": AVATARS,
        "room": ROOM,
        "requests": requests,
        "interval_ms": INTERVAL_MS,
        "seed": SEED,
        "zipf": {
            f"exponent {exponent}": measure_in_order(zipf_trace(requests, exponent=exponent))
            for exponent in (0.8, 1.0, 1.2)
        },
        "zipf, exponent 1.0, popularity reshuffled every hour": measure_in_order(
            zipf_trace(requests, exponent=1.0, reshuffle_every=3_600_000 // INTERVAL_MS)
        ),
        "zipf, exponent 1.0, at once": measure_at_once(zipf_trace(requests, exponent=1.0), clients=ROOM),
    }


def main() -> None:
    """Print the report as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    print(json.dumps(report(parser.parse_args().requests), indent=2))


if __name__ == "__main__":
    main()
