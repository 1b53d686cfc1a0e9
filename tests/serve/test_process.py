import asyncio
import os
import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from lipstream.errors import AvatarNotFoundError, OutputError
from lipstream.pipeline.avatar import Avatar
from lipstream.serve.live.floor import Live
from lipstream.serve.process import Process
from lipstream.serve.registry import Registry

PATIENCE_S = 20


@dataclass
class FakeWire:
    """Notes what it is told; drains when it is let, or at once if it may take no time."""

    where: str
    told: list[str]
    fails: bool = False
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    drained: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        if self.fails:
            raise OutputError(f"{self.where} is taken")
        self.told.append(f"{self.where} starts")

    async def ready(self) -> None:
        self.told.append(f"{self.where} is ready")

    async def unready(self) -> None:
        self.told.append(f"{self.where} is ready no more")

    async def drain(self, grace_s: float) -> None:
        self.told.append(f"{self.where} drains in {grace_s:g} s")
        self.draining.set()
        if grace_s:
            await self.drained.wait()


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as workers:
        yield workers


def run(process: Process, told: list[str], act: Callable[[asyncio.Event], object] | None = None) -> None:
    """Run it, and do something once it is ready."""

    async def wait() -> None:
        stop = asyncio.Event()

        def say(line: str) -> None:
            told.append(line)
            if line == "ready" and act is not None:
                asyncio.get_running_loop().call_soon(act, stop)

        async with asyncio.timeout(PATIENCE_S):
            await process.run(say, stop)

    asyncio.run(wait())


def test_it_listens_loads_serves_and_drains_in_this_order(
    registry: Registry[Avatar], workers: ThreadPoolExecutor, live: Live
) -> None:
    told: list[str] = []
    wire = FakeWire("a door", told)
    wire.drained.set()
    process = Process([wire], registry, workers, ["default_model"], 3, None, ["what it is"], live)
    run(process, told, asyncio.Event.set)
    loaded = told.pop(3)
    assert re.fullmatch(r"tiny loaded in \d+\.\d s, 1 MB: fast (f32|bf16) by openvino on cpu", loaded)
    assert told == [
        "what it is",
        "a door starts",
        "listening: a door",
        "live sessions: at most 100 at once",
        "a door is ready",
        "ready",
        "stopping: what is under way has 3 s to end",
        "a door is ready no more",
        "a door drains in 3 s",
        "a door drains in 0 s",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_wait(
    registry: Registry[Avatar], workers: ThreadPoolExecutor, number: signal.Signals
) -> None:
    told: list[str] = []
    wires = [FakeWire("one", told), FakeWire("two", told)]

    async def twice() -> None:
        os.kill(os.getpid(), number)
        await asyncio.gather(*(wire.draining.wait() for wire in wires))
        os.kill(os.getpid(), number)

    tasks: list[asyncio.Task[None]] = []
    before = signal.getsignal(number)
    process = Process(wires, registry, workers, [], 600, None)
    run(process, told, lambda _: tasks.append(asyncio.get_running_loop().create_task(twice())))
    assert told[-4:] == ["one drains in 600 s", "two drains in 600 s", "one drains in 0 s", "two drains in 0 s"]
    assert signal.getsignal(number) == before


def test_whatever_listens_is_closed_when_another_door_is_taken(
    registry: Registry[Avatar], workers: ThreadPoolExecutor
) -> None:
    told: list[str] = []
    wires = [FakeWire("one", told), FakeWire("two", told, fails=True)]
    with pytest.raises(OutputError, match="two is taken"):
        run(Process(wires, registry, workers, [], 3, None), told)
    assert told == ["one starts", "listening: one", "one drains in 0 s", "two drains in 0 s"]


def test_an_avatar_that_cannot_be_loaded_ends_it(registry: Registry[Avatar], workers: ThreadPoolExecutor) -> None:
    told: list[str] = []
    with pytest.raises(AvatarNotFoundError, match="'nobody'"):
        run(Process([FakeWire("one", told)], registry, workers, ["tiny", "nobody"], 3, None), told)
    assert "ready" not in told
    assert told[-1] == "one drains in 0 s"


def test_what_idles_is_unloaded(
    registry: Registry[Avatar], workers: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lipstream.serve.process.IDLE_CHECK_S", 0)
    unloaded: list[float] = []

    def unload_idle(idle_ms: float) -> list[str]:
        unloaded.append(idle_ms)
        stops[0].set()
        return ["tiny"]

    stops: list[asyncio.Event] = []
    monkeypatch.setattr(registry, "unload_idle", unload_idle)
    wire = FakeWire("one", [])
    wire.drained.set()
    run(Process([wire], registry, workers, [], 0, 5000), [], stops.append)
    assert unloaded[0] == 5000
