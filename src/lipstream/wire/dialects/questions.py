"""JSON with a `type` in, what it asks of the server out; the answers back into JSON, and one of them into bytes."""

from typing import Annotated

from pydantic import Field, StrictInt, StrictStr

from lipstream.errors import InputError
from lipstream.wire.dialects.asked import (
    Answer,
    Asked,
    GetMetadata,
    GetStats,
    GetVideoFrame,
    ListModels,
    Metadata,
    Models,
    Stats,
    SwitchProtocol,
    Told,
    VideoFrame,
)
from lipstream.wire.dialects.binary import filmed
from lipstream.wire.dialects.fields import JsonMessage, Named, text_of

MOST_I32 = 2**31 - 1


class _Filmed(Named):
    frame_id: Annotated[StrictInt, Field(ge=0, le=MOST_I32)] = 0
    video_type: StrictStr = ""


class Question(JsonMessage):
    """Whatever has a `type`."""

    def asked(self) -> Asked:
        """Read it; raises InputError if there is no such type, or a field is of another type."""
        match self.fields["type"]:
            case "get_stats":
                return GetStats()
            case "switch_to_binary":
                return SwitchProtocol()
            case "test_binary":
                return SwitchProtocol(test=True)
            case "list_models":
                return ListModels()
            case "get_metadata":
                return GetMetadata(self.read(Named).model)
            case "get_video_frame":
                read = self.read(_Filmed)
                return GetVideoFrame(read.frame_id, read.video_type, read.model)
            case other:
                raise InputError(f"There is no type {str(other)[:40]!r} of message.")

    def answer(self, answer: Answer, told: Told) -> str | bytes:  # noqa: ARG002  has no place for it
        """Write it."""
        match answer:
            case Stats():
                return statistics(answer)
            case SwitchProtocol():
                return _protocol(answer)
            case Models(names):
                return text_of({"type": "model_list", "models": names, "count": len(names)})
            case Metadata():
                return _metadata(answer)
            case VideoFrame():
                return filmed(answer)
        raise TypeError(f"{type(answer).__name__} answers no message with a type")

    def failed(self, error: str, told: Told) -> str:  # noqa: ARG002  has no place for it
        """Write why it is not answered."""
        if self.fields["type"] != "get_metadata":
            return text_of({"type": "error", "error": error})
        name = str(self.fields.get("model_name") or "")[:100]
        return text_of({"type": "metadata", "success": False, "model_name": name, "error": error})


def statistics(stats: Stats) -> str:
    """Write how much was asked, which servers also say unasked."""
    total = stats.binary_requests + stats.json_requests
    return text_of(
        {
            "type": "stats",
            "total_requests": total,
            "binary_requests": stats.binary_requests,
            "json_requests": stats.json_requests,
            "binary_percentage": round(100 * stats.binary_requests / total, 1) if total else 0.0,
            "average_time_ms": round(stats.average_ms, 2),
            "connected_clients": stats.connected_clients,
        }
    )


def _protocol(switch: SwitchProtocol) -> str:
    """Nothing is switched: every message is answered as it is written."""
    if switch.test:
        return text_of({"type": "protocol_ack", "message": "Binary messages are understood."})
    return text_of(
        {
            "type": "protocol_info",
            "binary_supported": True,
            "binary_protocol_version": "1.0",
            "message": "Binary messages are answered in binary and JSON in JSON, on the same socket.",
        }
    )


def _metadata(one: Metadata) -> str:
    return text_of(
        {
            "type": "metadata",
            "success": True,
            "model_name": one.model_name,
            "frame_count": one.frames,
            "available_videos": one.videos,
            "audio_path": "",
            "bounds": one.bounds,
        }
    )
