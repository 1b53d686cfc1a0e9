"""A client that waits: speeches in, frames and MP4 out as they arrive."""

from collections.abc import Iterator
from typing import Any, Self, Unpack

import grpc

from lipstream.client.channel import ADDRESS, OPTIONS, Tls, way_to
from lipstream.client.live import LiveSpeech
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


class Client:
    """A connection to a `lipstream serve`; any number of threads may use it.

    What the server refuses is raised as the same LipstreamError there would be here: InputError,
    AvatarNotFoundError, AvatarError, UnknownCallerError, AccessError; BusyError when it is still full after five
    tries, each after as long as it named: 0.2 s where it is full, up to a minute where the key asked too often;
    ServerError when it cannot be reached or fails.
    """

    def __init__(
        self, address: str = ADDRESS, *, key: str | None = None, tls: Tls = False, timeout_s: float | None = None
    ) -> None:
        """Prepare; nothing is sent yet, but for a fingerprint's check.

        Args:
            address: HOST:PORT of the server's gRPC.
            key: a key that it knows, where it asks for one.
            tls: False for plain text, or what to trust: see `lipstream.client.channel.Tls`.
            timeout_s: how long a call may take, from its begin to its last answer, the waits between its tries
                included; None for ever.

        Raises:
            LipstreamError: whatever `way_to` raises.
        """
        way = way_to(address, key, tls)
        if way.credentials is None:
            self._channel = grpc.insecure_channel(way.address, OPTIONS)
        else:
            self._channel = grpc.secure_channel(way.address, way.credentials, OPTIONS)
        self._options: dict[str, Any] = {"metadata": way.metadata, "timeout": timeout_s}
        self._speech, self._avatars = SpeechStub(self._channel), AvatarsStub(self._channel)

    def generate(
        self, speech: SpeechLike, avatar: str = "", *, pictures: PictureFormat = "jpeg", **wishes: Unpack[Wishes]
    ) -> Iterator[SpokenFrame]:
        """Make an avatar speak.

        Args:
            speech: `[L]` float32 in -1..1, or the path of any file with sound.
            avatar: who speaks; empty for the server's default.
            pictures: how they are sent, `jpeg` or `raw`.
            wishes: `sample_rate` of an array, 16,000 Hz unless told; `gain` of every mouth movement, 0 (closed) to 2;
                `lookahead_ms`, 172 to 452; `jpeg_quality`, 1 to 100; `first_clip_frame` of the avatar's clip.

        Yields:
            The frames, as they are made.
        """
        for part in self._parts(request_of(speech, avatar, pictures, wishes)):
            if part.HasField("frame"):
                yield frame_of(part.frame, pictures)

    def generate_mp4(self, speech: SpeechLike, avatar: str = "", **wishes: Unpack[Wishes]) -> Iterator[bytes]:
        """Make an avatar speak in a video; takes what `generate` takes.

        Yields:
            The bytes of an MP4 with H.264 and AAC, which plays while it arrives.
        """
        for part in self._parts(request_of(speech, avatar, "mp4", wishes)):
            if part.HasField("mp4"):
                yield part.mp4

    def stream(self, avatar: str = "", *, pictures: PictureFormat = "jpeg", **wishes: Unpack[Wishes]) -> LiveSpeech:
        """Make an avatar speak while the sound is still coming; takes what `generate` takes, but for the speech.

        Returns:
            The speech, for a `with` block: push into it, iterate over it.
        """
        return LiveSpeech(self._speech.Stream, avatar, pictures, wishes, self._options)

    def avatars(self) -> list[pb.Avatar]:
        """All avatars that can be named, loaded or not."""
        return list(self._ask(self._avatars.List, pb.ListAvatarsRequest()).avatars)

    def load(self, avatar: str, device: str = "") -> pb.Avatar:
        """Load an avatar, so that its first speech need not wait; needs a key of scope admin, if any.

        Args:
            avatar: its name.
            device: such as `cpu` or `cuda:1`; empty for the server's choice.
        """
        loaded: pb.LoadAvatarResponse = self._ask(self._avatars.Load, pb.LoadAvatarRequest(name=avatar, device=device))
        return loaded.avatar

    def unload(self, avatar: str) -> bool:
        """Unload an avatar; returns whether it was loaded. Needs a key of scope admin, if any."""
        unloaded: pb.UnloadAvatarResponse = self._ask(self._avatars.Unload, pb.UnloadAvatarRequest(name=avatar))
        return unloaded.was_loaded

    def stats(self) -> pb.StatsResponse:
        """What the server measured since it started."""
        stats: pb.StatsResponse = self._ask(self._avatars.Stats, pb.StatsRequest())
        return stats

    def close(self) -> None:
        """End the connection, and calls under way with it."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, method: Any, request: object) -> Any:  # noqa: ANN401  grpc's stubs have no types
        with told():
            return method(request, **self._options)

    def _parts(self, request: pb.GenerateRequest) -> Iterator[pb.GenerateResponse]:
        answers = self._speech.Generate(request, **self._options)
        try:
            with told():
                yield from answers
        finally:
            answers.cancel()  # for whoever does not take it to its end
