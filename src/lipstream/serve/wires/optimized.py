"""`optimized_lipsyncsrv.OptimizedLipSyncService`: frame numbers and audio in, JPEG faces to draw over frames out."""

from dataclasses import dataclass

from lipstream.errors import InputError
from lipstream.serve.call import Call
from lipstream.serve.core import Speech
from lipstream.serve.wires.asked import attempt
from lipstream.serve.wires.numbered import MAX_FRAMES, Prediction, predictions, speech_by_number
from lipstream.serve.wires.packages import Packages
from lipstream.wire.pb import optimized_lipsyncsrv_pb2 as pb
from lipstream.wire.recording import read_chunks

SERVICE = pb.DESCRIPTOR.services_by_name["OptimizedLipSyncService"]


@dataclass(frozen=True, eq=False)
class Optimized(Packages):
    """The reference's calls by frame number; without audio they show the avatar's own speech features, or its rest."""

    def generate_inference(self, request: pb.OptimizedInferenceRequest, call: Call) -> pb.OptimizedInferenceResponse:
        """Paint one frame."""

        def paint() -> pb.OptimizedInferenceResponse:
            speech = speech_by_number(request.model_name, [request.frame_id], None, call)
            return self._batch(speech, call).responses[0]

        return attempt(paint, lambda error: _failed(request.model_name, request.frame_id, error))

    def stream_inference(self, request: pb.OptimizedInferenceRequest, call: Call) -> pb.OptimizedInferenceResponse:
        """Paint one frame of a stream of them."""
        return self.generate_inference(request, call)

    def generate_batch_inference(self, request: pb.BatchInferenceRequest, call: Call) -> pb.BatchInferenceResponse:
        """Paint frames by number."""

        def paint() -> pb.BatchInferenceResponse:
            return self._batch(speech_by_number(request.model_name, request.frame_ids, None, call), call)

        return attempt(paint, lambda error: _all_failed(request.model_name, error))

    def generate_batch_with_audio(
        self, request: pb.BatchInferenceWithAudioRequest, call: Call
    ) -> pb.BatchInferenceResponse:
        """Paint frames that say the chunks of audio around them."""

        def paint() -> pb.BatchInferenceResponse:
            if not request.model_name:
                raise InputError("model_name is required")
            if not 1 <= request.frame_count <= MAX_FRAMES:
                raise InputError(f"frame_count must be 1-{MAX_FRAMES}, got {request.frame_count}")
            if request.start_frame_id < 0:
                raise InputError(f"start_frame_id must be 0 or more, got {request.start_frame_id}")
            sound = read_chunks(request.audio_chunks, frames=request.frame_count)
            first, frames = request.start_frame_id, request.frame_count
            return self._batch(Speech(request.model_name, frames, first, sound=sound, client=call.client), call)

        return attempt(paint, lambda error: _all_failed(request.model_name, error))

    def _batch(self, speech: Speech, call: Call) -> pb.BatchInferenceResponse:
        start_ms = self.core.now_ms()
        responses = [_response(speech.avatar, one) for one in predictions(self.core, speech, call, self.jpeg_quality)]
        total_ms = self.core.now_ms() - start_ms
        return pb.BatchInferenceResponse(
            responses=responses,
            total_processing_time_ms=round(total_ms),
            avg_frame_time_ms=total_ms / len(responses),
        )


def _response(name: str, one: Prediction) -> pb.OptimizedInferenceResponse:
    return pb.OptimizedInferenceResponse(
        success=True,
        prediction_data=one.data,
        bounds=one.bounds,
        processing_time_ms=round(one.total_ms),
        model_name=name,
        frame_id=one.frame_id,
        prediction_shape=one.shape,
        prepare_time_ms=one.prepare_ms,
        inference_time_ms=one.inference_ms,
        composite_time_ms=one.composite_ms,
    )


def _failed(name: str, frame_id: int, error: str) -> pb.OptimizedInferenceResponse:
    return pb.OptimizedInferenceResponse(success=False, model_name=name, frame_id=frame_id, error=error)


def _all_failed(name: str, error: str) -> pb.BatchInferenceResponse:
    """One answer for the whole batch, for the batch itself has no field to say it."""
    return pb.BatchInferenceResponse(responses=[_failed(name, 0, error)])
