"""Loads, requests and releases in, what is kept and what is to be closed out: the registry without its threads.

Nothing here waits, loads or closes; the registry calls it under its lock and closes what is returned for that.
"""

from collections import defaultdict
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lipstream.avatar.eviction import Candidate
from lipstream.errors import AvatarTooLargeError, BusyError
from lipstream.serve.placement import Device, Room
from lipstream.serve.usage import NameStatistics, Snapshot, Usage

T = TypeVar("T")
MEASURED_ANEW_MS = 60_000
"""How long something stays refused as too large: what else went on while it was loaded may have been measured too."""


@dataclass(eq=False, slots=True)
class Entry(Generic[T]):
    """One copy of a thing, from the moment its load begins to the moment it is to be closed."""

    name: str
    """What it is called."""
    device: Device
    """Where it is loaded."""
    size_bytes: int
    """Memory it takes; until it is measured, what it took the last time."""
    last_used_ms: float
    """When a request last used it; when its load began or ended, if none has."""
    leases: int = 1
    """How many wait for it or use it; it begins with the one that loads it."""
    value: "Future[T]" = field(default_factory=Future)
    """The thing, when it is loaded, or why it could not be."""


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """An entry that now has one lease more."""

    entry: Entry[T]
    """What is held."""
    new: bool
    """Whether the holder has to load it."""
    closing: list[Entry[T]]
    """What has to be closed first."""


class Shelf(Generic[T]):
    """Keeps entries within their limits; an entry with a lease is never among those to be closed."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._entries: dict[str, Entry[T]] = {}
        self._unloaded: list[Entry[T]] = []  # while in use: they take memory, but nobody new gets them
        self._usage: dict[str, Usage] = {}  # only of names that could be loaded once, or strangers could fill it
        self._placed = 0

    def has(self, name: str) -> bool:
        """Whether what has this name is loaded or being loaded."""
        return name in self._entries

    def hold(self, name: str, preferred_device: str | None, now_ms: float) -> Held[T]:
        """Take a lease of what has this name, or make room for it.

        Raises:
            AvatarTooLargeError: it took more memory than all may take when it was loaded within the last minute.
            BusyError: what is in use leaves no room.
            InputError: there is no such device.
        """
        if entry := self._entries.get(name):
            entry.leases += 1
            return Held(entry, new=False, closing=[])
        expected_bytes = self._expected_bytes(name, now_ms)
        self._refuse_too_large(name, expected_bytes)
        placement = self._room.place(
            self._candidates(),
            needed_bytes=expected_bytes,
            now_ms=now_ms,
            turn=self._placed,
            preferred=preferred_device,
        )
        if placement is None:
            raise self._busy(name)
        self._placed += 1
        closing = self._evict(placement.victims)
        self._entries[name] = Entry(name, placement.device, expected_bytes, now_ms)
        return Held(self._entries[name], new=True, closing=closing)

    def settle(self, entry: Entry[T], size_bytes: int, load_ms: float, now_ms: float, unix_ms: int) -> list[Entry[T]]:
        """Keep what was loaded, now that its memory is known; returns what has to be closed.

        Raises:
            AvatarTooLargeError: it takes more than all may take.
            BusyError: what is in use leaves too little room for it.
        """
        usage = self._usage.setdefault(entry.name, Usage(last_used_ms=now_ms))
        usage.expected_bytes, usage.measured_ms = size_bytes, now_ms
        self._refuse_too_large(entry.name, size_bytes)
        others = self._candidates(without=entry)
        victims = self._room.victims(others, entry.device, needed_bytes=size_bytes, now_ms=now_ms)
        if victims is None:
            raise self._busy(entry.name)
        entry.size_bytes, entry.last_used_ms = size_bytes, now_ms
        usage.loads, usage.load_ms, usage.loaded_unix_ms = usage.loads + 1, load_ms, unix_ms
        return self._evict(victims)

    def drop(self, entry: Entry[T]) -> None:
        """Forget an entry that could not be loaded."""
        if self._entries.get(entry.name) is entry:
            del self._entries[entry.name]
        elif entry in self._unloaded:
            self._unloaded.remove(entry)

    def begin_request(self, entry: Entry[T], now_ms: float, unix_ms: int, *, found: bool) -> None:
        """Count a request, which found the entry loaded or waited for that."""
        usage = self._usage[entry.name]
        usage.requests, usage.found_requests = usage.requests + 1, usage.found_requests + found
        usage.hits = self._room.policy.count(usage.hits, now_ms - usage.last_used_ms)
        self.mark_used(entry, now_ms, unix_ms)

    def mark_used(self, entry: Entry[T], now_ms: float, unix_ms: int) -> None:
        """Note when it was used."""
        usage = self._usage[entry.name]
        entry.last_used_ms, usage.last_used_ms, usage.last_used_unix_ms = now_ms, now_ms, unix_ms

    def add_frames(self, name: str, frames: int) -> None:
        """Count frames."""
        self._usage[name].frames += frames

    def add_generator_ms(self, name: str, duration_ms: float, frames: int) -> None:
        """Count the generator time of a request, and the frames that it made."""
        usage = self._usage[name]
        self.add_frames(name, frames)
        usage.timed_requests, usage.generator_ms = usage.timed_requests + 1, usage.generator_ms + duration_ms
        usage.fastest_ms, usage.slowest_ms = min(usage.fastest_ms, duration_ms), max(usage.slowest_ms, duration_ms)

    def let_go(self, entry: Entry[T]) -> list[Entry[T]]:
        """End a lease; returns what has to be closed."""
        entry.leases -= 1
        if entry.leases or entry not in self._unloaded:
            return []
        self._unloaded.remove(entry)
        return [entry]

    def unload(self, name: str) -> tuple[bool, list[Entry[T]]]:
        """Take off what has this name and forget its size; returns whether it was there and what has to be closed."""
        if name in self._usage:
            self._usage[name].expected_bytes = 0
        return name in self._entries, self._remove([name] if name in self._entries else [])

    def unload_idle(self, before_ms: float) -> list[Entry[T]]:
        """Take off what was not used since then; returns it, to be closed."""
        idle = [one for one in self._entries.values() if not one.leases and one.last_used_ms <= before_ms]
        return self._remove([entry.name for entry in idle])

    def names(self) -> list[str]:
        """Names of what is loaded or being loaded."""
        return list(self._entries)

    def statistics(self, name: str) -> NameStatistics:
        """What is known of a name."""
        usage, entry = self._usage.get(name, Usage()), self._entries.get(name)
        return NameStatistics(
            name=name,
            loaded=entry is not None and entry.value.done(),
            device=entry.device.name if entry else None,
            size_bytes=entry.size_bytes if entry and entry.value.done() else 0,
            in_use=sum(one.leases for one in self._all() if one.name == name),
            requests=usage.requests,
            found_requests=usage.found_requests,
            frames=usage.frames,
            timed_requests=usage.timed_requests,
            generator_ms=usage.generator_ms,
            last_used_unix_ms=usage.last_used_unix_ms,
            loads=usage.loads,
            evictions=usage.evictions,
            load_ms=usage.load_ms,
            loaded_unix_ms=usage.loaded_unix_ms,
            fastest_ms=usage.fastest_ms if usage.timed_requests else 0.0,
            slowest_ms=usage.slowest_ms,
        )

    def snapshot(self) -> Snapshot:
        """What is known of everything."""
        return Snapshot(
            names=tuple(self.statistics(name) for name in sorted({*self._entries, *self._usage})),
            loaded=len(self._all()),
            size_bytes=sum(entry.size_bytes for entry in self._all()),
            limits=self._room.limits,
        )

    def _all(self) -> list[Entry[T]]:
        return [*self._entries.values(), *self._unloaded]

    def _candidates(self, *, without: Entry[T] | None = None) -> dict[str, list[Candidate]]:
        found: dict[str, list[Candidate]] = defaultdict(list)
        for one in self._all():
            if one is not without:
                hits = self._usage[one.name].hits if one.name in self._usage else 0.0
                candidate = Candidate(one.name, one.size_bytes, hits, one.last_used_ms, pinned=one.leases > 0)
                found[one.device.name].append(candidate)
        return found

    def _evict(self, names: tuple[str, ...]) -> list[Entry[T]]:
        for name in names:
            self._usage[name].evictions += 1
        return self._remove(names)

    def _remove(self, names: list[str] | tuple[str, ...]) -> list[Entry[T]]:
        removed = [self._entries.pop(name) for name in names]
        self._unloaded += [entry for entry in removed if entry.leases]
        return [entry for entry in removed if not entry.leases]

    def _expected_bytes(self, name: str, now_ms: float) -> int:
        """What it took the last time; 0 if it never was loaded, or is to be measured anew."""
        usage = self._usage.get(name, Usage())
        anew = self._too_large(usage.expected_bytes) and now_ms - usage.measured_ms >= MEASURED_ANEW_MS
        return 0 if anew else usage.expected_bytes

    def _too_large(self, size_bytes: int) -> bool:
        largest_bytes = self._room.largest_bytes()
        return largest_bytes is not None and size_bytes > largest_bytes

    def _refuse_too_large(self, name: str, size_bytes: int) -> None:
        if self._too_large(size_bytes):
            raise AvatarTooLargeError(
                f"{name} takes {size_bytes:,} bytes of memory, and all avatars together may take "
                f"{self._room.largest_bytes():,}; raise the limit. A minute later, or unloaded, it is measured anew."
            )

    def _busy(self, name: str) -> BusyError:
        held = self._all()
        return BusyError(
            f"There is no room to load {name}: {sum(1 for one in held if one.leases)} of the {len(held)} loaded "
            f"({sum(one.size_bytes for one in held):,} bytes) are in use; try again later or raise the limits."
        )
