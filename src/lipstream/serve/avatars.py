"""Names in, which avatars there are, which are loaded and how they were used out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lipstream.errors import AvatarNotFoundError
from lipstream.pipeline.avatar import Avatar
from lipstream.serve.registry import Registry
from lipstream.serve.usage import NameStatistics, Snapshot

NOWHERE = NameStatistics(
    name="",
    loaded=False,
    device=None,
    size_bytes=0,
    in_use=0,
    requests=0,
    found_requests=0,
    frames=0,
    timed_requests=0,
    generator_ms=0.0,
    last_used_unix_ms=None,
    loads=0,
    evictions=0,
    load_ms=0.0,
    loaded_unix_ms=None,
    fastest_ms=0.0,
    slowest_ms=0.0,
)
"""What is said of an avatar that was never loaded."""


@dataclass(frozen=True, eq=False)
class Avatars:
    """The avatars that this server can show."""

    registry: Registry[Avatar]
    """Those that are loaded."""
    known: Callable[[], Mapping[str, object]]
    """All that can be named, by name: installed and built in."""
    devices: frozenset[str] = frozenset()
    """Names of the devices that networks may run on."""

    def statistics(self) -> tuple[Snapshot, dict[str, NameStatistics]]:
        """The registry's snapshot, and what is said of every avatar, the known ones that were never loaded included."""
        snapshot = self.registry.snapshot()
        used = {one.name: one for one in snapshot.names}
        return snapshot, {name: used.get(name, NOWHERE) for name in sorted({*used, *self.known()})}

    def named(self, name: str) -> NameStatistics:
        """What is said of one avatar.

        Raises:
            AvatarNotFoundError: there is none of that name.
        """
        _, statistics = self.statistics()
        if (resolved := self.registry.resolve(name)) not in statistics:
            raise AvatarNotFoundError(f"There is no avatar {name[:80]!r}; known: {', '.join(statistics)}")
        return statistics[resolved]

    def load(self, name: str, gpu: int = -1) -> NameStatistics:
        """Load an avatar, on the GPU of that number if there is one; raises what `Registry.lease` raises."""
        return self.registry.load(name, next((one for one in self.gpus if gpu_of(one) == gpu), None))

    @property
    def gpus(self) -> list[str]:
        """Names of the devices that are GPUs, by number."""
        return sorted((device for device in self.devices if gpu_of(device) >= 0), key=gpu_of)

    def is_loaded(self, name: str) -> bool:
        """Whether an avatar is loaded."""
        used = self.registry.snapshot().of(self.registry.resolve(name))
        return used is not None and used.loaded

    def gpu(self, name: str) -> int:
        """The number of the GPU that shows an avatar, -1 for none."""
        used = self.registry.snapshot().of(self.registry.resolve(name))
        return gpu_of(used.device if used else None)

    def unload(self, name: str) -> None:
        """Unload an avatar.

        Raises:
            AvatarNotFoundError: it is not loaded.
        """
        if not self.registry.unload(name):
            raise AvatarNotFoundError(f"avatar {name!r} is not loaded; there is nothing to unload")


def gpu_of(device: str | None) -> int:
    """The number of a GPU: 1 of `cuda:1`, 0 of `cuda`; -1 of anything else."""
    if device is None or not device.startswith("cuda"):
        return -1
    return int(device.partition(":")[2] or 0)
