"""Package `lipsync`: driving pictures and features in, bare mouths or finished PNG frames out."""

from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import numpy as np

from lipstream import __version__
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Call
from lipstream.serve.core import Core, Painted
from lipstream.serve.wires.asked import DEFAULT_AVATAR, Asked, answer_batch, in_band
from lipstream.serve.wires.inference import mouth_of
from lipstream.serve.wires.models import Models
from lipstream.video.png import encode_png
from lipstream.wire.pb import lipsync_pb2 as pb
from lipstream.wire.pb import lipsyncsrv_pb2
from lipstream.wire.tensors import packed_floats

MOUTHS = pb.DESCRIPTOR.services_by_name["LipSync"]
COMPOSITE = pb.DESCRIPTOR.services_by_name["LipSyncComposite"]
TENANTS = pb.DESCRIPTOR.services_by_name["MultiTenantLipSync"]
MAX_BATCH = 25

BatchRequest = pb.BatchRequest | pb.CompositeBatchRequest | lipsyncsrv_pb2.BatchRequest
BatchResponse = pb.BatchResponse | lipsyncsrv_pb2.BatchResponse


@dataclass(frozen=True, eq=False)
class Mouths:
    """`lipsync.LipSync` of the reference: the mouths of the one avatar that is called `default_model`."""

    core: Core
    """Paints."""
    avatars: Avatars
    """Who can be shown."""

    @in_band(pb.BatchResponse)
    def infer_batch(self, request: pb.BatchRequest, call: Call) -> pb.BatchResponse:
        """Paint the mouths of a batch."""
        answer = pb.BatchResponse(success=True)
        fill_with_mouths(answer, self.core, request, call)
        return answer

    def health(self, request: pb.HealthRequest, call: Call) -> pb.HealthResponse:  # noqa: ARG002
        """Whether it serves, and whom."""
        name = self.avatars.registry.resolve(DEFAULT_AVATAR)
        return pb.HealthResponse(healthy=True, model_path=name, cuda_available=bool(self.avatars.gpus))


@dataclass(frozen=True, eq=False)
class Composites:
    """`lipsync.LipSyncComposite` of the reference: whole frames of the same avatar."""

    core: Core
    """Paints."""

    @in_band(pb.CompositeBatchResponse)
    def infer_batch_composite(self, request: pb.CompositeBatchRequest, call: Call) -> pb.CompositeBatchResponse:
        """Paint a batch of frames."""
        answered = answer_batch(self.core, asked_by(request), call, _png, max_batch=MAX_BATCH)
        return pb.CompositeBatchResponse(
            composited_frames=answered.pictures,
            inference_time_ms=answered.inference_ms,
            composite_time_ms=answered.composite_ms,
            total_time_ms=answered.total_ms,
            success=True,
        )

    def health(self, request: pb.HealthRequest, call: Call) -> pb.CompositeHealthResponse:  # noqa: ARG002
        """Whether it serves."""
        return pb.CompositeHealthResponse(healthy=True, message=f"lipstream {__version__}")


@dataclass(frozen=True, eq=False)
class Tenants(Models):
    """`lipsync.MultiTenantLipSync` of the reference: whole frames of any avatar."""

    core: Core
    """Paints."""
    messages: ClassVar[ModuleType] = pb

    @in_band(pb.TenantCompositeBatchResponse)
    def infer_batch_composite(
        self, request: pb.TenantCompositeBatchRequest, call: Call
    ) -> pb.TenantCompositeBatchResponse:
        """Paint a batch of frames."""
        asked = Asked(
            request.model_id,
            request.batch_size,
            request.visual_frames,
            request.audio_features,
            start_frame_idx=request.start_frame_idx,
        )
        answered = answer_batch(self.core, asked, call, _png, max_batch=MAX_BATCH)
        return pb.TenantCompositeBatchResponse(
            composited_frames=answered.pictures,
            inference_time_ms=answered.inference_ms,
            composite_time_ms=answered.composite_ms,
            total_time_ms=answered.total_ms,
            model_loaded=True,
            model_load_time_ms=answered.spent.load_ms,
            success=True,
        )

    def health(self, request: pb.HealthRequest, call: Call) -> pb.TenantHealthResponse:  # noqa: ARG002
        """Whether it serves, and how full it is."""
        snapshot, _ = self.avatars.statistics()
        return pb.TenantHealthResponse(
            healthy=True,
            cuda_available=bool(self.avatars.gpus),
            loaded_models=snapshot.loaded,
            max_models=snapshot.limits.count or 0,
            version=__version__,
        )


def asked_by(request: BatchRequest) -> Asked:
    """What a request without a name asks: the avatar called `default_model`."""
    return Asked(
        DEFAULT_AVATAR,
        request.batch_size,
        request.visual_frames,
        request.audio_features,
        start_frame_idx=request.start_frame_idx,
    )


def fill_with_mouths(answer: BatchResponse, core: Core, request: BatchRequest, call: Call) -> None:
    """Paint the mouths of a batch into field 1 of its answer, `[b, 3, 320, 320]` as `repeated float`."""
    answered = answer_batch(core, asked_by(request), call, mouth_of, max_batch=MAX_BATCH, mouths_only=True)
    mouths = np.frombuffer(b"".join(answered.pictures), "<f4")
    answer.MergeFromString(packed_floats(answer.DESCRIPTOR.fields_by_name["output_frames"].number, mouths))
    answer.inference_time_ms = answered.inference_ms


def _png(painted: Painted) -> bytes:
    return encode_png(painted.image)
