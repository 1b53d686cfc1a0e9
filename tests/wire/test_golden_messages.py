import struct

import pytest
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st
from test_wire_tables import FILES
from wire_tables import MESSAGES, METHODS, Field, fields_of, length_delimited, methods_of, varint

from lipstream.wire.pb import lipstream_v1_pb2, lipsync_pb2, lipsyncsrv_pb2, monolithic_pb2, optimized_lipsyncsrv_pb2

NATIVE = sorted(lipstream_v1_pb2.DESCRIPTOR.message_types_by_name)


def message_class(name: str) -> type[Message]:
    package, message = name.split(".")
    return GetMessageClass(FILES[package].message_types_by_name[message])


def package_of(name: str) -> str:
    return name.partition(".")[0]


def example(field: Field, package: str) -> object:
    """A value that no other type of number would hold, so that float and double, int32 and int64 show."""
    values = {
        "string": f"{field.name} ü",
        "bytes": bytes([field.number, 0, 255]),
        "bool": True,
        "int32": -field.number,
        "int64": (1 << 40) + field.number,
        "float": field.number + 0.25,
        "double": field.number + 0.1,
    }
    return values[field.kind] if field.kind in values else encoded_example(f"{package}.{field.kind}")


def scalar(kind: str, value: object) -> tuple[int, bytes]:
    """Wire type and bytes of a number."""
    match value:
        case bool() | int():
            return 0, varint(value)
        case float():
            return (5, struct.pack("<f", value)) if kind == "float" else (1, struct.pack("<d", value))
        case _:
            raise AssertionError(value)


def encoded_field(field: Field, package: str) -> bytes:
    value = example(field, package)
    if isinstance(value, str | bytes):
        payload = value.encode() if isinstance(value, str) else value
        return length_delimited(field.number, payload) * (2 if field.label == "repeated" else 1)
    wire_type, number = scalar(field.kind, value)
    if field.label == "repeated":
        return length_delimited(field.number, number * 2)
    return varint(field.number * 8 + wire_type) + number


def encoded_example(name: str) -> bytes:
    """A message with every field set, the repeated ones twice, by protobuf's rules alone."""
    return b"".join(encoded_field(field, package_of(name)) for field in fields_of(name))


@pytest.mark.parametrize("name", MESSAGES)
def test_golden_bytes_are_parsed_and_written_again(name: str) -> None:
    golden = encoded_example(name)
    message = message_class(name).FromString(golden)
    assert message.SerializeToString() == golden
    package = package_of(name)
    for field in fields_of(name):
        read = getattr(message, field.name)
        got = list(read) if field.label == "repeated" else [read]
        values = [item.SerializeToString() if isinstance(item, Message) else item for item in got]
        assert values == [example(field, package)] * len(values)
        assert len(values) == (2 if field.label == "repeated" else 1)


def test_every_method_has_golden_messages() -> None:
    used = {
        f"{package_of(service)}.{side.removeprefix('stream ')}"
        for service in METHODS
        for method in methods_of(service)
        for side in (method.request, method.response)
    }
    assert used <= set(MESSAGES)


def test_request_written_by_hand() -> None:
    by_hand = bytes.fromhex("0a 04 69 72 69 73 1a 04 00 00 00 3f 28 18 30 c8 01 38 80 7d".replace(" ", ""))
    request = monolithic_pb2.CompositeBatchRequest(
        model_id="iris", raw_audio=struct.pack("<f", 0.5), batch_size=24, start_frame_idx=200, sample_rate=16000
    )
    assert request.SerializeToString() == by_hand


def test_response_written_by_hand() -> None:
    by_hand = bytes.fromhex("0a 02 ff d8 0a 00 11 00 00 00 00 00 00 f8 3f 28 01".replace(" ", ""))
    response = lipsync_pb2.CompositeBatchResponse(
        composited_frames=[b"\xff\xd8", b""], inference_time_ms=1.5, success=True
    )
    assert response.SerializeToString() == by_hand


def test_batch_with_audio_written_by_hand() -> None:
    by_hand = bytes.fromhex("0a 01 61 10 07 18 02 22 01 01 22 01 02".replace(" ", ""))
    request = optimized_lipsyncsrv_pb2.BatchInferenceWithAudioRequest(
        model_name="a", start_frame_id=7, frame_count=2, audio_chunks=[b"\x01", b"\x02"]
    )
    assert request.SerializeToString() == by_hand


def test_optional_error_is_on_the_wire_even_if_empty() -> None:
    response = optimized_lipsyncsrv_pb2.OptimizedInferenceResponse(error="")
    assert response.SerializeToString() == bytes([8 * 8 + 2, 0])
    assert not optimized_lipsyncsrv_pb2.OptimizedInferenceResponse().HasField("error")
    assert lipsyncsrv_pb2.InferenceResponse(error="").SerializeToString() == b""


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=20))
def test_floats_are_read_packed_or_one_by_one(values: list[float]) -> None:
    one_by_one = b"".join(varint(1 * 8 + 5) + struct.pack("<f", value) for value in values)
    packed = length_delimited(1, struct.pack(f"<{len(values)}f", *values))
    assert list(lipsync_pb2.BatchRequest.FromString(one_by_one).visual_frames) == values
    assert list(lipsync_pb2.BatchRequest.FromString(packed).visual_frames) == values


def parse(kind: type[Message], data: bytes) -> None:
    """Parse what may be no message: DecodeError is allowed, anything else is not."""
    try:
        message = kind.FromString(data)
    except DecodeError:
        return
    message.SerializeToString()


def kind_of(name: str) -> type[Message]:
    """The class of a message of the reference or, without a package, of lipstream.v1."""
    return (
        message_class(name) if "." in name else GetMessageClass(lipstream_v1_pb2.DESCRIPTOR.message_types_by_name[name])
    )


@given(st.sampled_from([*MESSAGES, *NATIVE]), st.binary(max_size=200))
def test_random_bytes_are_a_message_or_a_decode_error(name: str, data: bytes) -> None:
    parse(kind_of(name), data)


@given(st.sampled_from(list(MESSAGES)), st.data())
def test_damaged_message_is_a_message_or_a_decode_error(name: str, data: st.DataObject) -> None:
    golden = bytearray(encoded_example(name))
    for place in data.draw(st.lists(st.integers(0, max(0, len(golden) - 1)), max_size=3)):
        golden[place : place + 1] = data.draw(st.binary(max_size=2))
    parse(kind_of(name), bytes(golden))


@given(st.data())
def test_field_cut_short_is_a_decode_error(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in MESSAGES if fields_of(name)]))
    last = encoded_field(fields_of(name)[-1], package_of(name))
    missing = data.draw(st.integers(1, 1 if fields_of(name)[-1].kind == "bool" else min(3, len(last) - 1)))
    with pytest.raises(DecodeError):
        message_class(name).FromString(encoded_example(name)[:-missing])


def test_text_that_is_no_utf8_is_a_decode_error() -> None:
    with pytest.raises(DecodeError):
        monolithic_pb2.LoadModelRequest.FromString(length_delimited(1, b"\xff\xfe"))
