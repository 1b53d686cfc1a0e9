"""JSON that asks for frames in, what it asks out; finished pictures back into JSON.

An answer has the keys of all the reference's servers that know the question, so that it does for the clients of each.
"""

from pydantic import BaseModel, StrictBool, StrictStr

from lipstream.errors import InputError
from lipstream.wire.dialects.asked import Answer, Batch, GenerateBatch, GenerateFrame, Shown, Told
from lipstream.wire.dialects.fields import Fields, FrameId, JsonMessage, Named, decoded, encoded, expected, text_of

GENERATE = "generate_frame"


class _Frame(Named):
    frame_id: FrameId = 0
    audio_override: StrictStr = ""


class _Numbered(BaseModel):
    frame_id: FrameId


class _Batch(Named):
    batch_frames: list[_Numbered]


class _Action(Named):
    frame_id: FrameId = 0
    audio_data: StrictStr = ""
    use_real_audio: StrictBool = True


class Inference(JsonMessage):
    """One frame: the first server's form, which the others answer too."""

    def asked(self) -> GenerateFrame:
        """Read it; raises InputError if a field is of another type or no base64."""
        read = self.read(_Frame)
        return GenerateFrame(read.frame_id, decoded(read.audio_override, "audio_override"), read.model)

    def answer(self, answer: Answer, told: Told) -> str:
        """Write the picture."""
        shown = expected(Shown, answer)
        return text_of(
            {
                "success": True,
                "model_name": self.read(Named).model,
                **_shown(shown),
                "prediction_shape": shown.shape,
                "processing_time_ms": round(told.processing_ms, 2),
                "prepare_time_ms": round(shown.prepare_ms, 2),
                "inference_time_ms": round(shown.inference_ms, 2),
                "composite_time_ms": round(shown.composite_ms, 2),
                "request_id": told.request_id,
                "protocol": "json_fallback",
            }
        )


class Batched(JsonMessage):
    """Several frames without sound."""

    def asked(self) -> GenerateBatch:
        """Read it; raises InputError if a field is of another type."""
        read = self.read(_Batch)
        return GenerateBatch(tuple(one.frame_id for one in read.batch_frames), read.model)

    def answer(self, answer: Answer, told: Told) -> str:
        """Write the pictures."""
        frames, took_ms = expected(Batch, answer).frames, told.processing_ms
        return text_of(
            {
                "success": True,
                "batch": True,
                "model_name": self.read(Named).model,
                "batch_size": len(frames),
                "frames": [_shown(one) for one in frames],
                "total_processing_time_ms": round(took_ms, 2),
                "average_frame_time_ms": round(took_ms / len(frames), 2),
                "batch_fps": round(1000 * len(frames) / took_ms, 2) if took_ms else 0.0,
                "request_id": told.request_id,
            }
        )


class Action(JsonMessage):
    """One frame, as the reference's real-time design asks for it: with no bounds in the answer."""

    def asked(self) -> GenerateFrame:
        """Read it; raises InputError if it asks for something else, a field is of another type or no base64."""
        if (action := self.fields["action"]) != GENERATE:
            raise InputError(f"action is {str(action)[:40]!r}; expected {GENERATE}.")
        read = self.read(_Action)
        audio = decoded(read.audio_data, "audio_data") if read.use_real_audio else b""
        return GenerateFrame(read.frame_id, audio, read.model, placed=False)

    def answer(self, answer: Answer, told: Told) -> str:
        """Write the picture."""
        shown = expected(Shown, answer)
        picture = {"frame_id": shown.frame_id, "frame_data": encoded(shown.jpeg)}
        return text_of({"success": True, **picture, **_counted(told)})

    def failed(self, error: str, told: Told) -> str:
        """Write why it is not answered."""
        sent = self.fields.get("frame_id")
        frame_id = sent if type(sent) is int else 0
        return text_of({"success": False, "frame_id": frame_id, "error": error, **_counted(told)})


def _shown(one: Shown) -> Fields:
    return {
        "frame_id": one.frame_id,
        "prediction_data": encoded(one.jpeg),
        "bounds": one.bounds,
        "metadata": {"prediction_shape": one.shape},
    }


def _counted(told: Told) -> Fields:
    return {"processing_time": round(told.processing_ms, 2), "inference_count": told.pictures}
