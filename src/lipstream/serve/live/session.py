"""What one speaker sends in, his frames at their time and what happens between them out, over any transport."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

import numpy as np

from lipstream.errors import BusyError, InputError, SessionOverError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.painting import Workshop
from lipstream.pipeline.playout import END, End, Ended, Event, Interrupted, Resting, Speaking
from lipstream.pipeline.session import Passed, StreamFrame, StreamSettings, check_samples
from lipstream.pipeline.stream import BLOCK_MS, Stream
from lipstream.render.faces import Face
from lipstream.serve.live.inbox import Inbox
from lipstream.serve.live.latency import Averages, stages_of
from lipstream.serve.live.opening import LiveLimits, Observer, SessionStats, Stage, State
from lipstream.serve.live.pressure import LATE_MS
from lipstream.serve.live.watching import Watchers
from lipstream.serve.sound_in import SoundMeter
from lipstream.types import SAMPLE_RATE_HZ, Float32

T = TypeVar("T")
MOST_ENDS = 1_000
"""ENDs that nobody was told the end of; nobody speaks so many sentences ahead."""
GRACE_S = 10.0
"""So long a transport may take to end once its session has failed."""


class Session:
    """One speaker; belongs to one event loop. `Live.open` makes and closes it.

    Any number of tasks push and interrupt, one takes what comes: frames and events, in order. What is wrong with a
    session is raised there; it harms no other.
    """

    def __init__(
        self, avatar: Avatar, workshop: Workshop, settings: StreamSettings, limits: LiveLimits, observer: Observer
    ) -> None:
        """Begin one, within a running event loop.

        Args:
            avatar: who speaks.
            workshop: what all sessions share.
            settings: how the session is to be.
            limits: what it may take.
            observer: is told what it does.
        """
        self.id = secrets.token_urlsafe(18)
        """Nobody guesses it."""
        self.avatar = avatar
        """Who speaks."""
        self.settings = settings
        """How the session is."""
        self.fault: Exception | None = None
        """What it failed by; None while it did not."""
        self.when_stuck: Callable[[], object] = lambda: None
        """Called if it is still not closed 10 s after it failed."""
        self._workshop, self._limits, self._observer = workshop, limits, observer
        self._stream = Stream(avatar, workshop, settings, self._showed)
        self._inbox = Inbox(settings.sample_rate_hz, limits.max_waiting_ms)
        self._meter, self._watchers = SoundMeter(settings.sample_rate_hz), Watchers()
        self._came = asyncio.Event()
        self._state: State = "idle"
        self._ends = 0
        self._taking = self._deaf = False
        self._began_ms = self._sign_ms = self._asked_ms = workshop.now_ms()
        self._first_sound_ms: float | None = None
        self._first_frame_ms = 0.0
        self._averages, self._late_frames = Averages(), 0
        self._taken_ms: float | None = None
        self._encoded_ms = 0.0
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._listen()), loop.create_task(self._watch())]

    @property
    def state(self) -> State:
        """What it is doing."""
        return self._state

    async def push(self, sound: Float32 | End, clean: Callable[[Float32], Awaitable[Float32]] | None = None) -> None:
        """Hand over the next sound; it is heard as fast as the session's queue has room.

        Args:
            sound: `[n]` float32 in -1..1, n from 0 up, at the rate of the settings, NaN and infinity being silence; or
                END: what was pushed is shown to its end, then Ended is told of, and other speech may follow.
            clean: makes what is heard of what was sent, which holds numbers alone by then.

        Raises:
            InputError: it is neither, or the session takes no more sound.
            BusyError: too much sound, or too many ENDs, wait; nothing of this was taken.
            Exception: what the session failed by.
        """
        if sound is not END:
            self._meter.put(check_samples(sound))
            sound = np.nan_to_num(sound, nan=0.0, posinf=0.0, neginf=0.0)
            sound = sound if clean is None else await clean(sound)
        if self.fault is not None:
            raise self.fault
        if self._deaf:
            return
        if self._state in {"draining", "closed"}:
            raise InputError(f"there is sound for a session that is {self._state}, after its end; open another one")
        if sound is END and self._ends >= MOST_ENDS:
            raise BusyError(f"{MOST_ENDS:,} ends of speech wait to be told of, as many as may; take what comes")
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

    def drain(self, *, deaf: bool = False) -> None:
        """Take no more sound, show what was pushed to its end, and let the iteration end after its Ended.

        Args:
            deaf: whether sound that comes nevertheless is no fault; its client cannot know.
        """
        self._deaf = self._deaf or deaf
        if self._state not in {"draining", "closed"}:
            self._put(END)
            self._state = "draining"

    def __aiter__(self) -> AsyncIterator[StreamFrame | Event]:
        return self

    async def __anext__(self) -> StreamFrame | Event:
        """The next frame once it is finished, or event; ends when the session is closed, or drained.

        Raises:
            InputError: somebody else waits for it already.
            SessionOverError: nothing came, or nothing was taken, for too long, or the session is as old as it may be.
            BusyError: too many frames of all sessions wait for the networks.
            Exception: what `fail` was told; sound that could not be heard, a picture that could not be made.
        """
        if self._taking:
            raise InputError("somebody takes the frames of this session already; it has one taker")
        self._left()
        self._asked_ms = self._workshop.now_ms()
        if self._state == "draining" and not self._ends:
            raise StopAsyncIteration
        self._taking = True
        try:
            item = await anext(self._stream)
        except StopAsyncIteration:
            if self.fault is not None:
                raise self.fault from None
            raise
        finally:
            self._taking = False
        if isinstance(item, Event):
            self._tell(item)
        else:
            self._watchers.show(item)
        return item

    def watch(self) -> AsyncIterator[StreamFrame]:
        """The frames from now on, as they are taken, for whoever else shall see them; who is too slow misses some."""
        return self._watchers.frames()

    async def work(self, work: Callable[[], T]) -> T:
        """Do something that takes long, such as encoding a frame, in the threads of all sessions; it is timed."""
        began_ms = self._workshop.now_ms()
        try:
            return await self._workshop.work(work)
        finally:
            self._encoded_ms += self._workshop.now_ms() - began_ms

    async def aside(self, work: Callable[[], T]) -> T:
        """Do something else that takes long, such as cleaning sound, in the same threads; it is not timed."""
        return await self._workshop.work(work)

    def ease(self, *, halved: bool, face: Face) -> None:
        """Do less, or as much as ever: half the pictures or all, by this network of the avatar."""
        self._stream.halved, self._stream.face = halved, face

    def stats(self) -> SessionStats:
        """What has been done so far."""
        return SessionStats(
            **asdict(self._stream.stats()),
            waiting_ms=round(self._inbox.waiting_ms),
            first_frame_ms=self._first_frame_ms,
            latency=self._averages.latency(),
            late_frames=self._late_frames,
            halved=self._stream.halved,
            low=self._stream.face is not self.avatar.face,
            sound=self._meter.view(),
        )

    async def fail(self, error: Exception) -> None:
        """End it, because of what its client sent or did not send; whoever iterates is told of the first error."""
        if self._state != "closed":
            self.fault, self._state = error, "closed"
            self._tasks.append(asyncio.get_running_loop().create_task(self._linger()))
        await self._stream.close()

    async def close(self) -> None:
        """Drop everything and end; whoever iterates sees the end. May be called again."""
        self._state = "closed"
        self._watchers.end()
        for task in self._tasks:
            task.cancel()
        await self._stream.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._inbox.clear()

    def _put(self, sound: Float32 | End) -> None:
        self._inbox.put(sound)
        self._ends += sound is END
        self._sign_ms = self._workshop.now_ms()
        if sound is not END and self._first_sound_ms is None:
            self._first_sound_ms = self._sign_ms
        self._came.set()

    def _tell(self, event: Event) -> None:
        if isinstance(event, Ended):
            self._ends -= 1
        elif isinstance(event, Speaking | Resting) and self._state in {"idle", "speaking"}:
            self._state = "speaking" if isinstance(event, Speaking) else "idle"
        self._observer.told(event)

    def _showed(self, passed: Passed) -> None:
        """Count a frame that was taken."""
        self._taken_ms, self._encoded_ms = passed.taken_ms, 0.0
        if passed.came_ms is not None:
            self._sign_ms = passed.taken_ms  # as long as one's sound is shown, one is there
            if not self._first_frame_ms and self._first_sound_ms is not None:
                self._first_frame_ms = passed.taken_ms - self._first_sound_ms
        self._late_frames += passed.late_ms > LATE_MS
        self._averages.add(stages_of(passed))
        self._observer.showed(self.id, passed)

    def _left(self) -> None:
        """Count what became of the frame that was taken last: whoever takes the next one is done with it."""
        if self._taken_ms is None:
            return
        sent_ms = self._workshop.now_ms() - self._taken_ms - self._encoded_ms
        stages: dict[Stage, float] = {"encoded": self._encoded_ms, "sent": max(0.0, sent_ms)}
        self._taken_ms = None
        self._averages.add(stages)
        self._observer.left(stages)

    @property
    def _idle_since_ms(self) -> float:
        """When the client was last heard of, and last took something: who does only one of them is half gone."""
        asks = self._taking or not self.settings.paced
        return self._sign_ms if asks else min(self._sign_ms, self._asked_ms)

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

    async def _linger(self) -> None:
        """Whoever is stuck in sending to a client that takes nothing is not even told that it is over."""
        await self._workshop.sleep(GRACE_S)
        self.when_stuck()

    async def _watch(self) -> None:
        """End the session when its time is over."""
        limits = self._limits
        while True:
            over_ms = min(self._idle_since_ms + limits.idle_ms, self._began_ms + limits.max_duration_ms)
            if over_ms == float("inf"):
                return
            if (wait_ms := over_ms - self._workshop.now_ms()) <= 0:
                break
            await self._workshop.sleep(wait_ms / 1000)
        idle = self._idle_since_ms + limits.idle_ms <= self._workshop.now_ms()
        why = f"nothing came or nothing was taken for {limits.idle_ms / 1000:g} s (live.idle_timeout_s)"
        age = f"it lasted {limits.max_duration_ms / 1000:g} s (live.max_duration_s)"
        await self.fail(SessionOverError(f"the session is over: {why if idle else age}; open another one"))
