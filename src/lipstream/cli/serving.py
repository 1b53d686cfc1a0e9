"""A checked configuration in, everything of one serving process put together out."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import lipstream
from lipstream.avatar.bundle import open_speech
from lipstream.avatar.eviction import Limits, policy_named
from lipstream.avatar.registry import list_avatars, speech_folder
from lipstream.cli import files
from lipstream.cli.files import MEGABYTE
from lipstream.cli.webrtc import webrtc_settings
from lipstream.clock import now_ms, unix_ms
from lipstream.config import Config
from lipstream.config.server import ServerConfig, is_loopback
from lipstream.pipeline.avatar import Avatar, open_avatar
from lipstream.pipeline.batch import Batcher, BatchLimits
from lipstream.pipeline.painting import Workshop
from lipstream.runtime.networks import SpeechEngines, load_speech
from lipstream.serve.access import Guard
from lipstream.serve.answered import Answered, RequestLog
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance
from lipstream.serve.core import Core
from lipstream.serve.gpus import gpu_reader
from lipstream.serve.http.app import Parts, compat_app, http_app
from lipstream.serve.http.incoming import HttpLimits
from lipstream.serve.listening import GrpcServer, Listening
from lipstream.serve.live.floor import Live
from lipstream.serve.live.metrics import LiveMetrics
from lipstream.serve.live.opening import LiveLimits
from lipstream.serve.loading import Loader
from lipstream.serve.logs import queued_logs
from lipstream.serve.metrics import Metrics
from lipstream.serve.names import bundle_of
from lipstream.serve.origins import Origins
from lipstream.serve.placement import Device
from lipstream.serve.process import Listener, Process
from lipstream.serve.quotas import Quotas
from lipstream.serve.registry import Registry
from lipstream.serve.remote import Remote, connected
from lipstream.serve.rpc import CallLimits, Calls
from lipstream.serve.services import services
from lipstream.serve.timed import timed
from lipstream.serve.tls import Material, grpc_credentials, http_context
from lipstream.serve.tokens import Tokens
from lipstream.serve.web import HttpServer
from lipstream.types import FRAME_MS

MINUTE_MS = 60_000


@contextmanager
def open_process(config: ServerConfig, home: Config) -> Iterator[Process]:
    """Put a serving process together; nothing listens yet.

    Args:
        config: what to serve, where and how.
        home: where avatars are installed.

    Yields:
        The process, to run; its threads end with the `with` block.

    Raises:
        LipstreamError: the speech networks, keys or certificates cannot be used.
    """
    with ExitStack() as stack:
        metrics = Metrics()
        lines = stack.enter_context(queued_logs(config.logging.level, config.logging.format))
        metrics.watch_log(lambda: lines.lost_lines)
        workers = stack.enter_context(ThreadPoolExecutor(_workers(config), thread_name_prefix="lipstream-worker"))
        limits, copies = _batch_limits(config), config.devices.workers
        batcher = stack.enter_context(Batcher(limits, now_ms, workers=copies, observe=metrics.ran))
        networks = timed(load_speech(open_speech(speech_folder()), engine=config.devices.engine), metrics.heard, now_ms)
        devices = _devices(config, networks)
        registry = _registry(config, home, networks, devices)
        stack.callback(registry.unload_all)
        core = Core(registry, batcher, now_ms, config.server.max_audio_s)
        workshop, live_metrics = stack.enter_context(_workshop(batcher)), LiveMetrics(metrics.registry)
        live = Live(registry, workshop, workers, _live_limits(config), live_metrics)
        avatars = Avatars(registry, lambda: {one.name: None for one in list_avatars(home.home)}, frozenset(devices))
        allowance = Allowance(config.server.max_bytes_in_flight_mb * MEGABYTE)
        metrics.watch_batches(batcher.stats)
        metrics.watch_avatars(registry.snapshot)
        metrics.watch_bytes(lambda: allowance.held_bytes)
        metrics.watch_gpus(gpu_reader())
        observers = (metrics.answered, RequestLog(config.logging.slow_request_ms, config.logging.sample_rate))
        guard = Guard(files.key_file(config), Tokens(), Quotas(), now_ms)
        shared = _Shared(
            core, avatars, live, registry, workers, guard, allowance, metrics, observers, files.material(config)
        )
        way = files.way(config)
        remote = stack.enter_context(connected(way, registry, now_ms)) if way is not None else None
        listeners: list[Listener] = [_grpc(config, home, shared, remote), *_http(config, home, shared)]
        idle_ms = config.registry.idle_timeout_minutes * MINUTE_MS or None
        notes = tuple(_notes(config, home, networks, shared.material))
        preload, held_live = config.registry.preload, live if config.server.role == "all" else None
        yield Process(listeners, registry, workers, preload, config.server.drain_s, idle_ms, notes, held_live)


@dataclass(frozen=True, eq=False)
class _Shared:
    """What both listeners of a process use."""

    core: Core
    avatars: Avatars
    live: Live
    registry: Registry[Avatar]
    workers: Executor
    guard: Guard
    allowance: Allowance
    metrics: Metrics
    observers: tuple[Callable[[Answered], None], ...]
    material: Material | None


def _grpc(config: ServerConfig, home: Config, shared: _Shared, remote: Remote | None) -> GrpcServer:
    calls = Calls(
        shared.workers,
        shared.allowance,
        shared.guard.admit,
        shared.observers,
        limits=CallLimits(most=config.server.max_calls),
    )
    served = services(
        config.server.role,
        shared.core,
        shared.avatars,
        shared.live,
        home=home.home,
        jpeg_quality=config.output.jpeg_quality,
        raw=config.output.format == "raw",
        max_audio_s=config.server.max_audio_s,
        quality=config.registry.quality,
        remote=remote,
    )
    return GrpcServer(_listening(config, shared.material), calls, served)


def _http(config: ServerConfig, home: Config, shared: _Shared) -> Iterator[HttpServer]:
    def parts(ready: Callable[[], bool]) -> Parts:
        return Parts(
            core=shared.core,
            avatars=shared.avatars,
            live=shared.live,
            bundle_of=lambda name: bundle_of(shared.registry.resolve(name), home.home),
            workers=shared.workers,
            guard=shared.guard,
            origins=Origins(config.auth.hosts, config.auth.origins),
            allowance=shared.allowance,
            ready=ready,
            exposition=shared.metrics.exposition,
            limits=HttpLimits(config.server.max_message_mb * MEGABYTE, config.server.max_audio_s),
            jpeg_quality=config.output.jpeg_quality,
            observers=shared.observers,
            webrtc=webrtc_settings(config.webrtc, config.server.drain_s),
            speaks=config.server.role != "compositing",
        )

    context, server = http_context(shared.material) if shared.material else None, config.server
    yield HttpServer(lambda ready: http_app(parts(ready)), server.host, server.http_port, context)
    for port in server.compat_port:
        yield HttpServer(lambda ready: compat_app(parts(ready)), server.host, port, context)


def _workers(config: ServerConfig) -> int:
    """Threads: a request spends most of its time waiting for the networks, so there are more than cores."""
    return config.server.workers or 4 * (os.cpu_count() or 1)


@contextmanager
def _workshop(batcher: Batcher) -> Iterator[Workshop]:
    """What live sessions work in: threads of their own, so that no bulk of requests makes them late."""
    with ThreadPoolExecutor(1 + (os.cpu_count() or 1), thread_name_prefix="lipstream-live") as threads:
        yield Workshop(batcher, threads, now_ms)


def _live_limits(config: ServerConfig) -> LiveLimits:
    live = config.live
    return LiveLimits(
        live.max_sessions,
        config.server.max_audio_s * 1000,
        live.idle_timeout_s * 1000 or math.inf,
        live.max_duration_s * 1000 or math.inf,
        live.adaptive,
    )


def _batch_limits(config: ServerConfig) -> BatchLimits:
    batching = config.batching
    return BatchLimits(batching.max_batch, batching.window_ms, max(1, batching.max_queue_ms // FRAME_MS))


def _devices(config: ServerConfig, networks: SpeechEngines) -> dict[str, str]:
    """What each device is called, and what engines know it by: `auto` is called what it turned out to be."""
    return {networks.encoder.device if name == "auto" else name: name for name in config.devices.names}


def _registry(
    config: ServerConfig, home: Config, networks: SpeechEngines, devices: Mapping[str, str]
) -> Registry[Avatar]:
    wanted, chosen, paints = config.registry, config.devices, config.server.role != "compositing"

    def open_one(name: str, device: str) -> Avatar:
        path = bundle_of(name, home.home)
        return open_avatar(
            path,
            networks,
            engine=chosen.engine,
            device=devices[device],
            quality=wanted.quality,
            streams=chosen.workers,
            paints=paints,
        )

    loader = Loader(open_one, paints=paints, copies=chosen.workers)
    return Registry(
        lambda name, device: loader.load(name, device.name),
        lambda _: None,  # an avatar's memory goes with its last reference
        loader.measure_bytes,
        limits=Limits(wanted.max_models, None if wanted.max_memory_mb is None else wanted.max_memory_mb * MEGABYTE),
        policy=policy_named(wanted.eviction_policy, half_life_ms=wanted.half_life_minutes * MINUTE_MS),
        devices=[Device(name) for name in devices],
        now_ms=now_ms,
        unix_ms=unix_ms,
        assignment=chosen.assignment_strategy,
        aliases=wanted.aliases,
        check=lambda name: bundle_of(name, home.home),
    )


def _listening(config: ServerConfig, material: Material | None) -> Listening:
    server = config.server
    credentials = grpc_credentials(material) if material else None
    return Listening(server.host, server.grpc_port, server.max_message_mb * MEGABYTE, credentials)


def _notes(config: ServerConfig, home: Config, networks: SpeechEngines, material: Material | None) -> Iterator[str]:
    registry, server = config.registry, config.server
    names = ", ".join(one.name for one in list_avatars(home.home))
    memory = "" if registry.max_memory_mb is None else f", {registry.max_memory_mb:,} MB"
    yield f"lipstream {lipstream.__version__}, avatars: {names}; at most {registry.max_models} loaded{memory}"
    yield (
        f"speech networks by {networks.encoder.name} on {networks.encoder.device}, batches of up to "
        f"{config.batching.max_batch}, messages of up to {server.max_message_mb} MB"
    )
    if material is not None and config.tls.mode == "self-signed":
        yield f"certificate made for this run, SHA-256 {material.fingerprint}"
    if config.auth.keys_file is None and not is_loopback(server.host):
        yield f"warning: everybody who reaches {server.host} may use this server; --keys asks for keys"
