"""What a server does in, figures as Prometheus reads them out; docs/metrics.md says what each means.

What the batcher and the registry count themselves is read when somebody asks, so that it is the same in every answer.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

from lipstream.pipeline.batch import BatchStats
from lipstream.serve.answered import Answered
from lipstream.serve.gpus import Gpu
from lipstream.serve.usage import Snapshot

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
FRAMES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The figures of one server; every method may be called from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        """All of them; others may add theirs."""
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "lipstream_requests", "Requests that are over.", ("service", "method", "status"), registry=self.registry
        )
        self._frames = Counter("lipstream_frames", "Pictures finished.", registry=self.registry)
        self._durations = self._seconds(
            "lipstream_request_duration_seconds", "Requests, from arrival to last answer.", ("service", "method")
        )
        self._stages = self._seconds(
            "lipstream_request_stage_seconds", "Parts of the requests that show an avatar.", ("stage",)
        )
        self._waits = self._seconds("lipstream_generator_queue_wait_seconds", "Mean wait of the frames of a run.")
        self._runs = self._seconds("lipstream_generator_run_seconds", "Runs of a generator.")
        self._speech = self._seconds("lipstream_speech_run_seconds", "Runs of the speech networks.", ("network",))
        self._batches = Histogram(
            "lipstream_generator_batch_frames", "Frames of a run.", buckets=FRAMES, registry=self.registry
        )

    def answered(self, answered: Answered) -> None:
        """Count a request that is over and where its time went; an observer of every wire."""
        self._requests.labels(answered.service, answered.method, answered.status).inc()
        self._durations.labels(answered.service, answered.method).observe(answered.duration_ms / 1000)
        self._frames.inc(answered.spent.frames)
        for name, taken in asdict(answered.spent).items():
            if name.endswith("_ms") and taken:
                self._stages.labels(name.removesuffix("_ms")).observe(taken / 1000)

    def ran(self, frames: int, wait_ms: float, run_ms: float) -> None:
        """Count a run of a generator; for `Batcher`."""
        self._batches.observe(frames)
        self._waits.observe(wait_ms / 1000)
        self._runs.observe(run_ms / 1000)

    def heard(self, network: str, run_ms: float) -> None:
        """Count a run of a speech network, `encoder` or `articulation`; for `timed`."""
        self._speech.labels(network).observe(run_ms / 1000)

    def watch_batches(self, stats: Callable[[], BatchStats]) -> None:
        """Tell what a batcher counts."""
        self.registry.register(_Read(lambda: _of_batches(stats())))

    def watch_avatars(self, snapshot: Callable[[], Snapshot]) -> None:
        """Tell what a registry counts."""
        self.registry.register(_Read(lambda: _of_avatars(snapshot())))

    def watch_bytes(self, held_bytes: Callable[[], int]) -> None:
        """Tell how many bytes the requests under way hold."""
        family = "lipstream_request_held_bytes", "Bytes that the requests under way hold."
        self.registry.register(_Read(lambda: [GaugeMetricFamily(*family, held_bytes())]))

    def watch_gpus(self, gpus: Callable[[], Iterable[Gpu]]) -> None:
        """Tell what graphics cards do."""
        self.registry.register(_Read(lambda: _of_gpus(gpus())))

    def watch_log(self, lost_lines: Callable[[], int]) -> None:
        """Tell how many lines of the log found no room."""
        family = "lipstream_log_lines_lost", "Lines of the log that found no room."
        self.registry.register(_Read(lambda: [CounterMetricFamily(*family, lost_lines())]))

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """All figures as they are now.

        Args:
            accept: the header of that name, which chooses between the formats of Prometheus.

        Returns:
            The text and its media type.
        """
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type

    def _seconds(self, name: str, meaning: str, labels: tuple[str, ...] = ()) -> Histogram:
        return Histogram(name, meaning, labels, buckets=SECONDS, registry=self.registry)


@dataclass(frozen=True, eq=False)
class _Read:
    """Figures that are read when they are asked for."""

    collect: Callable[[], Iterable[Metric]]


def _of_batches(stats: BatchStats) -> Iterator[Metric]:
    yield CounterMetricFamily("lipstream_generator_frames", "Frames painted.", stats.frames)
    yield CounterMetricFamily("lipstream_generator_runs", "Runs of a generator.", stats.batches)
    yield CounterMetricFamily(
        "lipstream_generator_frames_refused", "Frames refused, too many waited.", stats.refused_frames
    )
    yield GaugeMetricFamily("lipstream_generator_queue_frames", "Frames that wait.", stats.waiting_frames)


def _of_gpus(gpus: Iterable[Gpu]) -> Iterator[Metric]:
    labels = ["gpu", "name"]
    busy = GaugeMetricFamily("lipstream_gpu_busy_ratio", "Part of the time in which it works.", labels=labels)
    used = GaugeMetricFamily("lipstream_gpu_memory_used_bytes", "Its memory that is in use.", labels=labels)
    memory = GaugeMetricFamily("lipstream_gpu_memory_bytes", "All of its memory.", labels=labels)
    for gpu in gpus:
        called = [str(gpu.index), gpu.name]
        if gpu.busy is not None:
            busy.add_metric(called, gpu.busy)
        used.add_metric(called, gpu.used_bytes)
        memory.add_metric(called, gpu.memory_bytes)
    yield from (busy, used, memory)


def _of_avatars(snapshot: Snapshot) -> Iterator[Metric]:
    yield GaugeMetricFamily("lipstream_avatars_loaded", "Avatars in memory.", snapshot.loaded)
    yield GaugeMetricFamily("lipstream_avatars_memory_bytes", "Memory of all avatars.", snapshot.size_bytes)
    requests = CounterMetricFamily("lipstream_avatar_requests", "Requests that got this avatar.", labels=["avatar"])
    painting = CounterMetricFamily(
        "lipstream_avatar_generator_seconds", "Time that requests waited for its generator.", labels=["avatar"]
    )
    loads = CounterMetricFamily("lipstream_avatar_loads", "Times it was loaded.", labels=["avatar"])
    evictions = CounterMetricFamily("lipstream_avatar_evictions", "Times it made room for another.", labels=["avatar"])
    uses = GaugeMetricFamily("lipstream_avatar_uses", "Requests and sessions that use it.", labels=["avatar"])
    memory = GaugeMetricFamily("lipstream_avatar_memory_bytes", "Memory it takes.", labels=["avatar", "device"])
    for one in snapshot.names:
        requests.add_metric([one.name], one.requests)
        painting.add_metric([one.name], one.generator_ms / 1000)
        loads.add_metric([one.name], one.loads)
        evictions.add_metric([one.name], one.evictions)
        uses.add_metric([one.name], one.in_use)
        if one.loaded:
            memory.add_metric([one.name, one.device or ""], one.size_bytes)
    yield from (requests, painting, loads, evictions, uses, memory)
