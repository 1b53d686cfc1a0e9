"""`monolithic.MonolithicService`: audio and frame numbers in, finished frames out."""

from dataclasses import dataclass

from lipstream.serve.access import for_admins
from lipstream.serve.avatars import Avatars, gpu_of
from lipstream.serve.call import Call
from lipstream.serve.core import Core
from lipstream.serve.wires.asked import JPEGS, Asked, WholeFrames, answer_batch, in_band
from lipstream.wire.pb import monolithic_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["MonolithicService"]
MEGABYTE = 2**20


@dataclass(frozen=True, eq=False)
class Monolithic:
    """The reference's one-process server, in its own messages."""

    core: Core
    """Paints."""
    avatars: Avatars
    """Who can be shown."""
    frames: WholeFrames = JPEGS
    """How the frames are sent."""

    @in_band(pb.CompositeBatchResponse)
    def infer_batch_composite(self, request: pb.CompositeBatchRequest, call: Call) -> pb.CompositeBatchResponse:
        """Paint a batch of frames."""
        asked = Asked.of(request, request.start_frame_idx)
        answered = answer_batch(self.core, asked, call, self.frames.encode)
        return pb.CompositeBatchResponse(**answered.composite(self.avatars.gpu(request.model_id)))

    def list_models(self, request: pb.ListModelsRequest, call: Call) -> pb.ListModelsResponse:  # noqa: ARG002
        """All avatars, loaded or not."""
        _, statistics = self.avatars.statistics()
        models = [
            pb.ModelInfo(
                model_id=name,
                loaded=one.loaded,
                gpu_id=gpu_of(one.device),
                memory_mb=one.size_bytes // MEGABYTE,
                request_count=one.requests,
                avg_inference_ms=one.mean_generator_ms,
            )
            for name, one in statistics.items()
        ]
        return pb.ListModelsResponse(models=models)

    @for_admins
    @in_band(pb.LoadModelResponse)
    def load_model(self, request: pb.LoadModelRequest, call: Call) -> pb.LoadModelResponse:  # noqa: ARG002
        """Load an avatar, so that its first request need not wait."""
        loaded = self.avatars.load(request.model_id, request.preferred_gpu)
        return pb.LoadModelResponse(success=True, gpu_id=gpu_of(loaded.device), load_time_ms=loaded.load_ms)

    @for_admins
    @in_band(pb.UnloadModelResponse)
    def unload_model(self, request: pb.UnloadModelRequest, call: Call) -> pb.UnloadModelResponse:  # noqa: ARG002
        """Unload an avatar; requests that use it go on to their end."""
        self.avatars.unload(request.model_id)
        return pb.UnloadModelResponse(success=True)

    def get_model_stats(self, request: pb.GetModelStatsRequest, call: Call) -> pb.GetModelStatsResponse:  # noqa: ARG002
        """How every avatar was used."""
        _, statistics = self.avatars.statistics()
        models = [
            pb.ModelStats(
                model_id=name,
                loaded=one.loaded,
                gpu_id=gpu_of(one.device),
                memory_mb=one.size_bytes // MEGABYTE,
                request_count=one.requests,
                total_inference_ms=round(one.generator_ms),
                avg_inference_ms=one.mean_generator_ms,
                last_used_timestamp=(one.last_used_unix_ms or 0) // 1000,
            )
            for name, one in statistics.items()
        ]
        return pb.GetModelStatsResponse(models=models)

    def health(self, request: pb.HealthRequest, call: Call) -> pb.HealthResponse:  # noqa: ARG002
        """Whether it serves, and how full it is."""
        snapshot, _ = self.avatars.statistics()
        return pb.HealthResponse(healthy=True, loaded_models=snapshot.loaded, max_models=snapshot.limits.count or 0)
