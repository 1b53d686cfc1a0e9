"""Names in, loaded things that stay loaded while they are used out; what is not used leaves when room is needed."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Generic, TypeVar

from lipstream.avatar.eviction import Limits, Policy
from lipstream.errors import InputError
from lipstream.serve.placement import Assignment, Device, Room
from lipstream.serve.shelf import Entry, Held, Shelf
from lipstream.serve.usage import NameStatistics, Snapshot

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Registry(Generic[T]):
    """Loads things when they are asked for, keeps them within limits and closes none that is in use.

    Every method may be called from any thread; those that load or close take as long as that takes. Loads of
    different names run side by side, if `load` lets them. The memory of a name that was never loaded is known only
    afterwards: until then the limit in bytes can be exceeded by it.
    """

    def __init__(  # noqa: PLR0913  three things it cannot know about T, four that an operator chooses, two clocks
        self,
        load: Callable[[str, Device], T],
        close: Callable[[T], None],
        measure_bytes: Callable[[T], int],
        *,
        limits: Limits,
        policy: Policy,
        devices: Sequence[Device],
        now_ms: Callable[[], float],
        unix_ms: Callable[[], int],
        assignment: Assignment = "round-robin",
        aliases: Mapping[str, str] | None = None,
        check: Callable[[str], object] | None = None,
    ) -> None:
        """Begin with nothing loaded.

        Args:
            load: loads and warms what has a name, on a device; what it raises reaches everybody who waits.
            close: gives its memory back; called once for everything loaded, never while it is used.
            measure_bytes: memory that a loaded thing takes.
            limits: how many and how much may be loaded at once.
            policy: who leaves when room is needed.
            devices: where things can be loaded, at least one.
            now_ms: a monotonic clock, for ages and durations.
            unix_ms: wall clock, for the statistics.
            assignment: how a device is chosen, see `Room`.
            aliases: other names, such as `default_model` for `iris`.
            check: raises, quickly, for a name that cannot be loaded; asked before anything makes room for it.
        """
        self._check = check
        self._load, self._close, self._measure_bytes = load, close, measure_bytes
        self._limits, self._now_ms, self._unix_ms = limits, now_ms, unix_ms
        self._aliases = dict(aliases or {})
        self._shelf: Shelf[T] = Shelf(Room(limits, policy, tuple(devices), assignment))
        self._lock = Lock()  # held for bookkeeping only, never while something is loaded or closed

    @contextmanager
    def lease(self, name: str, preferred_device: str | None = None, *, counted: bool = True) -> Iterator[T]:
        """Use what has this name, loading it if needed; it stays loaded until the `with` block ends.

        Args:
            name: a name or an alias.
            preferred_device: name of the device to load it on, where there is room; it stays where it is already.
            counted: whether this is a request, as the statistics and the eviction count them, or a mere look at it.

        Raises:
            AvatarTooLargeError: it needs more memory than all together may take.
            BusyError: there is no room, because what is loaded is in use.
            InputError: there is no such device.
            Exception: whatever the load raised; the next request tries again.
        """
        entry, found = self._hold(name, preferred_device)
        if counted:
            with self._lock:
                self._shelf.begin_request(entry, self._now_ms(), self._unix_ms(), found=found)
        try:
            yield entry.value.result()
        finally:
            if counted:
                with self._lock:
                    self._shelf.mark_used(entry, self._now_ms(), self._unix_ms())
            self._let_go(entry)

    def add_generator_ms(self, name: str, duration_ms: float, frames: int = 0) -> None:
        """Count the generator time of one request, and its frames, for what has this name and was leased for it."""
        with self._lock:
            self._shelf.add_generator_ms(self.resolve(name), duration_ms, frames)

    def add_frames(self, name: str, frames: int) -> None:
        """Count frames of what has this name and is leased, where nobody measures the generator's share in them."""
        with self._lock:
            self._shelf.add_frames(self.resolve(name), frames)

    def load(self, name: str, preferred_device: str | None = None) -> NameStatistics:
        """Load what has this name, if it is not; no request is counted. Raises what `lease` raises."""
        entry, _ = self._hold(name, preferred_device)
        try:
            with self._lock:
                return self._shelf.statistics(entry.name)
        finally:
            self._let_go(entry)

    def preload(self, names: Iterable[str]) -> Iterator[NameStatistics]:
        """Load several, one after the other.

        Returns:
            Each as soon as it is loaded; whatever `load` raises comes at the first that fails.

        Raises:
            InputError: there are more than may be loaded, so that they would push each other out.
            Exception: whatever `check` raises of one, before any is loaded.
        """
        wanted, most = list(dict.fromkeys(map(self.resolve, names))), self._limits.count
        if most is not None and len(wanted) > most:
            raise InputError(
                f"{len(wanted)} avatars are to be loaded at the start, but only {most} may be loaded at once; "
                "preload fewer or raise the limit."
            )
        if self._check is not None:
            for name in wanted:
                self._check(name)
        return map(self.load, wanted)

    def unload(self, name: str) -> bool:
        """Unload what has this name: now, or when its last lease ends; new requests load it anew.

        Its size is forgotten too, so that another version of it that was refused as too large is tried again.

        Returns:
            Whether it was loaded or being loaded.
        """
        with self._lock:
            was_loaded, closing = self._shelf.unload(self.resolve(name))
        self._close_all(closing)
        return was_loaded

    def unload_idle(self, idle_ms: float) -> list[str]:
        """Unload everything that nobody has used for so long; returns the names."""
        with self._lock:
            closing = self._shelf.unload_idle(self._now_ms() - idle_ms)
        self._close_all(closing)
        return [entry.name for entry in closing]

    def unload_all(self) -> None:
        """Unload everything, as `unload` does."""
        with self._lock:
            names = self._shelf.names()
        for name in names:
            self.unload(name)

    def snapshot(self) -> Snapshot:
        """What is loaded and how it was used, all at the same moment."""
        with self._lock:
            return self._shelf.snapshot()

    def aliases_of(self, name: str) -> list[str]:
        """The other names of what has this name."""
        return sorted(alias for alias, meant in self._aliases.items() if meant == name)

    def resolve(self, name: str) -> str:
        """The name behind an alias; any other name as it is."""
        return self._aliases.get(name, name)

    def _hold(self, name: str, preferred_device: str | None) -> tuple[Entry[T], bool]:
        """An entry with a lease more, loaded; and whether it was loaded before."""
        name = self.resolve(name)
        if self._check is not None and not self._is_here(name):
            self._check(name)  # before room is made: a name that is none must push nobody out
        with self._lock:
            held = self._shelf.hold(name, preferred_device, self._now_ms())
            found = held.entry.value.done()
        if held.new:
            self._fill(held)
        try:
            held.entry.value.result()
        except BaseException:
            self._let_go(held.entry)
            raise
        return held.entry, found

    def _is_here(self, name: str) -> bool:
        with self._lock:
            return self._shelf.has(name)

    def _fill(self, held: Held[T]) -> None:
        entry = held.entry
        try:
            self._close_all(held.closing)
            value = self._load_and_settle(entry)
        except BaseException as error:
            with self._lock:
                self._shelf.drop(entry)
            entry.value.set_exception(error)
        else:
            entry.value.set_result(value)

    def _load_and_settle(self, entry: Entry[T]) -> T:
        began_ms = self._now_ms()
        value = self._load(entry.name, entry.device)
        load_ms = self._now_ms() - began_ms
        try:
            size_bytes = self._measure_bytes(value)
            with self._lock:
                closing = self._shelf.settle(entry, size_bytes, load_ms, self._now_ms(), self._unix_ms())
        except BaseException:
            self._close_one(entry.name, value)
            raise
        fields = {"avatar": entry.name, "device": entry.device.name, "load_ms": round(load_ms, 1)}
        _log.info("loaded", extra=fields)
        self._close_all(closing)
        return value

    def _let_go(self, entry: Entry[T]) -> None:
        with self._lock:
            closing = self._shelf.let_go(entry)
        self._close_all(closing)

    def _close_all(self, entries: Sequence[Entry[T]]) -> None:
        for entry in entries:
            self._close_one(entry.name, entry.value.result())

    def _close_one(self, name: str, value: T) -> None:
        try:
            self._close(value)
        except Exception:  # a request of another avatar must not fail for it
            _log.exception("closing failed", extra={"avatar": name})
        else:
            _log.info("unloaded", extra={"avatar": name})
