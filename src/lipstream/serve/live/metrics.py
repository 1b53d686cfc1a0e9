"""What live sessions do in, figures as Prometheus reads them out; docs/metrics.md says what each means."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.metrics_core import GaugeMetricFamily

from lipstream.pipeline.playout import Event, Interrupted, Underrun
from lipstream.pipeline.session import Passed
from lipstream.serve.live.latency import stages_of
from lipstream.serve.live.opening import Floor, Stage
from lipstream.serve.live.pressure import LATE_MS
from lipstream.types import SAMPLE_RATE_HZ

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.3, 0.4, 0.6, 1, 2, 5, 10)


class LiveMetrics:
    """The figures of all sessions of one process; used on their event loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._openings = self._counter("lipstream_live_openings", "Sessions asked for.", "transport", "outcome")
        self._frames = self._counter("lipstream_live_frames", "Frames taken from sessions.", "kind")
        self._late = self._counter("lipstream_live_frames_late", "Frames finished more than 40 ms too late.")
        self._repeated = self._counter("lipstream_live_frames_repeated", "Frames that repeat a picture.")
        self._underruns = self._counter("lipstream_live_underruns", "Times that sound came too late.")
        self._skipped = self._counter("lipstream_live_skipped_seconds", "Sound left out because it was late.")
        self._interruptions = self._counter("lipstream_live_interruptions", "Interruptions that were told of.")
        self._stages = Histogram(
            "lipstream_live_stage_seconds", "Stations of a frame.", ("stage",), buckets=SECONDS, registry=registry
        )

    def opened(self, transport: str) -> None:
        """Count a session that was opened."""
        self._openings.labels(transport, "opened").inc()

    def refused(self, transport: str) -> None:
        """Count one for which there was no room."""
        self._openings.labels(transport, "refused").inc()

    def showed(self, passed: Passed) -> None:
        """Count a frame that was taken."""
        self._frames.labels("filler" if passed.came_ms is None else "speech").inc()
        self._late.inc(passed.late_ms > LATE_MS)
        self._repeated.inc(passed.repeated)
        self._skipped.inc(passed.skipped_samples / SAMPLE_RATE_HZ)
        self.left(stages_of(passed))

    def told(self, event: Event) -> None:
        """Count what happened."""
        self._underruns.inc(isinstance(event, Underrun))
        self._interruptions.inc(isinstance(event, Interrupted))

    def left(self, stages: Mapping[Stage, float]) -> None:
        """Count what a frame took at some stations, in ms."""
        for stage, ms in stages.items():
            self._stages.labels(stage).observe(ms / 1000)

    def watch(self, floor: Callable[[], Floor]) -> None:
        """Tell what is open, whenever somebody asks."""
        self._registry.register(_Read(lambda: _of_floor(floor())))

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self._registry)


@dataclass(frozen=True, eq=False)
class _Read:
    """Figures that are read when they are asked for."""

    collect: Callable[[], Iterator[Metric]]


def _of_floor(floor: Floor) -> Iterator[Metric]:
    open_now = GaugeMetricFamily("lipstream_live_sessions", "Sessions that are open.", labels=["transport", "state"])
    for (transport, state), count in floor.sessions.items():
        open_now.add_metric([transport, state], count)
    yield open_now
    yield GaugeMetricFamily("lipstream_live_sessions_most", "Sessions that may be open.", floor.most)
    yield GaugeMetricFamily("lipstream_live_sessions_slowed", "Sessions at half the frame rate.", floor.slowed)
    yield GaugeMetricFamily("lipstream_live_quality_low", "1 while smaller networks paint.", int(floor.low))
    yield GaugeMetricFamily("lipstream_live_viewers", "Who watch a session of somebody else.", floor.viewers)
