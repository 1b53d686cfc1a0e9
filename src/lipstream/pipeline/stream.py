"""Sound in as it comes, one session's frames out, each when it is due, with the events between them."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

from lipstream.audio.window import lookahead_samples
from lipstream.errors import InputError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.backlog import Backlog
from lipstream.pipeline.batch import NO_DEADLINE
from lipstream.pipeline.drift import Drift
from lipstream.pipeline.hearing import Heard, Hearing
from lipstream.pipeline.painting import Workshop
from lipstream.pipeline.playout import END, End, Ended, Event, Interrupted, Playout, Resting, Shown, Speaking
from lipstream.pipeline.session import Passed, StreamFrame, StreamSettings, StreamStats, check_sound
from lipstream.speech.codes import FULL_LOOKAHEAD_MS
from lipstream.types import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Image, Pcm

AHEAD_FRAMES = 5
"""Frames that are painted or finished and not yet taken: 200 ms, some 25 MB of a 1280 x 720 avatar."""
BLOCK_MS = 400
"""Heard at a time: after an interruption no more than this is still listened to in vain."""


@dataclass(frozen=True, slots=True, eq=False)
class _Leaving:
    shown: Shown
    picture: "asyncio.Task[tuple[Image, float]]"
    """And when it was finished."""
    turn_ms: float
    due_ms: float
    repeated: bool


@dataclass(slots=True, eq=False)
class _Pushed:
    samples: int
    """Of one push, not heard yet."""


class Stream:
    """One session: push sound, and iterate over frames and the events between them.

    All of it belongs to one event loop; one task iterates, any number of others push and interrupt. Nothing of it is
    left after `close`.
    """

    def __init__(
        self,
        avatar: Avatar,
        workshop: Workshop,
        settings: StreamSettings | None = None,
        observe: Callable[[Passed], None] = lambda _: None,
    ) -> None:
        """Begin a session; with a pace, frames are due from the first iteration on.

        Args:
            avatar: who speaks; in use until the stream is closed.
            workshop: what all streams share.
            settings: how the session is to be.
            observe: told of every frame that is taken.
        """
        self._settings = settings = settings or StreamSettings()
        self._avatar, self._workshop, self._observe = avatar, workshop, observe
        self.face = avatar.face
        """Who paints; another renderer of the same face may be put in its place."""
        self.halved = False
        """Whether every second frame, of those with an odd number, shows the picture before it again."""
        speech = avatar.speech(gain=settings.gain, lookahead_ms=settings.lookahead_ms)
        live = settings.lookahead_ms < FULL_LOOKAHEAD_MS
        self._hearing = Hearing(speech, settings.sample_rate_hz, live=live, steered=settings.steered)
        self._hearing_lock = asyncio.Lock()
        self._playout = Playout(settings.preroll_ms // FRAME_MS if settings.paced else 1, avatar.drive.rest)
        self._drift, self._backlog = Drift(settings.preroll_ms), Backlog(settings.preroll_ms)
        self._leaving: deque[_Leaving | Event] = deque()
        self._painting: set[asyncio.Task[tuple[Image, float]]] = set()
        self._newest: _Leaving | None = None
        self._runner: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._closed = self._stale = self._speaking = False
        self._pushed: list[_Pushed] = []
        self._interruptions = self._pending_samples = 0
        self._played_samples = self._dropped_samples = self._skipped_samples = 0
        self._filler_frames = self._repeated_frames = 0
        self._last: Shown | None = None

    async def push(self, sound: Pcm | End) -> None:
        """Hand over the next sound; returns once it is heard, which takes longer when too much waits.

        Pushes are heard one after the other; one that is cancelled may lose its sound.

        Args:
            sound: `[n]` float32 in -1..1, n from 0 up, at the rate of the settings; or END: what was pushed is shown
                to its end, then Ended is told of, and other speech may follow.

        Raises:
            InputError: it is neither, or the stream is closed.
        """
        if self._closed:
            raise InputError("there is sound for a stream that is closed; expected an open one: open another")
        if sound is not END:
            check_sound(sound)
        interruptions, pushed = self._interruptions, _Pushed(0 if sound is END else len(sound))
        self._pushed.append(pushed)
        try:
            async with self._hearing_lock:
                await self._take_in(sound, pushed, interruptions)
        finally:
            if pushed in self._pushed:
                self._pushed.remove(pushed)

    def interrupt(self, *, dropped_samples: int = 0, dropped_ends: int = 0) -> Interrupted:
        """Drop all sound that has been pushed and whose frame has not been taken.

        Args:
            dropped_samples: what whoever pushes held back and drops too, at 16 kHz.
            dropped_ends: the ENDs among it.

        Returns:
            What was played and what was dropped: the event that comes next, with an Ended for each END that waited.
            Where several interruptions follow each other before it is taken, it is told of them as one.
        """
        leaving = [one for one in self._leaving if isinstance(one, _Leaving)]
        for one in leaving:
            one.picture.cancel()
        unheard_samples = sum(one.samples for one in self._pushed)
        dropped_samples += unheard_samples * SAMPLE_RATE_HZ // self._settings.sample_rate_hz + self._pending_samples
        dropped_samples += sum(one.shown.samples + one.shown.skipped_samples for one in leaving)
        dropped_samples += self._playout.queued_samples
        self._dropped_samples += dropped_samples
        dropped_samples += sum(one.dropped_samples for one in self._leaving if isinstance(one, Interrupted))
        dropped_ends += sum(isinstance(one, Ended) for one in self._leaving)
        dropped_ends += self._playout.drop(self._last, self._played_samples, speaking=self._speaking)
        event = Interrupted(self._next_index, self._played_samples, dropped_samples)
        self._leaving = deque([event, *[Ended(self._next_index, self._played_samples)] * dropped_ends])
        self._interruptions += 1
        self._newest = None
        self._pushed.clear()
        self._pending_samples = 0
        self._stale = True
        self._tell()
        return event

    def stats(self) -> StreamStats:
        """What has been done so far."""
        return StreamStats(
            frames=self._next_index,
            filler_frames=self._filler_frames,
            played_samples=self._played_samples,
            dropped_samples=self._dropped_samples,
            underruns=self._playout.underruns,
            queued_ms=self._playout.queued_frames * FRAME_MS,
            ppm=self._drift.ppm,
            repeated_frames=self._repeated_frames,
            skipped_samples=self._skipped_samples,
        )

    async def close(self) -> None:
        """Drop everything and end; whoever iterates sees the end, and a push that waits returns."""
        self._closed = True
        self._tell()
        tasks = [*self._painting, *([self._runner] if self._runner else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with self._hearing_lock:  # what is being heard is heard to its end
            self._leaving.clear()
            self._newest = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamFrame | Event:
        """The next frame once it is finished, or event; after an error there is nothing left to do but to close.

        Raises:
            BusyError: too many frames of all streams wait for the networks.
            MediaError: the driving clip is damaged.
        """
        runner = self._start()
        while True:
            await self._until(lambda: self._leaving or runner.done() or self._closed)
            if self._closed:
                raise StopAsyncIteration
            if not self._leaving:
                runner.result()  # raises what ended it
            head = self._leaving[0]
            if isinstance(head, _Leaving):
                await asyncio.wait([head.picture])
            if self._leaving and self._leaving[0] is head and not self._closed:  # it was not dropped meanwhile
                return self._take(head)

    @property
    def _next_index(self) -> int:
        return 0 if self._last is None else self._last.index + 1

    def _take(self, head: "_Leaving | Event") -> StreamFrame | Event:
        self._leaving.popleft()
        self._tell()
        if isinstance(head, Event):
            self._speaking = isinstance(head, Speaking) or (self._speaking and not isinstance(head, Resting))
            return head
        (image, painted_ms), shown = head.picture.result(), head.shown
        self._last = shown
        self._played_samples += shown.samples
        self._skipped_samples += shown.skipped_samples
        self._filler_frames += shown.filler
        self._repeated_frames += head.repeated
        turn_ms, taken_ms = head.turn_ms, self._workshop.now_ms()
        painted_ms = max(turn_ms, painted_ms)
        passed = shown.came_ms, shown.heard_ms, turn_ms, head.due_ms, painted_ms, taken_ms, head.repeated
        self._observe(Passed(*passed, shown.skipped_samples))
        return StreamFrame(shown.index, image, shown.audio, shown.samples, shown.filler)

    async def _take_in(self, sound: Pcm | End, pushed: _Pushed, interruptions: int) -> None:
        if self._closed:
            return
        if self._stale:
            self._stale = False
            await self._workshop.work(self._hearing.drop)
        if sound is END:
            await self._hear(partial(self._hearing.finish, self._workshop.now_ms()), interruptions)
            self._playout.end()
            self._tell()
        else:
            await self._push(sound, pushed, interruptions)

    async def _push(self, pcm: Pcm, pushed: _Pushed, interruptions: int) -> None:
        block_samples = self._settings.sample_rate_hz * BLOCK_MS // 1000
        for start in range(0, len(pcm), block_samples):
            block = pcm[start : start + block_samples]
            await self._until(lambda: self._has_room() or self._closed or self._interruptions != interruptions)
            if self._closed or self._interruptions != interruptions:
                return
            await self._hear(partial(self._hearing.push, block, self._workshop.now_ms()), interruptions)
            pushed.samples -= len(block)

    async def _hear(self, hear: Callable[[], list[Heard]], interruptions: int) -> None:
        heard = await self._workshop.work(hear)
        if self._interruptions == interruptions:
            self._pending_samples = self._hearing.pending_samples
            heard_ms = self._workshop.now_ms()
            self._playout.put([replace(one, heard_ms=heard_ms) for one in heard])
            self._tell()

    def _has_room(self) -> bool:
        return self._playout.queued_frames * FRAME_MS < self._settings.queue_ms

    def _start(self) -> "asyncio.Task[None]":
        if self._runner is None:
            self._runner = asyncio.get_running_loop().create_task(self._run())
            self._runner.add_done_callback(lambda _: self._tell())
        return self._runner

    async def _run(self) -> None:
        """Choose one frame after the other, and have it painted."""
        paced = self._settings.paced
        start_ms, frames = self._workshop.now_ms(), 0
        while True:
            await self._until(lambda: sum(isinstance(one, _Leaving) for one in self._leaving) < AHEAD_FRAMES)
            if paced:
                frames = await self._wait_for_frame(start_ms, frames)
                due_ms = start_ms + (frames + 1) * FRAME_MS
                now_frames = int((self._workshop.now_ms() - start_ms) // FRAME_MS)
                frames = max(frames, min(frames + self._steer(), now_frames))  # what is left out is caught up with
            else:
                await self._until(lambda: self._playout.ready or self._playout.ended)
                due_ms = NO_DEADLINE
            for step in self._playout.next(bridge=paced):
                self._leaving.append(self._begin(step, due_ms) if isinstance(step, Shown) else step)
            frames += 1
            self._tell()

    async def _wait_for_frame(self, start_ms: float, frames: int) -> int:
        """Wait until it is time; what was missed meanwhile is made up for if there is sound, left out if not.

        Args:
            start_ms: when the first frame was due.
            frames: the frame, counted in time since then.

        Returns:
            The frame that it is time for: `frames` or a later one.
        """
        while (wait_ms := start_ms + frames * FRAME_MS - self._workshop.now_ms()) > 0:
            await self._workshop.sleep(wait_ms / 1000)
        return frames if self._playout.ready else frames + int(-wait_ms // FRAME_MS)

    def _steer(self) -> int:
        """Follow the source's clock; returns how many frames of sound were left out, because too many waited."""
        if not (self._settings.steered and self._playout.playing):
            return 0
        samples = self._playout.queued_frames * FRAME_SAMPLES + self._pending_samples
        spare_samples = samples - lookahead_samples(self._settings.lookahead_ms)
        spare_ms = spare_samples * 1000 / SAMPLE_RATE_HZ
        self._hearing.ppm = self._drift.observe(spare_ms)
        backlog = self._backlog
        backlog.observe(spare_ms, self._workshop.now_ms())
        skipped_frames = self._playout.skip(backlog.spare_frames, saying=backlog.overdue_frames)
        backlog.left_out(skipped_frames)
        return skipped_frames

    def _begin(self, shown: Shown, due_ms: float) -> _Leaving:
        turn_ms = self._workshop.now_ms()
        due_ms = max(due_ms, turn_ms + FRAME_MS)  # whoever catches up is in no more of a hurry than others
        if self.halved and self._newest is not None and shown.index % 2:
            leaving = _Leaving(shown, self._newest.picture, turn_ms, due_ms, repeated=True)
        else:
            task = asyncio.get_running_loop().create_task(self._paint(shown, due_ms))
            self._painting.add(task)
            task.add_done_callback(self._painted)
            leaving = _Leaving(shown, task, turn_ms, due_ms, repeated=False)
        self._newest = leaving
        return leaving

    async def _paint(self, shown: Shown, due_ms: float) -> tuple[Image, float]:
        picture, client = self._settings.first_picture + shown.index, self._settings.client
        paint = self._workshop.paint(self._avatar.clip, self.face, picture, shown.code, due_ms=due_ms, client=client)
        return await paint, self._workshop.now_ms()

    def _painted(self, task: "asyncio.Task[tuple[Image, float]]") -> None:
        self._painting.discard(task)
        if not task.cancelled():
            task.exception()  # of a frame that was dropped nobody asks

    async def _until(self, holds: Callable[[], object]) -> None:
        while not holds():
            await self._changed.wait()

    def _tell(self) -> None:
        """Let everybody who waits look again."""
        self._changed.set()
        self._changed = asyncio.Event()
