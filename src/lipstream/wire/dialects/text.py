"""Text in, the form of JSON it has out: an `action`, `batch_frames`, a `type`, or without any of them one frame."""

from dataclasses import dataclass

from pydantic_core import from_json

from lipstream.errors import InputError
from lipstream.wire.dialects.asked import Answer, Asked, Opened, Told
from lipstream.wire.dialects.fields import failure
from lipstream.wire.dialects.frames import Action, Batched, Inference
from lipstream.wire.dialects.questions import Question

MOST_CHARACTERS = 1_000_000
"""Of one message: ten times what the largest sound takes, and not yet much memory when it is taken apart."""
INFERENCE = "inference"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is no JSON object; the form that most clients understand says so."""

    fault: str
    """Why."""
    dialect = "json"

    def asked(self) -> Asked:
        """Raises InputError."""
        raise InputError(self.fault)

    def answer(self, answer: Answer, told: Told) -> str:  # noqa: ARG002  there never is any
        """Raises InputError."""
        raise InputError(self.fault)

    def failed(self, error: str, told: Told) -> str:
        """Write why it is not answered."""
        return failure(error, told)


def opened_text(message: str | bytes) -> Opened:
    """A message in JSON, as far as to know its form; whatever it is, it has one."""
    if len(message) > MOST_CHARACTERS:
        return Unreadable(f"The message has {len(message):,} characters; expected at most {MOST_CHARACTERS:,}.")
    try:
        fields = from_json(message)
    except ValueError as error:
        return Unreadable(f"The message is no JSON ({error}).")
    if not isinstance(fields, dict):
        return Unreadable("The message is no JSON object; expected one with model_name, frame_id and audio_override.")
    if "action" in fields:
        return Action(fields)
    if "batch_frames" in fields:
        return Batched(fields)
    return Inference(fields) if fields.get("type") in (None, "", INFERENCE) else Question(fields)
