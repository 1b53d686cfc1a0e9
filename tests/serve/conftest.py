import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from running import EVERYBODY, Running, running

from lipstream.avatar.eviction import Limits, least_frequently_used
from lipstream.clock import now_ms
from lipstream.errors import AvatarNotFoundError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.batch import Batcher, BatchLimits
from lipstream.pipeline.painting import Workshop
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance
from lipstream.serve.core import Core
from lipstream.serve.live.floor import Live
from lipstream.serve.live.opening import LiveLimits
from lipstream.serve.placement import Device
from lipstream.serve.registry import Registry
from lipstream.serve.rpc import Calls
from lipstream.serve.services import services

MEGABYTE = 2**20


@pytest.fixture
def batcher() -> Iterator[Batcher]:
    with Batcher(BatchLimits(max_batch=8, window_ms=0, max_waiting_frames=64), now_ms) as batcher:
        yield batcher


@pytest.fixture
def registry(tiny: Avatar) -> Registry[Avatar]:
    """Knows the tiny avatar under its own name and as default_model."""

    def load(name: str, _: Device) -> Avatar:
        if name != "tiny":
            raise AvatarNotFoundError(f"There is no avatar {name!r}; known: tiny")
        return tiny

    return Registry(
        load,
        lambda _: None,
        lambda _: MEGABYTE,
        limits=Limits(count=2),
        policy=least_frequently_used(60_000),
        devices=[Device("cpu")],
        now_ms=now_ms,
        unix_ms=lambda: 1_700_000_000_123,
        aliases={"default_model": "tiny"},
    )


@pytest.fixture
def core(registry: Registry[Avatar], batcher: Batcher) -> Core:
    return Core(registry, batcher, now_ms)


@pytest.fixture
def avatars(registry: Registry[Avatar]) -> Avatars:
    return Avatars(registry, lambda: {"tiny": None, "other": None})


@pytest.fixture
def live(registry: Registry[Avatar], batcher: Batcher) -> Iterator[Live]:
    """Sessions of the tiny avatar in real time that paint every picture, on a slow machine too; for one event loop."""
    with ThreadPoolExecutor(2) as threads, ThreadPoolExecutor(2) as loaders:
        yield Live(registry, Workshop(batcher, threads, now_ms), loaders, LiveLimits(adaptive=False))


@pytest.fixture
def home(tiny_path: Path, tmp_path: Path) -> Path:
    """Where the tiny avatar is installed."""
    shutil.copytree(tiny_path, tmp_path / "avatars" / "tiny")
    return tmp_path


@pytest.fixture
def served(core: Core, avatars: Avatars, live: Live, home: Path) -> Iterator[Running]:
    """A gRPC server with every wire, on a port of this machine."""
    with ThreadPoolExecutor(8) as workers:
        calls = Calls(workers, Allowance(400 * MEGABYTE), EVERYBODY.admit)
        with running(calls, services("all", core, avatars, live, home=home)) as server:
            yield server
