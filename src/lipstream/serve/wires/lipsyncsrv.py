"""`lipsyncsrv.LipSyncService`: frame numbers and sound in base64 in, JPEG faces to draw over frames out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lipstream import __version__
from lipstream.errors import InputError
from lipstream.serve.access import for_admins
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Call
from lipstream.serve.core import Core
from lipstream.serve.wires.asked import attempt, in_band
from lipstream.serve.wires.lipsync import fill_with_mouths
from lipstream.serve.wires.numbered import Prediction, predictions, sound_of, speech_by_number
from lipstream.serve.wires.packages import packaged
from lipstream.wire.pb import lipsyncsrv_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["LipSyncService"]


@dataclass(frozen=True, eq=False)
class LipSyncService:
    """The calls of three servers of the reference that share this name; where they differ, the token server's."""

    core: Core
    """Paints."""
    avatars: Avatars
    """Who can be shown."""
    home: Path
    """Folder whose `avatars` folder holds the installed ones."""
    jpeg_quality: int = 75
    """Of whole frames, 1 to 100."""
    max_audio_s: float = 600
    """The longest sound of a request."""

    def generate_inference(self, request: pb.InferenceRequest, call: Call) -> pb.InferenceResponse:
        """Paint one frame."""
        name, frame_id = request.model_name, request.frame_id
        return attempt(
            lambda: _response(name, self._paint(name, [frame_id], request.audio_data, "audio_data", call)[0]),
            lambda error: pb.InferenceResponse(success=False, error=error, model_name=name, frame_id=frame_id),
        )

    def generate_batch_inference(self, request: pb.BatchInferenceRequest, call: Call) -> pb.BatchInferenceResponse:
        """Paint frames by number; the batch has no field for an error, so that one answer in it says it."""
        name = request.model_name

        def paint() -> pb.BatchInferenceResponse:
            painted = self._paint(name, request.frame_ids, request.audio_data, "audio_data", call)
            return pb.BatchInferenceResponse(responses=[_response(name, one) for one in painted])

        def failed(error: str) -> pb.BatchInferenceResponse:
            one = pb.InferenceResponse(success=False, error=error, model_name=name)
            return pb.BatchInferenceResponse(responses=[one])

        return attempt(paint, failed)

    def check_health(self, request: pb.HealthRequest, call: Call) -> pb.HealthResponse:  # noqa: ARG002
        """Whether it serves."""
        return pb.HealthResponse(status="healthy", version=__version__)

    def stream_inference(self, request: pb.StreamInferenceRequest, call: Call) -> pb.StreamInferenceResponse:
        """Paint one frame of a stream of them."""
        name, frame_id = request.model_name, request.frame_id

        def paint() -> pb.StreamInferenceResponse:
            was_loaded = self.avatars.is_loaded(name)
            one = self._paint(name, [frame_id], request.audio_override, "audio_override", call)[0]
            return pb.StreamInferenceResponse(
                success=True,
                prediction_data=one.data,
                bounds=one.bounds,
                processing_time_ms=round(one.total_ms),
                model_name=name,
                frame_id=frame_id,
                auto_loaded=not was_loaded,
                prediction_shape=one.shape,
            )

        return attempt(
            paint,
            lambda error: pb.StreamInferenceResponse(success=False, error=error, model_name=name, frame_id=frame_id),
        )

    @for_admins
    def load_model(self, request: pb.LoadModelRequest, call: Call) -> pb.LoadModelResponse:
        """Load an avatar by its name, or by the path of its package for callers who may name one.

        An `audio_override` is checked and not kept: other clients of the avatar would say it too.
        """

        def load() -> pb.LoadModelResponse:
            sound_of(request.audio_override, [0], "audio_override", self.max_audio_s)
            name = packaged(request.package_path, self.home, call) if request.package_path else request.model_name
            if not name:
                raise InputError("model_name is required")
            loaded = self.avatars.load(name)
            kept = "; send audio_override with every request, it is not kept" if request.audio_override else ""
            return pb.LoadModelResponse(
                success=True,
                model_name=request.model_name or name,
                message=f"{name} is loaded{kept}",
                initialization_time_ms=round(loaded.load_ms),
            )

        return attempt(
            load,
            lambda error: pb.LoadModelResponse(success=False, error=error, model_name=request.model_name),
        )

    @in_band(pb.BatchResponse)
    def process_batch(self, request: pb.BatchRequest, call: Call) -> pb.BatchResponse:
        """Paint the mouths of a batch, of the avatar called `default_model`."""
        answer = pb.BatchResponse(success=True)
        fill_with_mouths(answer, self.core, request, call)
        return answer

    def _paint(self, name: str, frame_ids: Sequence[int], encoded: str, field: str, call: Call) -> list[Prediction]:
        speech = speech_by_number(name, frame_ids, sound_of(encoded, frame_ids, field, self.max_audio_s), call)
        return list(predictions(self.core, speech, call, self.jpeg_quality))


def _response(name: str, one: Prediction) -> pb.InferenceResponse:
    return pb.InferenceResponse(
        success=True,
        prediction_data=one.data,
        bounds=one.bounds,
        model_name=name,
        prediction_shape=one.shape,
        frame_id=one.frame_id,
    )
