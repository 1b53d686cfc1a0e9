import base64
import json
import re
from collections.abc import Callable

import pytest
from dialect_client import (
    action_request,
    binary_request,
    checked_request,
    json_request,
    read_binary,
    read_checked,
    read_json,
)
from hypothesis import given
from hypothesis import strategies as st

from lipstream.errors import InputError
from lipstream.wire.dialects.asked import (
    Answer,
    Asked,
    Batch,
    GenerateBatch,
    GenerateFrame,
    GetMetadata,
    GetStats,
    GetVideoFrame,
    ListModels,
    Metadata,
    Models,
    Opened,
    Shown,
    Stats,
    SwitchProtocol,
    Told,
    VideoFrame,
)
from lipstream.wire.dialects.opening import opened
from lipstream.wire.dialects.text import MOST_CHARACTERS

JPEG = bytes.fromhex("ffd8 ffd9")
SHOWN = Shown(7, JPEG, (1.0, 2.0, 3.5, 4.0), "320x320x3", 1.0, 2.0, 3.0)
TOLD = Told("id", 12.4, 9)
U32 = st.integers(0, 2**32 - 1)

REQUESTS: dict[str, Asked] = {
    # u32 4, "iris", u32 7, u32 2, two bytes of audio
    "04000000 69726973 07000000 02000000 0102": GenerateFrame(7, b"\x01\x02", "iris"),
    # no name, no audio
    "00000000 ffffffff 00000000": GenerateFrame(2**32 - 1),
    # magic, type 1, u32 7, u32 2, audio, CRC-32 of 01 02
    "78563412 01 07000000 02000000 0102 9242ccb6": GenerateFrame(7, b"\x01\x02", placed=False),
    # no audio, whose CRC-32 is 0
    "78563412 01 00000000 00000000 00000000": GenerateFrame(0, placed=False),
    # JSON as bytes: {"frame_id":1}
    "7b226672616d655f6964223a317d": GenerateFrame(1),
}
ANSWERS = {
    # u8 1, u32 7, u32 12 ms, u32 4, JPEG, u32 16 bytes of bounds, 1 2 3.5 4
    "binary": "01 07000000 0c000000 04000000 ffd8ffd9 10000000 0000803f 00000040 00006040 00008040",
    # magic, type 2, u32 7, u32 4, JPEG, CRC-32 of the JPEG
    "checked": "78563412 02 07000000 04000000 ffd8ffd9 672af010",
}
FAILURES = {
    # u8 0, u32 0, u32 12 ms, u32 2, "no"
    "binary": "00 00000000 0c000000 02000000 6e6f",
    # magic, type 7F, the request's u32 7, u32 2, "no", CRC-32 of "no"
    "checked": "78563412 7f 07000000 02000000 6e6f 1f28aa67",
}
ASKS = {"binary": binary_request(b"", 7, b""), "checked": checked_request(7, b"")}

QUESTIONS: dict[str, Asked] = {
    "{}": GenerateFrame(0),
    '{"model_name": "iris", "frame_id": 3, "audio_override": "AQI=", "audio_position": 5}': GenerateFrame(
        3, b"\x01\x02", "iris"
    ),
    '{"type": "inference", "frame_id": 3}': GenerateFrame(3),
    '{"type": "", "model_name": ""}': GenerateFrame(0),
    '{"action": "generate_frame", "frame_id": 2, "audio_data": "AQI=", "use_real_audio": true}': GenerateFrame(
        2, b"\x01\x02", placed=False
    ),
    '{"action": "generate_frame", "frame_id": 2, "audio_data": "AQI=", "use_real_audio": false}': GenerateFrame(
        2, placed=False
    ),
    '{"model_name": "iris", "batch_frames": [{"frame_id": 4}, {"frame_id": 1}]}': GenerateBatch((4, 1), "iris"),
    '{"type": "get_stats"}': GetStats(),
    '{"type": "switch_to_binary"}': SwitchProtocol(),
    '{"type": "test_binary"}': SwitchProtocol(test=True),
    '{"type": "list_models"}': ListModels(),
    '{"type": "get_metadata", "model_name": "iris"}': GetMetadata("iris"),
    '{"type": "get_video_frame", "model_name": "iris", "frame_id": 4, "video_type": "rois_320"}': GetVideoFrame(
        4, "rois_320", "iris"
    ),
}

REFUSED = {
    "{": "The message is no JSON",
    "[1]": "The message is no JSON object",
    "[" * 5000: "The message is no JSON",
    "nonsense": "The message is no JSON",
    '{"frame_id": -1}': "frame_id: Input should be greater than or equal to 0",
    '{"frame_id": 4294967296}': "frame_id: Input should be less than or equal to 4294967295",
    '{"frame_id": "1"}': "frame_id: Input should be a valid integer",
    '{"frame_id": true}': "frame_id: Input should be a valid integer",
    '{"model_name": 1}': "model_name: Input should be a valid string",
    '{"audio_override": "A"}': "audio_override is no base64",
    '{"audio_override": "é"}': "audio_override is no base64",
    '{"action": "dance"}': "action is 'dance'; expected generate_frame",
    '{"action": []}': "action is '[]'",
    '{"action": "generate_frame", "use_real_audio": 1}': "use_real_audio: Input should be a valid boolean",
    '{"action": "generate_frame", "audio_data": "!"}': "audio_data is no base64",
    '{"batch_frames": 1}': "batch_frames: Input should be a valid list",
    '{"batch_frames": [1]}': "batch_frames.0: Input should be a valid dictionary",
    '{"batch_frames": [{}]}': "batch_frames.0.frame_id: Field required",
    '{"type": "dance"}': "There is no type 'dance'",
    '{"type": {}}': "There is no type '{}'",
    '{"type": "get_metadata", "model_name": []}': "model_name: Input should be a valid string",
    '{"type": "get_video_frame", "frame_id": 2147483648}': "frame_id: Input should be less than or equal to",
    " " * (MOST_CHARACTERS + 1): "The message has 1,000,001 characters; expected at most 1,000,000",
}


@pytest.mark.parametrize(("sent", "asked"), REQUESTS.items())
def test_golden_requests(sent: str, asked: Asked) -> None:
    assert opened(bytes.fromhex(sent)).asked() == asked


@pytest.mark.parametrize("dialect", ANSWERS)
def test_golden_answers(dialect: str) -> None:
    one = opened(ASKS[dialect])
    assert one.dialect == dialect
    assert one.answer(SHOWN, TOLD) == bytes.fromhex(ANSWERS[dialect])
    assert one.failed("no", TOLD) == bytes.fromhex(FAILURES[dialect])


def test_golden_video_frame() -> None:
    # u8 2, i32 4, u8 8, "rois_320", u32 4, JPEG
    expected = bytes.fromhex("02 04000000 08 726f69735f333230 04000000 ffd8ffd9")
    assert opened('{"type": "get_video_frame"}').answer(VideoFrame(4, "rois_320", JPEG), TOLD) == expected


@pytest.mark.parametrize(("sent", "asked"), QUESTIONS.items())
def test_questions_in_json(sent: str, asked: Asked) -> None:
    assert opened(sent).asked() == asked
    assert opened(sent.encode()).asked() == asked
    assert opened(sent).dialect == "json"


@pytest.mark.parametrize(("sent", "error"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_cannot_be_read_is_said_in_json(sent: str, error: str) -> None:
    one = opened(sent)
    with pytest.raises(InputError, match="^" + re.escape(error)):
        one.asked()
    assert read_json(one.failed("no", TOLD))["error"] == "no"


@pytest.mark.parametrize("whole", QUESTIONS)
def test_json_cut_short_is_refused(whole: str) -> None:
    for length in range(len(whole)):
        one = opened(whole[:length])
        assert refusal(one).startswith("The message is no JSON")
        assert read_json(one.failed("no", TOLD))["error"] == "no"


def test_pictures_in_json() -> None:
    jpeg = base64.b64encode(JPEG).decode()
    picture = {"frame_id": 7, "prediction_data": jpeg, "bounds": [1, 2, 3.5, 4]}
    metadata = {"metadata": {"prediction_shape": "320x320x3"}}
    assert read_json(opened('{"frame_id": 7}').answer(SHOWN, TOLD)) == {
        "success": True,
        "model_name": "default_model",
        **picture,
        **metadata,
        "prediction_shape": "320x320x3",
        "processing_time_ms": 12.4,
        "prepare_time_ms": 1,
        "inference_time_ms": 2,
        "composite_time_ms": 3,
        "request_id": "id",
        "protocol": "json_fallback",
    }
    batch = opened('{"model_name": "iris", "batch_frames": [{"frame_id": 7}]}')
    assert read_json(batch.answer(Batch((SHOWN, SHOWN)), TOLD)) == {
        "success": True,
        "batch": True,
        "model_name": "iris",
        "batch_size": 2,
        "frames": [{**picture, **metadata}] * 2,
        "total_processing_time_ms": 12.4,
        "average_frame_time_ms": 6.2,
        "batch_fps": 161.29,
        "request_id": "id",
    }
    action = opened(action_request(7, b""))
    counted = {"processing_time": 12.4, "inference_count": 9}
    assert read_json(action.answer(SHOWN, TOLD)) == {"success": True, "frame_id": 7, "frame_data": jpeg, **counted}
    assert read_json(action.failed("no", TOLD)) == {"success": False, "frame_id": 7, "error": "no", **counted}


@pytest.mark.parametrize(
    ("sent", "answer", "expected"),
    [
        (
            "get_stats",
            Stats(1, 2, 5.0, 3),
            {
                "type": "stats",
                "total_requests": 3,
                "binary_requests": 1,
                "json_requests": 2,
                "binary_percentage": 33.3,
                "average_time_ms": 5,
                "connected_clients": 3,
            },
        ),
        ("list_models", Models(("iris",)), {"type": "model_list", "models": ["iris"], "count": 1}),
        (
            "get_metadata",
            Metadata("iris", 90, ("full_body_img",), (1.0, 2.0, 3.0, 4.0)),
            {
                "type": "metadata",
                "success": True,
                "model_name": "iris",
                "frame_count": 90,
                "available_videos": ["full_body_img"],
                "audio_path": "",
                "bounds": [1, 2, 3, 4],
            },
        ),
    ],
)
def test_answers_to_questions(sent: str, answer: Answer, expected: dict[str, object]) -> None:
    assert read_json(opened(json.dumps({"type": sent})).answer(answer, TOLD)) == expected


def test_protocols_are_acknowledged() -> None:
    told = read_json(opened('{"type": "switch_to_binary"}').answer(SwitchProtocol(), TOLD))
    assert (told["type"], told["binary_supported"], told["binary_protocol_version"]) == ("protocol_info", True, "1.0")
    told = read_json(opened('{"type": "test_binary"}').answer(SwitchProtocol(test=True), TOLD))
    assert told["type"] == "protocol_ack"


def test_errors_have_the_form_of_their_question() -> None:
    assert read_json(opened("?").failed("no", TOLD)) == {
        "success": False,
        "error": "no",
        "processing_time_ms": 12.4,
        "request_id": "id",
    }
    asked = opened('{"type": "get_metadata", "model_name": "x"}')
    assert read_json(asked.failed("no", TOLD)) == {
        "type": "metadata",
        "success": False,
        "model_name": "x",
        "error": "no",
    }
    assert read_json(opened('{"type": "list_models"}').failed("no", TOLD)) == {"type": "error", "error": "no"}


@given(name=st.text(max_size=20), frame_id=U32, audio=st.binary(max_size=50))
def test_requests_arrive_as_they_were_sent(name: str, frame_id: int, audio: bytes) -> None:
    assert opened(binary_request(name.encode(), frame_id, audio)).asked() == GenerateFrame(
        frame_id, audio, name or "default_model"
    )
    assert opened(checked_request(frame_id, audio)).asked() == GenerateFrame(frame_id, audio, placed=False)
    assert opened(json_request(frame_id, audio, model_name=name)).asked() == GenerateFrame(
        frame_id, audio, name or "default_model"
    )
    assert opened(action_request(frame_id, audio)).asked() == GenerateFrame(frame_id, audio, placed=False)


@given(
    frame_id=U32,
    jpeg=st.binary(max_size=50),
    bounds=st.tuples(*[st.floats(0, 4096, width=32)] * 4),
    taken_ms=st.floats(0, 1e12),
    error=st.text(max_size=40),
)
def test_answers_are_read_as_they_were_written(
    frame_id: int, jpeg: bytes, bounds: tuple[float, ...], taken_ms: float, error: str
) -> None:
    shown, told = Shown(frame_id, jpeg, bounds, "1x1x3"), Told("id", taken_ms, 0)
    binary, checked = opened(binary_request(b"", frame_id, b"")), opened(checked_request(frame_id, b""))
    reply = read_binary(binary.answer(shown, told))
    assert (reply.kind, reply.frame_id, reply.content, reply.bounds) == (1, frame_id, jpeg, bounds)
    assert reply.processing_ms == min(round(taken_ms), 2**32 - 1)
    reply = read_binary(binary.failed(error, told))
    assert (reply.kind, reply.frame_id, reply.content.decode()) == (0, 0, error)
    reply = read_checked(checked.answer(shown, told))
    assert (reply.kind, reply.frame_id, reply.content) == (2, frame_id, jpeg)
    reply = read_checked(checked.failed(error, told))
    assert (reply.kind, reply.frame_id, reply.content.decode()) == (0x7F, frame_id, error)


@pytest.mark.parametrize("make", [lambda: binary_request(b"iris", 7, b"abcd"), lambda: checked_request(7, b"abcd")])
def test_a_message_cut_short_or_made_longer_is_refused_in_its_dialect(make: Callable[[], bytes]) -> None:
    whole = make()
    for wrong in [*(whole[:length] for length in range(4, len(whole))), whole + b"\x00"]:
        one = opened(wrong)
        assert one.dialect == opened(whole).dialect
        with pytest.raises(InputError):
            one.asked()
        assert reads(one, one.failed("no", TOLD)) == "no"


def test_a_wrong_checksum_and_a_wrong_type_are_errors() -> None:
    right = checked_request(7, b"abcd")
    with pytest.raises(InputError, match=r"The CRC-32 is 0x.*; that of the audio is 0xed82cd11: send it again"):
        opened(right[:-1] + bytes([right[-1] ^ 1])).asked()
    with pytest.raises(InputError, match="CRC-32"):
        opened(right[:13] + b"abce" + right[17:]).asked()
    with pytest.raises(InputError, match="The message has type 0x2; expected 0x1, a request"):
        opened(right[:4] + b"\x02" + right[5:]).asked()


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (b"", "The message has 0 bytes; expected at least 12"),
        (b"\xff" * 12, "The name has 4,294,967,295 bytes; the message has no more than 12"),
        (binary_request(b"\xff", 1, b""), "The name is no UTF-8"),
        (b"\x00" * 8 + b"\xff" * 4, "The message has 12 bytes; its lengths make 4,294,967,307"),
        (b"\x78\x56\x34\x12", "The message has 4 bytes; expected at least 17"),
    ],
)
def test_what_binary_messages_are_refused_for(message: bytes, error: str) -> None:
    with pytest.raises(InputError, match=error):
        opened(message).asked()


@given(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(lambda rest: b"\x78\x56\x34\x12" + rest)))
def test_random_bytes_are_read_or_refused_in_their_dialect(message: bytes) -> None:
    one = opened(message)
    assert reads(one, one.failed(refusal(one), TOLD)) == refusal(one)


def refusal(one: Opened) -> str:
    """Why a message is refused, empty if it is not."""
    try:
        one.asked()
    except InputError as error:
        return str(error)
    return ""


def reads(one: Opened, answer: str | bytes) -> str:
    """The text of an error."""
    if isinstance(answer, str):
        assert one.dialect == "json"
        return str(read_json(answer)["error"])
    return (read_checked if one.dialect == "checked" else read_binary)(answer).content.decode()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(["type", "action", "model_name", "frame_id", "audio_override", "audio_data", "batch_frames"])


@given(st.dictionaries(KEYS, st.sampled_from(["generate_frame", "get_metadata", "get_video_frame"]) | JSON_VALUES))
def test_any_object_is_read_or_refused_in_its_form(fields: dict[str, object]) -> None:
    one = opened(json.dumps(fields))
    assert read_json(one.failed(refusal(one), TOLD))["error"] == refusal(one)
