"""Live sessions of the tiny avatar at a time that only tests move, without threads, and who listens to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from fake_stream import FakeTime, InlineBatcher, InlineWorkers, settle
from prometheus_client import CollectorRegistry

from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.painting import Workshop
from lipstream.pipeline.playout import Event
from lipstream.pipeline.session import StreamFrame, StreamSettings
from lipstream.serve.live.floor import DEFAULT_LIMITS, Live
from lipstream.serve.live.metrics import LiveMetrics
from lipstream.serve.live.opening import LiveLimits, Opening, Transport
from lipstream.serve.live.session import Session
from lipstream.serve.registry import Registry
from lipstream.types import Pcm

LIVE = StreamSettings()


@dataclass(eq=False)
class Visitor:
    """Who opened a session, and what came."""

    session: Session
    time: FakeTime
    items: list[StreamFrame | Event] = field(default_factory=list)
    error: Exception | None = None
    listening: "asyncio.Task[None] | None" = None

    async def listen(self) -> None:
        try:
            async for item in self.session:
                self.items.append(item)
        except Exception as error:
            self.error = error

    async def speak(self, pcm: Pcm, *, piece_ms: int = 20) -> None:
        """Push in real time."""
        piece_samples = self.session.settings.sample_rate_hz * piece_ms // 1000
        for start in range(0, len(pcm), piece_samples):
            await self.time.pass_ms(piece_ms)
            await self.session.push(pcm[start : start + piece_samples])

    @property
    def frames(self) -> list[StreamFrame]:
        return [item for item in self.items if isinstance(item, StreamFrame)]

    @property
    def events(self) -> list[Event]:
        return [item for item in self.items if isinstance(item, Event)]

    @property
    def sound(self) -> Pcm:
        """What the speaker said, without fillers."""
        said = [frame.audio[: frame.samples] for frame in self.frames]
        return np.concatenate([np.zeros(0, np.float32), *said])


class FakeFloor:
    """A floor and everything under it."""

    def __init__(self, registry: Registry[Avatar], limits: LiveLimits = DEFAULT_LIMITS) -> None:
        self.time, self.batcher, self.figures = FakeTime(), InlineBatcher(), CollectorRegistry()
        workshop = Workshop(self.batcher, InlineWorkers(), self.time.now_ms, self.time.sleep)
        self._registry = registry
        self.live = Live(registry, workshop, InlineWorkers(), limits, LiveMetrics(self.figures))

    @asynccontextmanager
    async def visitor(
        self,
        *,
        avatar: str = "tiny",
        settings: StreamSettings = LIVE,
        client: str = "somebody",
        transport: Transport = "grpc",
        listens: bool = True,
    ) -> AsyncIterator[Visitor]:
        """A session that somebody listens to, unless told otherwise; it is closed at the end."""
        async with self.live.open(Opening(avatar, settings, client, transport)) as session:
            visitor = Visitor(session, self.time)
            if listens:
                visitor.listening = asyncio.create_task(visitor.listen())
                await settle()
            yield visitor
        if visitor.listening is not None:
            await visitor.listening

    @property
    def in_use(self) -> int:
        """Leases of the tiny avatar."""
        used = self._registry.snapshot().of("tiny")
        return used.in_use if used else 0

    def figure(self, name: str, **labels: str) -> float:
        """What a metric says; 0 where it says nothing."""
        return self.figures.get_sample_value(name, labels) or 0.0
