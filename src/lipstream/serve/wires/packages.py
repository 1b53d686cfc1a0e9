"""Names and folders of avatars in, what they are and their filmed pictures out: half of OptimizedLipSyncService."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lipstream.avatar.registry import ARCHIVE_SUFFIX
from lipstream.errors import InputError
from lipstream.pipeline.avatar import Avatar
from lipstream.render.face import crop_of
from lipstream.serve.access import for_admins
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Call
from lipstream.serve.core import Core
from lipstream.serve.names import package_dir
from lipstream.serve.usage import NameStatistics
from lipstream.serve.wires.asked import in_band
from lipstream.types import Image
from lipstream.video.jpeg import encode_jpeg
from lipstream.wire.pb import optimized_lipsyncsrv_pb2 as pb

VIDEOS = ("full_body_img", "rois_320", "model_inputs")
"""What GetVideoFrame shows: the frame as filmed, its crop of 320 x 320, and that crop with the mouth hidden."""


@dataclass(frozen=True, eq=False)
class Packages:
    """The calls that load and look at avatars; a look is no request, as the statistics count them."""

    core: Core
    """Paints."""
    avatars: Avatars
    """Who can be shown."""
    home: Path
    """Folder whose `avatars` folder holds the installed ones."""
    jpeg_quality: int = 75
    """Of whole frames, 1 to 100."""
    _start_ms: float = field(init=False)

    def __post_init__(self) -> None:
        """Note when it began, for its uptime."""
        object.__setattr__(self, "_start_ms", self.core.now_ms())

    @for_admins
    @in_band(pb.LoadPackageResponse)
    def load_package(self, request: pb.LoadPackageRequest, call: Call) -> pb.LoadPackageResponse:
        """Load an avatar by its name, or by the folder of its package for callers who may name one."""
        name = packaged(request.package_dir, self.home, call) if request.package_dir else request.package_name
        if not name:
            raise InputError("package_name is required")
        loaded = self.avatars.load(name)
        with self.avatars.registry.lease(name, counted=False) as avatar:
            return pb.LoadPackageResponse(
                success=True,
                package_name=request.package_name or name,
                message=f"{avatar.name} is loaded",
                initialization_time_ms=round(loaded.load_ms),
                frame_count=len(avatar.clip),
                device=loaded.device or "",
                videos_loaded=VIDEOS,
            )

    def get_stats(self, request: pb.StatsRequest, call: Call) -> pb.StatsResponse:  # noqa: ARG002
        """How an avatar was used; raises AvatarNotFoundError, for the answer has no field to say so."""
        one = self.avatars.named(request.model_name)
        frames, optimizations = 0, list[str]()
        if one.loaded:
            with self.avatars.registry.lease(request.model_name, counted=False) as avatar:
                frames, optimizations = len(avatar.clip), _optimizations(avatar)
        return pb.StatsResponse(
            model_name=request.model_name,
            frame_count=frames,
            device=one.device or "",
            optimizations_active=optimizations,
            **_times(one),
        )

    def list_models(self, request: pb.ListModelsRequest, call: Call) -> pb.ListModelsResponse:  # noqa: ARG002
        """The avatars that are loaded."""
        snapshot, _ = self.avatars.statistics()
        names = [one.name for one in snapshot.names if one.loaded]
        return pb.ListModelsResponse(loaded_models=names, count=len(names))

    def health_check(self, request: pb.HealthRequest, call: Call) -> pb.HealthResponse:  # noqa: ARG002
        """Whether it serves, and since when."""
        snapshot, _ = self.avatars.statistics()
        uptime_s = int((self.core.now_ms() - self._start_ms) / 1000)
        return pb.HealthResponse(healthy=True, status="healthy", loaded_models=snapshot.loaded, uptime_seconds=uptime_s)

    @in_band(pb.GetVideoFrameResponse)
    def get_video_frame(self, request: pb.GetVideoFrameRequest, call: Call) -> pb.GetVideoFrameResponse:  # noqa: ARG002
        """A picture of the driving clip."""
        video = request.video_type or VIDEOS[0]
        if request.frame_id < 0:
            raise InputError(f"frame_id must be 0 or more, got {request.frame_id}")
        with self.avatars.registry.lease(_required(request.model_name), counted=False) as avatar:
            image = filmed(avatar, request.frame_id, video)
        return pb.GetVideoFrameResponse(
            success=True,
            frame_data=encode_jpeg(image, quality=self.jpeg_quality, avatar=None),
            frame_id=request.frame_id,
            video_type=video,
        )

    @in_band(pb.GetModelMetadataResponse)
    def get_model_metadata(
        self,
        request: pb.GetModelMetadataRequest,
        call: Call,  # noqa: ARG002
    ) -> pb.GetModelMetadataResponse:
        """How many pictures an avatar has, and where its face is in the first."""
        with self.avatars.registry.lease(_required(request.model_name), counted=False) as avatar:
            return pb.GetModelMetadataResponse(
                success=True,
                model_name=request.model_name,
                frame_count=len(avatar.clip),
                available_videos=VIDEOS,
                bounds=avatar.face.bounds(avatar.clip.image(0), 0),
            )


def packaged(sent: str, home: Path, call: Call) -> str:
    """The name of the avatar whose folder or `.avatar` file a caller names; raises what `package_dir` raises."""
    path = package_dir(sent, home, call.visitor.scopes)
    return path.stem if path.suffix == ARCHIVE_SUFFIX else path.name


def filmed(avatar: Avatar, number: int, video: str) -> Image:
    """A picture of the driving clip; raises InputError if there is no such view of it."""
    if video not in VIDEOS:
        raise InputError(f"video_type is {video[:40]!r}; expected one of {', '.join(VIDEOS)}")
    image = avatar.clip.image(number)
    match video:
        case "rois_320":
            return avatar.face.crop(image, number)
        case "model_inputs":
            return crop_of(avatar.face.visual([image], [number])[0])
    return image


def _optimizations(avatar: Avatar) -> list[str]:
    return [f"engine {avatar.engine}", f"precision {avatar.precision}", "batches shared by all clients"]


def _times(one: NameStatistics) -> dict[str, Any]:
    return {
        "total_requests": one.requests,
        "avg_inference_time_ms": one.mean_generator_ms,
        "min_inference_time_ms": one.fastest_ms,
        "max_inference_time_ms": one.slowest_ms,
    }


def _required(name: str) -> str:
    if not name:
        raise InputError("model_name is required")
    return name
