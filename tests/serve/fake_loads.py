"""Something to load that only remembers what was done with it, for tests of the registry."""

import threading
from collections.abc import Callable

from lipstream.avatar.eviction import Limits, Policy, least_frequently_used
from lipstream.errors import EngineError
from lipstream.serve.placement import Assignment, Device
from lipstream.serve.registry import Registry

CPU = Device("cpu")
LFU = least_frequently_used(half_life_ms=60_000)


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
        check: Callable[[str], object] | None = None,
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
            check=check,
        )


def use(registry: Registry[Thing], name: str) -> Thing:
    with registry.lease(name) as thing:
        assert not thing.closed
        return thing


def wait_until(holds: Callable[[], bool]) -> None:
    """Yields to other threads until they have come to where they wait."""
    turn = threading.Event()
    for _ in range(60_000):  # at a millisecond each: a minute, however slow the machine
        if holds():
            return
        turn.wait(0.001)
    raise AssertionError("the other threads never came")


def in_use(registry: Registry[Thing], name: str) -> int:
    found = registry.snapshot().of(name)
    return found.in_use if found else 0


def fail(name: str) -> None:
    raise EngineError(f"{name} is broken")
