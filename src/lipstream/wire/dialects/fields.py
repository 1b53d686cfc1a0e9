"""A JSON object in, its checked fields out; and what every JSON message of the dialects shares."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError
from pydantic_core import to_json

from lipstream.errors import InputError
from lipstream.wire.dialects.asked import DEFAULT_MODEL, Answer, Told
from lipstream.wire.dialects.binary import MOST_U32

Fields: TypeAlias = Mapping[str, Any]
FrameId = Annotated[StrictInt, Field(ge=0, le=MOST_U32)]


class Named(BaseModel):
    """What most messages say: whom they mean."""

    model_config = ConfigDict(frozen=True)

    model_name: StrictStr = ""
    """Name of the avatar; empty for the default."""

    @property
    def model(self) -> str:
        """The name that counts."""
        return self.model_name or DEFAULT_MODEL


_Read = TypeVar("_Read", bound=BaseModel)
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class JsonMessage:
    """One message that is an object."""

    fields: Fields
    """The whole of it."""
    dialect = "json"

    def failed(self, error: str, told: Told) -> str:
        """Write why it is not answered."""
        return failure(error, told)

    def read(self, kind: type[_Read]) -> _Read:
        """Its fields, checked; raises InputError if one is of another type or out of its range."""
        try:
            return kind.model_validate(self.fields)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            raise InputError(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}.") from error


def failure(error: str, told: Told) -> str:
    """An error as most clients read it."""
    took_ms = round(told.processing_ms, 2)
    return text_of({"success": False, "error": error, "processing_time_ms": took_ms, "request_id": told.request_id})


def expected(kind: type[_Kind], answer: Answer) -> _Kind:
    """An answer that can only be of one kind."""
    if not isinstance(answer, kind):
        raise TypeError(f"{type(answer).__name__} is no answer here; expected {kind.__name__}")
    return answer


def decoded(encoded: str, name: str) -> bytes:
    """The bytes of a field in base64; raises InputError if it is none."""
    try:
        return b64decode(encoded, validate=True)
    except ValueError as error:
        raise InputError(f"{name} is no base64 ({error}); expected samples as bytes, in base64.") from error


def encoded(jpeg: bytes) -> str:
    """A picture in base64."""
    return b64encode(jpeg).decode("ascii")


def text_of(fields: Fields) -> str:
    """An object as text."""
    return to_json(fields).decode()
