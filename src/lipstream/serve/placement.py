"""What is loaded on which device in, where the next load goes and what leaves for it out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lipstream.avatar.eviction import Candidate, Limits, Policy, choose_victims
from lipstream.errors import InputError

Assignment = Literal["round-robin", "least-loaded", "preferred"]
Loaded = Mapping[str, Sequence[Candidate]]
"""What is loaded or loading, by the device's name."""


@dataclass(frozen=True, slots=True)
class Device:
    """Something that runs networks."""

    name: str
    """What it is called, such as `cpu` or `cuda:1`."""
    limit_bytes: int | None = None
    """Memory that everything on it may take; None is no limit of its own."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where something is loaded."""

    device: Device
    """The device it goes to."""
    victims: tuple[str, ...]
    """Names of what leaves first."""


@dataclass(frozen=True, slots=True)
class Room:
    """What may be loaded and who leaves."""

    limits: Limits
    """Of all devices together."""
    policy: Policy
    """Who leaves."""
    devices: tuple[Device, ...]
    """At least one."""
    assignment: Assignment = "round-robin"
    """In which order devices are tried: in turn, by what they hold, or as listed. The least evictions decide first."""

    def largest_bytes(self) -> int | None:
        """Memory that one load may take in an empty registry; None is no limit."""
        each = [device.limit_bytes for device in self.devices]
        largest = None if None in each else max(limit for limit in each if limit is not None)
        limits = [limit for limit in (largest, self.limits.size_bytes) if limit is not None]
        return min(limits, default=None)

    def order(self, loaded: Loaded, turn: int) -> list[Device]:
        """Devices in the order in which they are tried for a load that may go anywhere.

        Args:
            loaded: what they hold.
            turn: how many loads were placed before.
        """
        first = turn % len(self.devices)
        orders: dict[Assignment, Callable[[], Sequence[Device]]] = {
            "round-robin": lambda: (*self.devices[first:], *self.devices[:first]),
            "least-loaded": lambda: sorted(self.devices, key=lambda device: _load_of(loaded.get(device.name, ()))),
            "preferred": lambda: self.devices,
        }
        return list(orders[self.assignment]())

    def named(self, name: str) -> Device:
        """The device of that name; raises InputError if there is none."""
        for device in self.devices:
            if device.name == name:
                return device
        known = ", ".join(device.name for device in self.devices)
        raise InputError(f"There is no device {name!r}; this server has {known}.")

    def place(
        self, loaded: Loaded, *, needed_bytes: int, now_ms: float, turn: int = 0, preferred: str | None = None
    ) -> Placement | None:
        """Find a device: the preferred one if it has room, else the one where the fewest have to leave.

        Returns:
            Where the load goes, or None if what is in use leaves no room anywhere.

        Raises:
            InputError: there is no device of the preferred name.
        """
        if preferred is not None:
            victims = self.victims(loaded, self.named(preferred), needed_bytes=needed_bytes, now_ms=now_ms)
            if victims is not None:
                return Placement(self.named(preferred), victims)
        found = [
            Placement(device, victims)
            for device in self.order(loaded, turn)
            if (victims := self.victims(loaded, device, needed_bytes=needed_bytes, now_ms=now_ms)) is not None
        ]
        return min(found, key=lambda placement: len(placement.victims), default=None)

    def victims(self, loaded: Loaded, device: Device, *, needed_bytes: int, now_ms: float) -> tuple[str, ...] | None:
        """Names of what leaves so that a load fits on this device, or None if it cannot."""
        here, own = loaded.get(device.name, ()), Limits(size_bytes=device.limit_bytes)
        leaving = choose_victims(here, own, self.policy, needed_bytes=needed_bytes, now_ms=now_ms)
        if leaving is None:
            return None
        rest = [one for held in loaded.values() for one in held if one not in leaving]
        more = choose_victims(rest, self.limits, self.policy, needed_bytes=needed_bytes, now_ms=now_ms)
        return None if more is None else tuple(one.name for one in (*leaving, *more))


def _load_of(held: Sequence[Candidate]) -> tuple[int, int]:
    return sum(one.size_bytes for one in held), len(held)
