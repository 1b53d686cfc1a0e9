"""A loaded network in, the same out, telling how long each of its runs takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from lipstream.runtime.engines import LoadedEngine
from lipstream.runtime.networks import SpeechEngines
from lipstream.types import Float32


@dataclass(frozen=True, eq=False)
class Timed:
    """A network on an engine."""

    engine: LoadedEngine
    """Runs it."""
    ran: Callable[[float], None]
    """Told of every run's ms, by whatever thread made it."""
    now_ms: Callable[[], float]
    """A monotonic clock."""

    @property
    def name(self) -> str:
        """The engine's."""
        return self.engine.name

    @property
    def device(self) -> str:
        """The engine's."""
        return self.engine.device

    @property
    def precision(self) -> str:
        """The engine's."""
        return self.engine.precision

    def run(self, inputs: Mapping[str, Float32]) -> Mapping[str, Float32]:
        """Run a batch."""
        began_ms = self.now_ms()
        outputs = self.engine.run(inputs)
        self.ran(self.now_ms() - began_ms)
        return outputs


def timed(networks: SpeechEngines, ran: Callable[[str, float], None], now_ms: Callable[[], float]) -> SpeechEngines:
    """The networks that all avatars share, timed.

    Args:
        networks: the speech encoder and articulation.
        ran: told of every run, the network's name (`encoder`, `articulation`) and its ms.
        now_ms: a monotonic clock.
    """
    return replace(
        networks,
        encoder=Timed(networks.encoder, partial(ran, "encoder"), now_ms),
        articulation=Timed(networks.articulation, partial(ran, "articulation"), now_ms),
    )
