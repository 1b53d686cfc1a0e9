import asyncio
import http.client
import socket
from collections.abc import Callable

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from lipstream.errors import OutputError
from lipstream.serve.web import HttpServer

PATIENCE_S = 20


def tells_ready(ready: Callable[[], bool]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("ready" if ready() else "not yet")(scope, receive, send)

    return app


def ask(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    finally:
        connection.close()


def test_it_listens_before_it_is_ready_and_not_after_it_drained() -> None:
    async def visit() -> None:
        server = HttpServer(tells_ready, "127.0.0.1", 0)
        await server.start()
        assert server.where == f"http://127.0.0.1:{server.port}"
        assert await asyncio.to_thread(ask, server.port) == b"not yet"
        await server.ready()
        assert await asyncio.to_thread(ask, server.port) == b"ready"
        await server.drain(1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(ask, server.port)

    asyncio.run(visit())


def test_an_answer_under_way_is_finished_when_it_drains() -> None:
    async def visit() -> None:
        sending, go_on = asyncio.Event(), asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            async def parts() -> object:
                yield b"first,"
                sending.set()
                await go_on.wait()
                yield b"last"

            await StreamingResponse(parts())(scope, receive, send)  # type: ignore[arg-type]

        server = HttpServer(lambda _: app, "127.0.0.1", 0)
        await server.start()
        asking = asyncio.create_task(asyncio.to_thread(ask, server.port))
        await sending.wait()
        draining = asyncio.create_task(server.drain(PATIENCE_S))
        await asyncio.sleep(0)
        go_on.set()
        assert await asking == b"first,last"
        await draining

    asyncio.run(visit())


def test_one_that_takes_no_time_cuts_answers_off(caplog: pytest.LogCaptureFixture) -> None:
    async def visit() -> None:
        sending = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await Request(scope, receive, send).body()
            sending.set()
            await asyncio.Event().wait()

        server = HttpServer(lambda _: app, "127.0.0.1", 0)
        await server.start()
        asking = asyncio.create_task(asyncio.to_thread(ask, server.port))
        await sending.wait()
        async with asyncio.timeout(PATIENCE_S):
            await server.drain(0)
        for task in asyncio.all_tasks() - {asyncio.current_task(), asking}:
            task.cancel()  # as the end of the event loop does
        assert await asking == b"Internal Server Error"

    asyncio.run(visit())
    assert not caplog.records


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid", "192.0.2.1"])
def test_a_door_that_cannot_be_opened_is_told_in_one_line(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = HttpServer(tells_ready, host, port)
        with pytest.raises(OutputError, match=rf"^HTTP cannot listen on {host}:{port} \([^()]+\); choose another with"):
            asyncio.run(server.start())
        asyncio.run(server.drain(0))


def test_a_server_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise ValueError("no such loop")

    monkeypatch.setattr("uvicorn.Server.startup", fails)

    async def visit() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await HttpServer(tells_ready, "127.0.0.1", 0).start()

    with pytest.raises(OutputError, match=r"does not start on port .* \(no such loop\)"):
        asyncio.run(visit())


def test_ipv6_stands_in_brackets() -> None:
    assert HttpServer(tells_ready, "::1", 0).where == "http://[::1]:0"
