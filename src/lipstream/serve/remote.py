"""What a request asks an avatar to say in, its finished pictures out; an inference process paints the mouths."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
import numpy as np

from lipstream.errors import RETRY_AFTER_MS, BusyError, EngineError, InputError, LipstreamError
from lipstream.pipeline.avatar import Avatar
from lipstream.serve.core import Painted, Speech, Spent, Stopwatch
from lipstream.serve.registry import Registry
from lipstream.serve.rpc_answers import PUSHBACK_KEY
from lipstream.serve.wires.inference import START_KEY
from lipstream.types import CROP_SIZE, Float32, Image
from lipstream.wire.pb.inference_pb2 import HealthRequest, InferBatchRequest, InferBatchResponse
from lipstream.wire.pb.inference_pb2_grpc import InferenceServiceStub
from lipstream.wire.recording import Recording

HEALTH_TIMEOUT_S = 1.0
ASK_TIMEOUT_S = 120.0
"""For one InferBatch, which may wait for its avatar to load; the slowest machine paints 32 frames in less."""
KEEPALIVE = (
    ("grpc.keepalive_time_ms", 10_000),  # the server's own; more often, and it hangs up
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
"""A process that vanished with its machine, which no packet tells, is noticed after 13 s."""
MOUTH_BYTES = 4 * 3 * CROP_SIZE * CROP_SIZE  # 1,228,800


@dataclass(frozen=True, eq=False)
class Remote:
    """Speaks as `Core` does, for requests that one InferBatch can answer: up to 32 frames that follow one another.

    An avatar with `idle: raw` shows its resting mouth as the generator paints it, for the inference process does not
    see what it hides.
    """

    registry: Registry[Avatar]
    """The avatars whose pictures the mouths are blended into."""
    channel: grpc.Channel
    """To the inference process; must take messages of 80 MB."""
    url: str
    """Where that is, for people to read."""
    now_ms: Callable[[], float]
    """A monotonic clock."""
    metadata: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """What every call brings along: the key, where one is asked for."""
    timeout_s: float = ASK_TIMEOUT_S
    """How long one batch may take."""

    def speak(self, speech: Speech, gone: "Future[None]", spent: Spent | None = None) -> Iterator[Painted]:
        """Paint every picture of a request.

        Args:
            speech: what to say; `numbers`, `gain` and `lookahead_ms` have no field in the contract and are not asked.
            gone: done when nobody waits any more; the call is cancelled at once.
            spent: filled with where the time goes.

        Yields:
            The pictures in order.

        Raises:
            AvatarNotFoundError: there is no such avatar. AvatarError, EngineError: it cannot be loaded.
            BusyError: the inference process is full, or every place for an avatar is in use.
            EngineError: the inference process cannot be reached, or does not answer as it should.
            InputError: it refuses what was sent.
            CancelledError: nobody waits any more.
        """
        spent = spent or Spent()
        watch = Stopwatch(spent, self.now_ms)
        with self.registry.lease(speech.avatar) as avatar:
            watch.lap("load_ms")
            numbers = [speech.number(offset) for offset in range(speech.frames)]
            images = [avatar.clip.image(number) for number in numbers]
            request = _request(avatar, speech, images, numbers)
            watch.lap("visual_ms")
            answer = self._ask(request, speech, gone)
            watch.lap("paint_ms")
            spent.audio_ms += answer.audio_processing_ms
            spent.paint_ms -= answer.audio_processing_ms
            self.registry.add_generator_ms(speech.avatar, answer.inference_time_ms, len(images))
            for image, number, patch in zip(images, numbers, self._patches(answer, len(images)), strict=True):
                avatar.face.compose(image, number, patch)
                watch.lap("blend_ms")
                spent.frames += 1
                yield Painted(number, image, patch, avatar.face.bounds(image, number), avatar.name)
                watch.skip()

    def healthy(self) -> bool:
        """Whether the inference process says that it can be asked."""
        try:
            answer = InferenceServiceStub(self.channel).Health(
                HealthRequest(), timeout=HEALTH_TIMEOUT_S, metadata=self.metadata
            )
        except grpc.RpcError:
            return False
        return bool(answer.healthy)

    def _ask(self, request: InferBatchRequest, speech: Speech, gone: "Future[None]") -> InferBatchResponse:
        metadata = (*self.metadata, (START_KEY, str(speech.first_picture or 0)))
        call = InferenceServiceStub(self.channel).InferBatch.future(request, metadata=metadata, timeout=self.timeout_s)
        gone.add_done_callback(lambda _: call.cancel())
        try:
            answer: InferBatchResponse = call.result()
        except grpc.FutureCancelledError as error:
            raise CancelledError from error
        except grpc.RpcError as error:
            raise self._error(error) from error
        if not answer.success:
            raise InputError(answer.error)
        return answer

    def _error(self, error: grpc.RpcError) -> LipstreamError:
        code, details = (error.code(), error.details()) if isinstance(error, grpc.Call) else (None, str(error))
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            trailing = dict(error.trailing_metadata() or ())
            return BusyError(details, retry_after_ms=int(trailing.get(PUSHBACK_KEY, RETRY_AFTER_MS)))
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return EngineError(f"the inference process at {self.url} did not answer within {self.timeout_s:g} s")
        if code is grpc.StatusCode.UNAVAILABLE:
            return EngineError(
                f"the inference process at {self.url} cannot be reached; "
                "start it with `lipstream serve --role inference`"
            )
        return EngineError(f"the inference process at {self.url} failed: {details}")

    def _patches(self, answer: InferBatchResponse, frames: int) -> Sequence[Float32]:
        sizes = [len(output.data) for output in answer.outputs]
        if sizes != [MOUTH_BYTES] * frames:
            raise EngineError(
                f"the inference process at {self.url} answered {len(sizes)} mouths of {sum(sizes):,} bytes; expected "
                f"{frames} of {MOUTH_BYTES:,} each: run the same version of lipstream in both processes"
            )
        return [np.frombuffer(output.data, "<f4").reshape(3, CROP_SIZE, CROP_SIZE) for output in answer.outputs]


@dataclass(frozen=True, slots=True)
class Way:
    """How an inference process is reached."""

    url: str
    """Its HOST:PORT."""
    max_message_bytes: int
    """The largest message."""
    ca: bytes | None = None
    """PEM of who signed its certificate; None does not encrypt, which is for one machine or a private network."""
    key: str | None = field(default=None, repr=False)
    """The key that it asks for."""


@contextmanager
def connected(way: Way, registry: Registry[Avatar], now_ms: Callable[[], float]) -> Iterator[Remote]:
    """Lend a way to ask an inference process, which need not be there yet.

    Args:
        way: to it.
        registry: the avatars whose pictures the mouths are blended into.
        now_ms: a monotonic clock.
    """
    options = (
        ("grpc.max_receive_message_length", way.max_message_bytes),
        ("grpc.max_send_message_length", way.max_message_bytes),
        *KEEPALIVE,
    )
    metadata = () if way.key is None else (("authorization", f"Bearer {way.key}"),)
    if way.ca is None:
        opened = grpc.insecure_channel(way.url, options)
    else:
        opened = grpc.secure_channel(way.url, grpc.ssl_channel_credentials(way.ca), options)
    with opened as channel:
        yield Remote(registry, channel, way.url, now_ms, metadata)


def _request(avatar: Avatar, speech: Speech, images: Sequence[Image], numbers: Sequence[int]) -> InferBatchRequest:
    visual = avatar.face.visual(images, numbers) if speech.visual is None else speech.visual
    request = InferBatchRequest(
        model_id=speech.avatar,
        visual_frames=visual.astype("<f4", copy=False).tobytes(),
        batch_size=speech.frames,
    )
    match speech.sound:
        case None:
            pass
        case Recording(pcm=pcm):
            # The same samples, at the same place: the inference process finds the frames by the rules of its own.
            request.raw_audio = pcm.astype("<f4", copy=False).tobytes()
        case contexts:
            request.audio_features = contexts.astype("<f4", copy=False).tobytes()
    return request
