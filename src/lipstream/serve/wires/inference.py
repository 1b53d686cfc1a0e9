"""`inference.InferenceService`: pictures and audio in, bare mouths of 320 x 320 float32 out."""

from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

from lipstream import __version__
from lipstream.errors import InputError
from lipstream.serve.avatars import gpu_of
from lipstream.serve.call import Call
from lipstream.serve.core import Core, Painted
from lipstream.serve.usage import NameStatistics
from lipstream.serve.wires.asked import Asked, answer_batch, in_band
from lipstream.serve.wires.models import Models
from lipstream.wire.pb import inference_pb2 as pb
from lipstream.wire.tensors import mouth_region

SERVICE = pb.DESCRIPTOR.services_by_name["InferenceService"]
START_KEY = "lipstream-start-frame"
"""Metadata that says where a batch begins in its recording and its clip, for which the contract has no field."""


@dataclass(frozen=True, eq=False)
class Inference(Models):
    """The reference's inference server; the mouth is painted at rest too, for what hides under it is not sent."""

    core: Core
    """Paints."""
    messages: ClassVar[ModuleType] = pb

    @in_band(pb.InferBatchResponse)
    def infer_batch(self, request: pb.InferBatchRequest, call: Call) -> pb.InferBatchResponse:
        """Paint the mouths of a batch."""
        asked = Asked.of(request, _start_frame(call))
        answered = answer_batch(self.core, asked, call, mouth_of, mouths_only=True)
        return pb.InferBatchResponse(
            outputs=[pb.RawMouthRegion(data=data) for data in answered.pictures],
            inference_time_ms=answered.inference_ms,
            audio_processing_ms=answered.spent.audio_ms,
            success=True,
            gpu_id=self.avatars.gpu(request.model_id),
        )

    def health(self, request: pb.HealthRequest, call: Call) -> pb.HealthResponse:  # noqa: ARG002
        """Whether it serves, and on what."""
        snapshot, _ = self.avatars.statistics()
        gpus = []
        for device in self.avatars.gpus:
            held = [one for one in snapshot.names if one.loaded and one.device == device]
            used_bytes = sum(one.size_bytes for one in held)
            gpus.append(
                pb.GPUInfo(gpu_id=gpu_of(device), name=device, used_memory_bytes=used_bytes, loaded_models=len(held))
            )
        return pb.HealthResponse(
            healthy=True,
            cuda_available=bool(gpus),
            loaded_models=snapshot.loaded,
            max_models=snapshot.limits.count or 0,
            gpu_count=len(gpus),
            version=__version__,
            gpus=gpus,
        )

    def _info(self, name: str, one: NameStatistics) -> pb.ModelInfo:
        return pb.ModelInfo(model_id=name, loaded=one.loaded, stats=self._stats(one), gpu_id=gpu_of(one.device))


def mouth_of(painted: Painted) -> bytes:
    """The bytes of the mouth of a picture that was asked for with `mouths_only`."""
    if painted.patch is None:
        raise AssertionError("a mouth was asked for and none was painted")
    return mouth_region(painted.patch)


def _start_frame(call: Call) -> int:
    sent = call.metadata.get(START_KEY, "0")
    if not sent.isascii() or not sent.isdecimal() or len(sent) > 9:
        raise InputError(f"metadata {START_KEY} is {sent[:40]!r}; expected a frame number from 0 to 999999999")
    return int(sent)
