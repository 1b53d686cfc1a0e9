"""The messages of a client of the reference system in, each answered in its own dialect out, one after the other."""

import asyncio
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from starlette.websockets import WebSocketDisconnect

from lipstream.serve.answered import request_id
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Call
from lipstream.serve.core import Core
from lipstream.serve.status import status_of
from lipstream.serve.steps import Gone, done
from lipstream.serve.ws.answers import Answers
from lipstream.serve.ws.socket import Message, Socket
from lipstream.serve.ws.tally import Tally
from lipstream.wire.dialects.asked import Opened, Told
from lipstream.wire.dialects.opening import opened
from lipstream.wire.dialects.questions import statistics

STATISTICS_MS = 5_000
UNREAD = "Unread"
"""What the log calls a message that asks nothing that there is."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Answers sockets of the reference's clients."""

    core: Core
    """Paints."""
    avatars: Avatars
    """Who can be shown."""
    workers: Executor
    """Where messages are read and pictures painted."""
    jpeg_quality: int = 75
    """Of whole pictures, 1 to 100."""
    statistics_ms: float = STATISTICS_MS
    """How often a client is told, unasked, how much was asked."""
    tally: Tally = field(default_factory=Tally)
    """How much was asked."""

    async def __call__(self, socket: Socket) -> None:
        """Answer until the client leaves."""
        said_ms, dialect = self.core.now_ms(), ""
        with self.tally.client():
            while True:
                message = await _received(socket, said_ms + self.statistics_ms - self.core.now_ms())
                if message is not None:
                    dialect, answer = await self._answer(socket, message)
                    await socket.send(answer)
                    continue
                said_ms = self.core.now_ms()
                if dialect != "checked":  # it has no text
                    await socket.send(statistics(self.tally.stats()))

    async def _answer(self, socket: Socket, content: str | bytes) -> tuple[str, str | bytes]:
        """A message's dialect and its answer."""
        begin_ms, id = self.core.now_ms(), request_id({})  # noqa: A001
        one = await done(self.workers, partial(opened, content))
        call: Call | None = None
        try:
            with socket.request(f"reference.{one.dialect}", UNREAD, id) as message:
                call = message.call
                return one.dialect, await done(self.workers, partial(self._work, one, message, begin_ms))
        except (WebSocketDisconnect, Gone):
            raise
        except Exception as error:
            self.tally.failed += 1
            return one.dialect, one.failed(status_of(error, id).message, self._told(id, begin_ms))
        finally:
            self.tally.add(one.dialect, self.core.now_ms() - begin_ms, call.spent.frames if call else 0)

    def _work(self, one: Opened, message: Message, begin_ms: float) -> str | bytes:
        asked = one.asked()
        message.method = type(asked).__name__
        answer = Answers(self.core, self.avatars, self.tally.stats, self.jpeg_quality)(asked, message.call)
        return one.answer(answer, self._told(message.call.id, begin_ms, message.call.spent.frames))

    def _told(self, id: str, begin_ms: float, pictures: int = 0) -> Told:  # noqa: A002
        return Told(id, self.core.now_ms() - begin_ms, self.tally.pictures + pictures)


async def _received(socket: Socket, within_ms: float) -> str | bytes | None:
    """The next message; None once the time is over, even if there is one."""
    if within_ms > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_ms / 1000):
                return await socket.receive()
    return None
