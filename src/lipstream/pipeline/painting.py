"""One frame's code and the number of its picture in, the finished picture out, without the event loop waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

from lipstream.errors import BusyError
from lipstream.pipeline.batch import Painter
from lipstream.render.faces import Face
from lipstream.types import Float32, Image
from lipstream.video.clip import Clip

Result = TypeVar("Result")
PATIENCE_MS = 5_000.0
RETRY_MS = 20.0


class PaintQueue(Protocol):
    """Paints frames of many streams, such as `pipeline.batch.Batcher`."""

    def submit(
        self, painter: Painter, visual: Float32, drive: Float32, *, due_ms: float, client: Hashable
    ) -> "Future[Float32]":
        """Let one frame be painted by `due_ms`; see `Batcher.submit`."""
        ...


@dataclass(frozen=True, eq=False)
class Workshop:
    """What the streams of a process share."""

    batcher: PaintQueue
    """Runs the generators."""
    workers: Executor
    """Threads for whatever takes longer than an event loop may wait."""
    now_ms: Callable[[], float]
    """A monotonic clock, the batcher's."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits for a number of seconds of that clock."""

    async def work(self, work: Callable[[], Result]) -> Result:
        """Do something in a worker thread; who is cancelled meanwhile still waits for the thread to be done with it."""
        done = asyncio.get_running_loop().run_in_executor(self.workers, work)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait([done])
            raise

    async def paint(  # noqa: PLR0913  the two last are by name only
        self, clip: Clip, face: Face, picture: int, code: Float32, *, due_ms: float, client: Hashable
    ) -> Image:
        """Make one frame; cancelling it takes it out of the batcher's queue.

        Args:
            clip: the driving clip.
            face: whose face.
            picture: its number in the driving clip, which repeats.
            code: its articulation, `[12]` float32.
            due_ms: when it is wanted.
            client: whose stream it is of.

        Returns:
            The finished frame, `HWC` uint8 BGR.

        Raises:
            BusyError: too many frames wait for the networks, for more than 5 s.
            MediaError: the driving clip is damaged.
        """

        def prepare() -> tuple[Image, Float32 | None]:
            image = clip.image(picture)
            painted = bool(face.painted(code[None])[0])
            return image, face.visual([image], [picture])[0] if painted else None

        image, visual = await self.work(prepare)
        if visual is not None:
            patch = await self._patch(face, visual, code, due_ms, client)
            await self.work(lambda: face.compose(image, picture, patch))
        return image

    async def _patch(self, face: Face, visual: Float32, code: Float32, due_ms: float, client: Hashable) -> Float32:
        """Have it painted; where the queue is full a frame rather waits than ends its stream."""
        begin_ms = self.now_ms()
        while True:
            try:
                patch = self.batcher.submit(face, visual, code, due_ms=due_ms, client=client)
            except BusyError:
                if self.now_ms() - begin_ms > PATIENCE_MS:
                    raise
                await self.sleep(RETRY_MS / 1000)
            else:
                return await asyncio.wrap_future(patch)
