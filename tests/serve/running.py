"""A gRPC server on an event loop of its own, for clients that block."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from lipstream.clock import now_ms
from lipstream.serve.access import Guard
from lipstream.serve.listening import GrpcServer, Listening
from lipstream.serve.quotas import Quotas
from lipstream.serve.rpc import Calls
from lipstream.serve.tokens import Tokens

_T = TypeVar("_T")
PATIENCE_S = 20
EVERYBODY = Guard(None, Tokens(), Quotas(), now_ms)
OPTIONS = (("grpc.max_receive_message_length", 2**30), ("grpc.max_send_message_length", 2**30))


@dataclass(frozen=True, eq=False)
class Running:
    """A server that listens."""

    server: GrpcServer
    loop: asyncio.AbstractEventLoop
    channel: grpc.Channel

    def wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_S)


@contextmanager
def running(
    calls: Calls, services: Mapping[ServiceDescriptor, object], listening: Listening | None = None
) -> Iterator[Running]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def begin() -> GrpcServer:
        server = GrpcServer(listening or Listening(ports=[0]), calls, services)
        await server.start()
        await server.ready()
        return server

    try:
        server = asyncio.run_coroutine_threadsafe(begin(), loop).result(PATIENCE_S)
        with grpc.insecure_channel(f"127.0.0.1:{server.ports[0]}", OPTIONS) as channel:
            one = Running(server, loop, channel)
            yield one
        one.wait(server.drain(1))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()
