"""Loads and requests in, what was loaded and how it was used out."""

import math
from dataclasses import dataclass

from lipstream.avatar.eviction import Limits


@dataclass(frozen=True, slots=True)
class NameStatistics:
    """What happened to one name since the registry began."""

    name: str
    """The name, an alias resolved."""
    loaded: bool
    """Whether it is loaded now."""
    device: str | None
    """Name of the device that holds it or loads it."""
    size_bytes: int
    """Memory it takes now, 0 if it is not loaded."""
    in_use: int
    """Leases of it now, those included that wait for its load."""
    requests: int
    """Leases that got it loaded."""
    found_requests: int
    """Those that did not have to wait for its load."""
    frames: int
    """Frames that they made."""
    timed_requests: int
    """Those whose generator time was told."""
    generator_ms: float
    """Their generator time together."""
    last_used_unix_ms: int | None
    """When a lease last began or ended, in Unix time; None if none has."""
    loads: int
    """How often it was loaded."""
    evictions: int
    """How often it was unloaded to make room for another."""
    load_ms: float
    """Duration of its last load, 0 before the first."""
    loaded_unix_ms: int | None
    """When that ended, in Unix time; None before the first."""
    fastest_ms: float
    """The least generator time of a request, 0 before the first."""
    slowest_ms: float
    """The greatest."""

    @property
    def mean_generator_ms(self) -> float:
        """Generator time of a request that ran the generator, 0 before the first."""
        return self.generator_ms / self.timed_requests if self.timed_requests else 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of a registry at one moment."""

    names: tuple[NameStatistics, ...]
    """Every name that is or was loaded, in alphabetical order."""
    loaded: int
    """Number of things that are loaded or being loaded, those unloaded while in use included."""
    size_bytes: int
    """Memory that they take."""
    limits: Limits
    """How many may be loaded, and how much memory they may take."""

    def of(self, name: str) -> NameStatistics | None:
        """The statistics of a name, None if it was never loaded."""
        return next((one for one in self.names if one.name == name), None)


@dataclass(slots=True)
class Usage:
    """Running totals of one name, kept when it is evicted; see NameStatistics."""

    hits: float = 0.0
    """Requests as the eviction policy counts them."""
    last_used_ms: float = 0.0
    """When they were counted, on the clock of `now_ms`."""
    requests: int = 0
    found_requests: int = 0
    frames: int = 0
    timed_requests: int = 0
    generator_ms: float = 0.0
    last_used_unix_ms: int | None = None
    loads: int = 0
    evictions: int = 0
    load_ms: float = 0.0
    loaded_unix_ms: int | None = None
    fastest_ms: float = math.inf
    slowest_ms: float = 0.0
    expected_bytes: int = 0
    """What it took when it was last loaded, 0 if not known."""
    measured_ms: float = 0.0
    """When that was."""
