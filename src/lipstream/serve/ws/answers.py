"""What a message of the reference's WebSocket dialects asks in, its answer out; blocking, for worker threads."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Call
from lipstream.serve.core import Core
from lipstream.serve.wires.asked import FULL_FRAME, OUTPUT_KEY
from lipstream.serve.wires.numbered import Prediction, predictions, speech_by_number
from lipstream.serve.wires.packages import VIDEOS, filmed
from lipstream.video.jpeg import encode_jpeg
from lipstream.wire.dialects.asked import (
    Answer,
    Asked,
    Batch,
    GenerateBatch,
    GenerateFrame,
    GetMetadata,
    GetStats,
    GetVideoFrame,
    ListModels,
    Metadata,
    Models,
    Shown,
    Stats,
    SwitchProtocol,
    VideoFrame,
)
from lipstream.wire.dialects.window import read_window


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers every question of these dialects."""

    core: Core
    """Paints."""
    avatars: Avatars
    """Who can be shown."""
    stats: Callable[[], Stats]
    """How much was asked."""
    jpeg_quality: int = 75
    """Of whole pictures, 1 to 100."""

    def __call__(self, asked: Asked, call: Call) -> Answer:
        """Answer one message.

        Args:
            asked: what it asks.
            call: whose it is; its metadata `lipstream-output` chooses between `patch` and `frame`. Without it, a frame
                is whole where the answer cannot say where a patch belongs.

        Raises:
            LipstreamError: a field that cannot be used, or whatever `Core.speak` raises.
        """
        match asked:
            case GenerateFrame():
                answer: Answer = self._frame(asked, call)
            case GenerateBatch(frame_ids, name):
                speech = speech_by_number(name, frame_ids, None, call)
                answer = Batch(tuple(map(_shown, predictions(self.core, speech, call, self.jpeg_quality))))
            case GetStats():
                answer = self.stats()
            case SwitchProtocol():
                answer = asked
            case ListModels():
                snapshot, _ = self.avatars.statistics()
                answer = Models(tuple(one.name for one in snapshot.names if one.loaded))
            case GetMetadata(name):
                answer = self._metadata(name)
            case GetVideoFrame():
                answer = self._video_frame(asked)
            case _:
                assert_never(asked)
        return answer

    def _frame(self, asked: GenerateFrame, call: Call) -> Shown:
        output = {} if asked.placed else {OUTPUT_KEY: FULL_FRAME}
        call = replace(call, metadata={**output, **call.metadata})
        speech = speech_by_number(asked.model_name, [asked.frame_id], read_window(asked.audio), call)
        return _shown(*predictions(self.core, speech, call, self.jpeg_quality))

    def _metadata(self, name: str) -> Metadata:
        with self.avatars.registry.lease(name, counted=False) as avatar:
            return Metadata(name, len(avatar.clip), VIDEOS, avatar.face.bounds(avatar.clip.image(0), 0))

    def _video_frame(self, asked: GetVideoFrame) -> VideoFrame:
        video = asked.video_type or VIDEOS[0]
        with self.avatars.registry.lease(asked.model_name, counted=False) as avatar:
            image = filmed(avatar, asked.frame_id, video)
        return VideoFrame(asked.frame_id, video, encode_jpeg(image, quality=self.jpeg_quality, avatar=None))


def _shown(one: Prediction) -> Shown:
    return Shown(one.frame_id, one.data, one.bounds, one.shape, one.prepare_ms, one.inference_ms, one.composite_ms)
