"""A client on an event loop: speeches in, frames and MP4 out as they arrive."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self, Unpack

import grpc

from lipstream.client.channel import ADDRESS, OPTIONS, Tls, way_to
from lipstream.client.live import AsyncLiveSpeech
from lipstream.client.messages import (
    PictureFormat,
    SpeechLike,
    SpokenFrame,
    Wishes,
    frame_of,
    request_of,
    told,
)
from lipstream.wire.pb import lipstream_v1_pb2 as pb
from lipstream.wire.pb.lipstream_v1_pb2_grpc import AvatarsStub, SpeechStub


class AsyncClient:
    """As `Client`, for one event loop; files are read in a thread."""

    def __init__(
        self, address: str = ADDRESS, *, key: str | None = None, tls: Tls = False, timeout_s: float | None = None
    ) -> None:
        """Prepare, on the event loop that will use it; takes and raises what `Client` does.

        A fingerprint in `tls` is checked here and now, which holds the loop up for the time of a handshake.
        """
        way = way_to(address, key, tls)
        if way.credentials is None:
            self._channel = grpc.aio.insecure_channel(way.address, OPTIONS)
        else:
            self._channel = grpc.aio.secure_channel(way.address, way.credentials, OPTIONS)
        self._options: dict[str, Any] = {"metadata": way.metadata, "timeout": timeout_s}
        self._speech, self._avatars = SpeechStub(self._channel), AvatarsStub(self._channel)

    async def generate(
        self, speech: SpeechLike, avatar: str = "", *, pictures: PictureFormat = "jpeg", **wishes: Unpack[Wishes]
    ) -> AsyncIterator[SpokenFrame]:
        """Make an avatar speak: the frames as they are made; see `Client.generate`."""
        async for part in self._parts(await asyncio.to_thread(request_of, speech, avatar, pictures, wishes)):
            if part.HasField("frame"):
                yield frame_of(part.frame, pictures)

    async def generate_mp4(
        self, speech: SpeechLike, avatar: str = "", **wishes: Unpack[Wishes]
    ) -> AsyncIterator[bytes]:
        """Make an avatar speak in a video: the bytes of an MP4; see `Client.generate_mp4`."""
        async for part in self._parts(await asyncio.to_thread(request_of, speech, avatar, "mp4", wishes)):
            if part.HasField("mp4"):
                yield part.mp4

    def stream(
        self, avatar: str = "", *, pictures: PictureFormat = "jpeg", **wishes: Unpack[Wishes]
    ) -> AsyncLiveSpeech:
        """Make an avatar speak while the sound is still coming, in an `async with` block; see `Client.stream`."""
        return AsyncLiveSpeech(self._speech.Stream, avatar, pictures, wishes, self._options)

    async def avatars(self) -> list[pb.Avatar]:
        """All avatars that can be named, loaded or not."""
        return list((await self._ask(self._avatars.List, pb.ListAvatarsRequest())).avatars)

    async def load(self, avatar: str, device: str = "") -> pb.Avatar:
        """Load an avatar; see `Client.load`."""
        request = pb.LoadAvatarRequest(name=avatar, device=device)
        loaded: pb.LoadAvatarResponse = await self._ask(self._avatars.Load, request)
        return loaded.avatar

    async def unload(self, avatar: str) -> bool:
        """Unload an avatar; returns whether it was loaded."""
        unloaded: pb.UnloadAvatarResponse = await self._ask(self._avatars.Unload, pb.UnloadAvatarRequest(name=avatar))
        return unloaded.was_loaded

    async def stats(self) -> pb.StatsResponse:
        """What the server measured since it started."""
        stats: pb.StatsResponse = await self._ask(self._avatars.Stats, pb.StatsRequest())
        return stats

    async def close(self) -> None:
        """End the connection, and calls under way with it."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(self, method: Any, request: object) -> Any:  # noqa: ANN401  grpc's stubs have no types
        with told():
            return await method(request, **self._options)

    async def _parts(self, request: pb.GenerateRequest) -> AsyncIterator[pb.GenerateResponse]:
        answers: Any = self._speech.Generate(request, **self._options)
        try:
            with told():
                async for part in answers:
                    yield part
        finally:
            answers.cancel()  # for whoever does not take it to its end
