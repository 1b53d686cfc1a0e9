"""Plain objects and their services in, a gRPC server that listens and drains out, with health and reflection."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from lipstream.errors import OutputError
from lipstream.serve.rpc import Calls

KEEPALIVE = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
"""The reference's, which its clients are tuned to."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a gRPC server listens."""

    host: str = "127.0.0.1"
    """Address."""
    ports: Sequence[int] = (50051, 50053)
    """TCP ports; 0 takes a free one."""
    max_message_bytes: int = 200 * 2**20
    """The largest message, in either direction."""
    credentials: grpc.ServerCredentials | None = None
    """TLS; none speaks plain text."""


class GrpcServer:
    """All gRPC services of one process, on all its ports."""

    def __init__(self, listening: Listening, calls: Calls, services: Mapping[ServiceDescriptor, object]) -> None:
        """Prepare; nothing listens yet.

        Args:
            listening: where.
            calls: makes handlers of objects.
            services: each service and the object that answers it.
        """
        self._listening, self._calls, self._services = listening, calls, services
        self._health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None
        self.ports: tuple[int, ...] = ()

    @property
    def where(self) -> str:
        """Where it listens, for people to read."""
        secured = "" if self._listening.credentials is None else " (TLS)"
        return f"gRPC{secured} {', '.join(f'{bracketed(self._listening.host)}:{port}' for port in self.ports)}"

    async def start(self) -> None:
        """Listen, not yet serving as far as the health service says.

        Raises:
            OutputError: a port is taken, or the address is not this machine's.
        """
        grpc.aio.init_grpc_aio()  # held for good: what ends with the last server crashes where its loop is gone already
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)
        self._server = self._open()  # here, for it belongs to the event loop that runs
        self.ports = tuple(self._bind(self._server, port) for port in self._listening.ports)
        await self._server.start()

    def _open(self) -> grpc.aio.Server:
        limit = self._listening.max_message_bytes
        sizes = (("grpc.max_receive_message_length", limit), ("grpc.max_send_message_length", limit))
        server = grpc.aio.server(options=(*KEEPALIVE, *sizes, ("grpc.so_reuseport", 0)))
        server.add_generic_rpc_handlers([self._calls.handler(*pair) for pair in self._services.items()])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (service.full_name for service in self._services)
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
        return server

    def _bind(self, server: grpc.aio.Server, port: int) -> int:
        address, credentials = f"{bracketed(self._listening.host)}:{port}", self._listening.credentials
        try:
            if credentials is None:
                return server.add_insecure_port(address)
            return server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise OutputError(
                f"gRPC cannot listen on {address}: the port is taken or the address is not this machine's; "
                "choose others with --grpc-port and --host"
            ) from error

    async def ready(self) -> None:
        """Say that every service is served."""
        await self._say(health_pb2.HealthCheckResponse.SERVING)

    async def unready(self) -> None:
        """Say that nothing is served, and serve on."""
        await self._health.enter_graceful_shutdown()

    async def drain(self, grace_s: float) -> None:
        """Say that nothing is served, take no new calls, and let those under way end within `grace_s` seconds."""
        await self.unready()
        self._calls.underway.stopping.set()
        if self._server is None:
            return
        stopped = asyncio.ensure_future(self._server.stop(grace_s))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._calls.underway.idle(), grace_s)
        await self._server.stop(None)  # those who watch its health would stay as long as they may
        await stopped

    async def _say(self, status: int) -> None:
        for name in ("", *(service.full_name for service in self._services)):
            await self._health.set(name, status)


def bracketed(host: str) -> str:
    """An address as it stands before a colon and a port: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
