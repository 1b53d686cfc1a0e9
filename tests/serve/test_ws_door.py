import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from socket_visit import Closed, Denied, visiting
from starlette.routing import Router

from lipstream.clock import now_ms
from lipstream.errors import AvatarNotFoundError, BusyError, InputError
from lipstream.serve.access import Guard
from lipstream.serve.answered import Answered
from lipstream.serve.call import Allowance, Call
from lipstream.serve.keys import Key, KeyFile, new_secret, sha256_of, write_keys
from lipstream.serve.origins import Origins
from lipstream.serve.quotas import Quotas
from lipstream.serve.tokens import Tokens
from lipstream.serve.ws.door import Answer, SocketDoors
from lipstream.serve.ws.socket import House, Socket

SECRET, ADMIN = new_secret(), new_secret()
TALKER = Key(name="talker", sha256=sha256_of(SECRET), scopes=frozenset({"infer"}), max_concurrent=1, per_minute=3)
EVERYBODY = Guard(None, Tokens(), Quotas(), now_ms)


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    path = tmp_path / "keys.yaml"
    write_keys(path, [TALKER, Key(name="root", sha256=sha256_of(ADMIN), scopes=frozenset({"admin"}))])
    return Guard(KeyFile(path), Tokens(), Quotas(), lambda: 0)


class Street:
    """A house with one door, and what was told of those who came."""

    def __init__(self, answer: Answer, guard: Guard = EVERYBODY, **house: Any) -> None:  # noqa: ANN401  its fields
        self.told: list[Answered] = []
        self.over = asyncio.Event()
        self.allowance = Allowance(100)
        made = House(guard, self.allowance, 30, now_ms, (self._tell,))
        doors = SocketDoors(replace(made, **house), Origins())
        self.app = Router([doors.route("/ws", "infer", answer), doors.route("/sub", "infer", answer, "v9")])

    def _tell(self, answered: Answered) -> None:
        self.told.append(answered)
        if answered.service == "websocket":
            self.over.set()

    @property
    def statuses(self) -> list[tuple[str, str, str]]:
        return [(one.service, one.method, one.status) for one in self.told]


async def echo(socket: Socket) -> None:
    while (message := await socket.receive()) != "bye":
        with socket.request("echo", "Say", "7"):
            await socket.send(message)


def failing(error: Exception) -> Answer:
    async def answer(socket: Socket) -> None:
        await socket.receive()
        raise error

    return answer


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def test_messages_come_and_go_and_are_told_of_as_is_the_socket() -> None:
    async def test() -> None:
        street = Street(echo)
        async with visiting(street.app, headers={"x-request-id": "mine"}) as visitor:
            visitor.say("text", b"bytes", "bye")
            assert [await visitor.hear() for _ in range(3)] == ["text", b"bytes", Closed(1000, "")]
            assert (b"x-request-id", b"mine") in visitor.accepted["headers"]
        assert street.statuses == [("echo", "Say", "OK"), ("echo", "Say", "OK"), ("websocket", "/ws", "OK")]
        assert [one.request_id for one in street.told] == ["7", "7", "mine"]
        assert {one.client for one in street.told} == {"10.0.0.7"}
        assert [one.lasting for one in street.told] == [False, False, True]
        assert street.allowance.held_bytes == 0

    run(test)


@pytest.mark.parametrize(("headers", "status"), [({"origin": "http://evil.example"}, 403), ({"host": "evil"}, 403)])
def test_foreign_pages_do_not_come_in(headers: dict[str, str], status: int) -> None:
    async def test() -> None:
        street = Street(echo)
        async with visiting(street.app, headers=headers) as visitor:
            assert await visitor.hear() == Denied(status)
        assert street.statuses == [("websocket", "/ws", "PERMISSION_DENIED")]

    run(test)


def test_who_may_not_come_in_is_told_why(guard: Guard) -> None:
    async def test() -> None:
        street = Street(echo, guard)
        unknown = "This server asks for a key: send `authorization: Bearer KEY`."
        for headers, expected in [
            ({}, Closed(4401, unknown)),
            (
                bearer("no"),
                Closed(4401, "This key is not known, or was revoked; ask who runs the server for a new one."),
            ),
            (bearer(ADMIN), Closed(4403, "The key root has scope admin, and this needs infer; use a key that has it.")),
        ]:
            async with visiting(street.app, headers=headers) as visitor:
                assert await visitor.hear() == expected
        assert [status for _, _, status in street.statuses] == ["UNAUTHENTICATED"] * 2 + ["PERMISSION_DENIED"]

    run(test)


def test_a_key_comes_in_by_header_or_once_by_token(guard: Guard) -> None:
    async def test() -> None:
        street = Street(echo, guard)
        with guard.admit(bearer(SECRET), "") as talker:
            token = guard.token_for(talker)
        for path, headers in [("/ws", bearer(SECRET)), (f"/ws?token={token}", {})]:
            async with visiting(street.app, path, headers) as visitor:
                visitor.say("bye")
                assert await visitor.hear() == Closed(1000, "")
        async with visiting(street.app, f"/ws?token={token}") as visitor:
            assert await visitor.hear() == Closed(
                4401, "This token was used already, is older than a minute, or never was one; get a new one."
            )
        assert [one.client for one in street.told] == ["talker", "talker", "10.0.0.7"]

    run(test)


def test_a_socket_counts_as_one_request_as_long_as_it_is_open_and_each_message_as_another(guard: Guard) -> None:
    async def test() -> None:
        street = Street(echo, guard)
        async with visiting(street.app, headers=bearer(SECRET)) as visitor:
            visitor.say("1")
            assert await visitor.hear() == "1"
            async with visiting(street.app, headers=bearer(SECRET)) as other:
                closed = await other.hear()
                assert isinstance(closed, Closed)
                assert closed.code == 4503
                assert closed.reason.startswith("The key talker has 1 requests under way, and may have 1")
            visitor.say("2", "3")
            assert await visitor.hear() == "2"
            closed = await visitor.hear()
            assert isinstance(closed, Closed)
            assert closed.reason.startswith("The key talker asked 3 times within a minute")
        assert guard.quotas.running(TALKER) == 0

    run(test)


@pytest.mark.parametrize(
    ("error", "closed", "status"),
    [
        (InputError("é" * 100), Closed(4400, "é" * 61), "INVALID_ARGUMENT"),
        (AvatarNotFoundError("There is none."), Closed(4404, "There is none."), "NOT_FOUND"),
        (BusyError("Full."), Closed(4503, "Full."), "RESOURCE_EXHAUSTED"),
        (ValueError("secret"), Closed(4500, "The server failed; its log has more under request mine."), "INTERNAL"),
    ],
)
def test_errors_close_with_the_code_of_one_table(error: Exception, closed: Closed, status: str) -> None:
    async def test() -> None:
        street = Street(failing(error))
        async with visiting(street.app, headers={"x-request-id": "mine"}) as visitor:
            visitor.say("go")
            assert await visitor.hear() == closed
        assert street.statuses == [("websocket", "/ws", status)]

    run(test)


def test_a_subprotocol_that_is_asked_for_must_be_offered() -> None:
    async def test() -> None:
        street = Street(echo)
        async with visiting(street.app, "/sub", subprotocols=["other", "v9"]) as visitor:
            visitor.say("hello")
            assert await visitor.hear() == "hello"
            assert visitor.accepted["subprotocol"] == "v9"
        async with visiting(street.app, "/sub", subprotocols=["other"]) as visitor:
            assert await visitor.hear() == Closed(
                4400, "Offer the subprotocol v9 (Sec-WebSocket-Protocol) to speak here."
            )

    run(test)


def test_what_waits_counts_as_bytes_under_way_until_it_is_dealt_with() -> None:
    async def test() -> None:
        go, held = asyncio.Event(), []

        async def answer(socket: Socket) -> None:
            await socket.receive()
            await socket.send("one")
            await go.wait()
            held.append(street.allowance.held_bytes)
            await socket.receive()
            held.append(street.allowance.held_bytes)
            await socket.receive()

        street = Street(answer)
        street.allowance.take(15)
        async with visiting(street.app) as visitor:
            visitor.say(bytes(40), bytes(30), bytes(90))
            assert await visitor.hear() == "one"
            go.set()
            closed = await visitor.hear()
            assert isinstance(closed, Closed)
            assert closed.code == 4503
            assert closed.reason.startswith("requests under way hold 15 bytes and this one has 90")
        assert held == [85, 45]
        assert street.allowance.held_bytes == 15

    run(test)


@pytest.mark.parametrize(("code", "status"), [(1000, "OK"), (1001, "OK"), (1006, "CANCELLED"), (1009, "CANCELLED")])
def test_a_client_that_leaves_is_noticed_while_it_is_answered(code: int, status: str) -> None:
    async def test() -> None:
        calls: list[Call] = []

        async def answer(socket: Socket) -> None:
            calls.append(socket.call)
            await socket.receive()
            gone: Future[None] = socket.call.gone
            await asyncio.wrap_future(gone)
            await socket.receive()

        street = Street(answer)
        async with visiting(street.app) as visitor:
            visitor.say("work")
            visitor.vanish(code)
        assert calls[0].gone.done()
        assert [one.status for one in street.told] == [status]

    run(test)


def test_a_client_that_takes_nothing_is_given_up() -> None:
    async def test() -> None:
        street = Street(echo, stall_s=0.01)
        async with visiting(street.app) as visitor:
            visitor.say("1")
            assert await visitor.hear() == "1"
            visitor.takes.clear()
            visitor.say("2")
            await street.over.wait()
        assert street.told[-1].status == "CANCELLED"
        assert street.told[-1].error == "the client took nothing for 0.01 s"

    run(test)


def test_a_message_that_fails_is_told_with_its_own_id_and_method() -> None:
    async def test() -> None:
        async def answer(socket: Socket) -> None:
            await socket.receive()
            with socket.request("echo", "Unread") as message:
                message.method = "Say"
                raise InputError("no")

        street = Street(answer)
        async with visiting(street.app, headers={"x-request-id": "mine"}) as visitor:
            visitor.say("1")
            assert await visitor.hear() == Closed(4400, "no")
        first = street.told[0]
        assert (first.method, first.request_id, first.status, first.error) == ("Say", "mine", "INVALID_ARGUMENT", "no")

    run(test)
