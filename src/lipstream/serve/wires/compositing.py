"""`compositing.CompositingService`: audio and frame numbers in, frames out; the networks are here or elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

from lipstream import __version__
from lipstream.serve.call import Call
from lipstream.serve.wires.asked import JPEGS, Asked, Speaker, WholeFrames, answer_batch, in_band
from lipstream.serve.wires.models import Models
from lipstream.wire.pb import compositing_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["CompositingService"]


@dataclass(frozen=True, eq=False)
class Compositing(Models):
    """The reference's compositing server, in its own messages."""

    core: Speaker
    """Paints, with networks of its own or those of an inference process."""
    frames: WholeFrames = JPEGS
    """How the frames are sent."""
    inference_url: str = ""
    """HOST:PORT of the inference process; empty where the networks run here."""
    inference_healthy: Callable[[], bool] = lambda: True
    """Whether the networks can be asked."""
    messages: ClassVar[ModuleType] = pb

    @in_band(pb.CompositeBatchResponse)
    def infer_batch_composite(self, request: pb.CompositeBatchRequest, call: Call) -> pb.CompositeBatchResponse:
        """Paint a batch of frames."""
        asked = Asked.of(request, request.start_frame_idx)
        answered = answer_batch(self.core, asked, call, self.frames.encode)
        return pb.CompositeBatchResponse(**answered.composite(self.avatars.gpu(request.model_id)))

    def health(self, request: pb.HealthRequest, call: Call) -> pb.HealthResponse:  # noqa: ARG002
        """Whether it serves, and whether the networks can be asked."""
        snapshot, _ = self.avatars.statistics()
        asked = self.inference_healthy()
        return pb.HealthResponse(
            healthy=asked,
            inference_server_healthy=asked,
            loaded_models=snapshot.loaded,
            max_models=snapshot.limits.count or 0,
            version=__version__,
            inference_server_url=self.inference_url,
        )
