"""A key of the reference system's config.yaml in, the key that means the same here out, or why there is none."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Renamed:
    """A key of old that still means something."""

    key: str
    """What it is called here."""
    convert: Callable[[object], object] = lambda value: value
    """From the old value to ours; raises ValueError with what was expected."""


def _port(value: object) -> object:
    """`:50053` or `50053`; an address belongs into another key here."""
    text = str(value).removeprefix(":")
    if not text.isdigit():
        raise ValueError("expected :PORT; the address goes into server.host")
    return int(text)


def _megabytes(value: object) -> object:
    """Gigabytes as the whole megabytes that hold them."""
    try:
        return int(float(str(value)) * 1024)
    except (ValueError, OverflowError) as error:
        raise ValueError("expected a number of GB") from error


RENAMED = {
    "server.port": Renamed("server.grpc_port", _port),
    "server.max_message_size_mb": Renamed("server.max_message_mb"),
    "gpus.assignment_strategy": Renamed("devices.assignment_strategy"),
    "capacity.max_models": Renamed("registry.max_models"),
    "capacity.max_memory_gb": Renamed("registry.max_memory_mb", _megabytes),
    "capacity.eviction_policy": Renamed("registry.eviction_policy"),
    "capacity.idle_timeout_minutes": Renamed("registry.idle_timeout_minutes"),
    "logging.log_level": Renamed("logging.level"),
}
"""output.format, output.jpeg_quality and logging.sample_rate are called here what they were called there."""

_MEASURED = "every stage is measured always; see /metrics, and logging.slow_request_ms for the slow ones"
_QUEUED = "logs always go through a queue that no request waits for"
_THREADS = "each engine chooses its own threads"

DROPPED = {
    "server.worker_count_per_gpu": "clients share calls of one network (batching.max_batch); for copies of it "
    "set devices.workers",
    "server.queue_size": "the queue is bounded in time; set batching.max_queue_ms",
    "gpus.enabled": "name the devices in devices.names: [cuda], or [cpu] for none",
    "gpus.count": "name the devices in devices.names: [cuda:0, cuda:1]",
    "gpus.memory_gb_per_gpu": "memory is measured; its limit is registry.max_memory_mb",
    "gpus.allow_multi_gpu_models": "an avatar's network always fits one device",
    "capacity.background_cache_frames": "pictures are decoded as they are shown, within a fixed 200 MB an avatar",
    "onnx": f"{_THREADS}, and libraries are found by Python; choose with devices.engine",
    "logging.log_inference_times": _MEASURED,
    "logging.log_compositing_times": _MEASURED,
    "logging.log_gpu_utilization": _MEASURED,
    "logging.log_cache_stats": _MEASURED,
    "logging.save_debug_files": "sound and pictures of users are never written",
    "logging.buffered_logging": _QUEUED,
    "logging.auto_flush": _QUEUED,
    "logging.flush_interval_ms": _QUEUED,
    "models_root": "avatars lie in the folder avatars of LIPSTREAM_HOME",
    "models": "an avatar says itself what it holds; install it, and name those to load at once in registry.preload",
}
"""Why a key, or all below it, means nothing here; a clause that follows `is not used here:`."""


def dropped_key(key: str) -> str | None:
    """The dotted key itself, or the tree it is in, if that means nothing here; the reason is in DROPPED."""
    tree = key.split(".", maxsplit=1)[0]
    return next((name for name in (key, tree) if name in DROPPED), None)
