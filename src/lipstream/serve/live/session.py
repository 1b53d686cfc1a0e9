"""What one speaker sends in, his frames at their time and what happens between them out, over any transport."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import TypeVar

from lipstream.errors import BusyError, InputError, SessionOverError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.painting import Workshop
from lipstream.pipeline.playout import END, End, Ended, Event, Interrupted, Resting, Speaking
from lipstream.pipeline.session import StreamFrame, StreamSettings, check_sound
from lipstream.pipeline.stream import BLOCK_MS, Stream
from lipstream.serve.live.inbox import Inbox
from lipstream.serve.live.opening import Latency, LiveLimits, SessionStats, State
from lipstream.types import SAMPLE_RATE_HZ, Float32

T = TypeVar("T")
MOST_ENDS = 1_000
"""ENDs that nobody was told the end of; nobody speaks so many sentences ahead."""


class Session:
    """One speaker; belongs to one event loop. `Live.open` makes and closes it.

    Any number of tasks push and interrupt, one takes what comes: frames and events, in order. What is wrong with a
    session is raised there; it harms no other.
    """

    def __init__(self, avatar: Avatar, workshop: Workshop, settings: StreamSettings, limits: LiveLimits) -> None:
        """Begin one, within a running event loop.

        Args:
            avatar: who speaks.
            workshop: what all sessions share.
            settings: how the session is to be.
            limits: what it may take.
        """
        self.id = secrets.token_urlsafe(18)
        """Nobody guesses it."""
        self.avatar = avatar
        """Who speaks."""
        self.settings = settings
        """How the session is."""
        self._workshop, self._limits = workshop, limits
        self._stream = Stream(avatar, workshop, settings)
        self._inbox = Inbox(settings.sample_rate_hz, limits.max_waiting_ms)
        self._came = asyncio.Event()
        self._state: State = "idle"
        self._ends = 0
        self._fault: Exception | None = None
        self._began_ms = self._sign_ms = workshop.now_ms()
        self._first_sound_ms: float | None = None
        self._first_frame_ms = 0.0
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._listen()), loop.create_task(self._watch())]

    @property
    def state(self) -> State:
        """What it is doing."""
        return self._state

    async def push(self, sound: Float32 | End) -> None:
        """Hand over the next sound; it is heard as fast as the session's queue has room.

        Args:
            sound: `[n]` float32 in -1..1, n from 0 up, at the rate of the settings; or END: what was pushed is shown
                to its end, then Ended is told of, and other speech may follow.

        Raises:
            InputError: it is neither, or the session takes no more sound.
            BusyError: too much sound waits; nothing of this was taken.
        """
        if self._state in {"draining", "closed"}:
            raise InputError(f"there is sound for a session that is {self._state}; open another one")
        if sound is not END:
            check_sound(sound)
        self._put(sound)

    def interrupt(self) -> Interrupted:
        """Be silent now: drop all sound that was pushed and whose frame was not taken.

        Returns:
            What was played and what was dropped: the event that comes next, with an Ended for each END that waited.
        """
        self._sign_ms = self._workshop.now_ms()
        samples, ends = self._inbox.clear()
        return self._stream.interrupt(
            dropped_samples=samples * SAMPLE_RATE_HZ // self.settings.sample_rate_hz, dropped_ends=ends
        )

    def drain(self) -> None:
        """Take no more sound, show what was pushed to its end, and let the iteration end after its Ended."""
        if self._state not in {"draining", "closed"}:
            self._put(END)
            self._state = "draining"

    def __aiter__(self) -> AsyncIterator[StreamFrame | Event]:
        return self

    async def __anext__(self) -> StreamFrame | Event:
        """The next frame once it is finished, or event; ends when the session is closed, or drained.

        Raises:
            SessionOverError: nothing came from the client for too long, or the session is as old as it may be.
            BusyError: too many frames of all sessions wait for the networks.
            Exception: what `fail` was told; sound that could not be heard, a picture that could not be made.
        """
        if self._state == "draining" and not self._ends:
            raise StopAsyncIteration
        try:
            item = await anext(self._stream)
        except StopAsyncIteration:
            if self._fault is not None:
                raise self._fault from None
            raise
        if isinstance(item, StreamFrame):
            self._observe(item)
        elif isinstance(item, Ended):
            self._ends -= 1
        elif isinstance(item, Speaking | Resting) and self._state in {"idle", "speaking"}:
            self._state = "speaking" if isinstance(item, Speaking) else "idle"
        return item

    async def work(self, work: Callable[[], T]) -> T:
        """Do something that takes long, such as encoding a frame, in the threads of all sessions; it is timed."""
        return await self._workshop.work(work)

    def stats(self) -> SessionStats:
        """What has been done so far."""
        return SessionStats(
            **asdict(self._stream.stats()),
            waiting_ms=round(self._inbox.waiting_ms),
            first_frame_ms=self._first_frame_ms,
            latency=Latency(),
        )

    async def fail(self, error: Exception) -> None:
        """End it, because of what its client sent or did not send; whoever iterates is told of the error."""
        self._fault, self._state = error, "closed"
        await self._stream.close()

    async def close(self) -> None:
        """Drop everything and end; whoever iterates sees the end. May be called again."""
        self._state = "closed"
        for task in self._tasks:
            task.cancel()
        await self._stream.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._inbox.clear()

    def _put(self, sound: Float32 | End) -> None:
        if sound is END and self._ends == MOST_ENDS:
            raise BusyError(f"{MOST_ENDS:,} ends of speech wait to be told of, as many as may; take what comes")
        self._inbox.put(sound)
        self._ends += sound is END
        self._sign_ms = self._workshop.now_ms()
        if sound is not END and self._first_sound_ms is None:
            self._first_sound_ms = self._sign_ms
        self._came.set()

    def _observe(self, frame: StreamFrame) -> None:
        if frame.samples and not self._first_frame_ms and self._first_sound_ms is not None:
            self._first_frame_ms = self._workshop.now_ms() - self._first_sound_ms

    async def _listen(self) -> None:
        """Let the stream hear what comes, a block at a time, as it has room."""
        block_samples = self.settings.sample_rate_hz * BLOCK_MS // 1000
        try:
            while True:
                while (sound := self._inbox.take(block_samples)) is not None:
                    await self._stream.push(sound)
                self._came.clear()
                await self._came.wait()
        except Exception as error:
            await self.fail(error)

    async def _watch(self) -> None:
        """End the session when its time is over."""
        limits = self._limits
        while True:
            over_ms = min(self._sign_ms + limits.idle_ms, self._began_ms + limits.max_duration_ms)
            if over_ms == float("inf"):
                return
            if (wait_ms := over_ms - self._workshop.now_ms()) <= 0:
                break
            await self._workshop.sleep(wait_ms / 1000)
        idle = self._sign_ms + limits.idle_ms <= self._workshop.now_ms()
        why = f"nothing came for {limits.idle_ms / 1000:g} s (live.idle_timeout_s)"
        age = f"it lasted {limits.max_duration_ms / 1000:g} s (live.max_duration_s)"
        await self.fail(SessionOverError(f"the session is over: {why if idle else age}; open another one"))
