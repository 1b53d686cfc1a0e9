import json
import re
import struct
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lipstream.errors import InputError
from lipstream.wire import live_messages as messages
from lipstream.wire.live_codec import MOST_BINARY_BYTES, MOST_TEXT_BYTES, encode, read_down, read_up

PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"

GOLDEN_UP = {
    messages.Interrupt(): '{"type":"interrupt"}',
    messages.End(): '{"type":"end"}',
    messages.KeyFrame(): '{"type":"key_frame"}',
    messages.Ping(sent_ms=1234.5): '{"type":"ping","sent_ms":1234.5}',
    messages.Sound(bytes.fromhex("ff7f 0080")): bytes.fromhex("01000000 ff7f 0080"),
    messages.Start(avatar="iris", coding="opus", max_width=320): (
        '{"type":"start","avatar":"iris","source":"microphone","coding":"opus","sound_in":[],"sample_rate_hz":null,'
        '"picture":"jpeg","sound":"s16le","gain":1.0,"lookahead_ms":null,"preroll_ms":80,"first_clip_frame":0,"max_width":320,'
        '"jpeg_quality":null,"bitrate_kbps":1500}'
    ),
}
FRAME = messages.FrameMessage(
    index=7,
    position_samples=4480,
    samples=640,
    width=720,
    height=720,
    key=True,
    sound=bytes(1280),
    picture=bytes.fromhex("ffd8ffd9"),
)
FRAME_HEADER = "02 02 00 05  07 00 00 00  80 11 00 00 00 00 00 00  80 02 d0 02 d0 02 00 00"
GOLDEN_DOWN = {
    FRAME: bytes.fromhex(FRAME_HEADER) + bytes(1280) + bytes.fromhex("ffd8ffd9"),
    messages.FrameMessage(
        index=2**32 - 1,
        position_samples=2**40,
        samples=0,
        width=64,
        height=48,
        filler=True,
        repeated=True,
        sound=b"",
        picture=b"",
    ): bytes.fromhex("02 05 0000 ffffffff 0000000000010000 0000 4000 3000 0000"),
    messages.Pong(sent_ms=1.5): '{"type":"pong","sent_ms":1.5}',
    messages.Speaking(frame_index=3, played_samples=640): '{"type":"speaking","frame_index":3,"played_samples":640}',
    messages.Interrupted(frame_index=3, played_samples=640, dropped_samples=7): (
        '{"type":"interrupted","frame_index":3,"played_samples":640,"dropped_samples":7}'
    ),
    messages.Failed(code="not_found", status=404, message="no", request_id="5ad"): (
        '{"type":"error","code":"not_found","status":404,"message":"no","request_id":"5ad"}'
    ),
}


def numbers(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most)


FRAMES = st.builds(
    messages.FrameMessage,
    index=numbers(2**32 - 1),
    position_samples=numbers(2**64 - 1),
    samples=numbers(640),
    width=numbers(2**16 - 1),
    height=numbers(2**16 - 1),
    filler=st.booleans(),
    key=st.booleans(),
    repeated=st.booleans(),
    sound=st.binary(max_size=2000),
    picture=st.binary(max_size=2000),
)
UP = st.one_of(
    st.builds(messages.Sound, st.binary(max_size=2000)),
    *(st.builds(one) for one in (messages.Interrupt, messages.End, messages.KeyFrame)),
    st.builds(messages.Ping, sent_ms=st.floats(allow_nan=False, allow_infinity=False)),
    st.builds(
        messages.Start,
        avatar=st.text(max_size=20),
        source=st.sampled_from(get_args(messages.Source)),
        coding=st.sampled_from(["s16le", "f32le"]),
        sample_rate_hz=st.none() | st.integers(),
        sound_in=st.lists(st.sampled_from(get_args(messages.SoundStep)), max_size=3).map(tuple),
        picture=st.sampled_from(get_args(messages.PictureForm)),
        sound=st.sampled_from(get_args(messages.SoundForm)),
        gain=st.floats(allow_nan=False, allow_infinity=False),
        max_width=st.none() | st.integers(64, 8192),
        bitrate_kbps=st.integers(100, 20_000),
    ),
)
TOLD = (messages.Speaking, messages.Resting, messages.Underrun, messages.Ended)
DOWN = st.one_of(
    FRAMES,
    *(st.builds(one, frame_index=st.integers(0), played_samples=st.integers(0)) for one in TOLD),
    st.builds(messages.Failed, code=st.text(), status=st.integers(400, 599), message=st.text(), request_id=st.text()),
)


@pytest.mark.parametrize(("message", "sent"), GOLDEN_UP.items(), ids=lambda one: type(one).__name__)
def test_what_a_client_says_in_golden_bytes(message: messages.Up, sent: str | bytes) -> None:
    assert encode(message) == sent
    assert read_up(sent) == message


@pytest.mark.parametrize(("message", "sent"), GOLDEN_DOWN.items(), ids=lambda one: type(one).__name__)
def test_what_a_client_is_told_in_golden_bytes(message: messages.Down, sent: str | bytes) -> None:
    assert encode(message) == sent
    assert read_down(sent) == message


@given(UP)
def test_a_client_is_understood(message: messages.Up) -> None:
    assert read_up(encode(message)) == message


@given(DOWN)
def test_a_server_is_understood(message: messages.Down) -> None:
    assert read_down(encode(message)) == message


@given(UP, st.integers(0, 40))
@example(messages.Sound(b"\0\0"), 6)
def test_a_truncated_message_is_refused_or_is_shorter_sound(message: messages.Up, kept: int) -> None:
    sent = encode(message)[:kept]
    if isinstance(sent, bytes) and kept >= 4:
        assert isinstance(read_up(sent), messages.Sound)
    elif sent != encode(message):
        with pytest.raises(InputError):
            read_up(sent)


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_garbage_breaks_nothing(garbage: str | bytes) -> None:
    for read in (read_up, read_down):
        with suppress(InputError):
            read(garbage)


@given(st.integers(0, 1303))
def test_a_truncated_frame_is_refused(kept: int) -> None:
    sent = encode(FRAME)
    assert isinstance(sent, bytes)
    with pytest.raises(InputError, match=r"cut off|empty message"):
        read_down(sent[:kept])


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ("{", "Invalid JSON"),
        ("[" * 9000, "recursion limit"),
        ("null", "should be an object"),
        ('{"sent_ms": 1}', "discriminator 'type'"),
        ('{"type": "hello"}', "'hello' found using 'type'"),
        ('{"type": "ping"}', "sent_ms is missing"),
        ('{"type": "ping", "sent_ms": 1e999}', "sent_ms is inf"),
        ('{"type": "start", "gain": "1"}', "gain is '1'"),
        ('{"type": "start", "gian": 1}', "gian is 1"),
        ('{"type": "start", "picture": "webp"}', "picture is 'webp'"),
        ('{"type": "start", "max_width": 9000}', "max_width is 9000"),
        ('{"type": "start", "coding": "opus", "sample_rate_hz": 16000}', "expected 48000"),
        (json.dumps({"type": "start", "avatar": "a" * MOST_TEXT_BYTES}), "expected at most 16,384"),
        (b"", "begins with nothing"),
        (b"\x01", "begins with 01;"),
        (b"\x02\x00\x00\x00", "begins with 02 00 00 00"),
        (b"\x01\x00\x01\x00\x00\x00", "begins with 01 00 01 00"),
        (bytes([1]) + bytes(MOST_BINARY_BYTES), "expected at most 1,048,576"),
    ],
)
def test_what_a_client_may_not_say(sent: str | bytes, error: str) -> None:
    with pytest.raises(InputError, match=re.escape(error)):
        read_up(sent)


@pytest.mark.parametrize("sent", ['{"type": "weather", "sunny": true}', b"\x03\x00"])
def test_a_client_leaves_aside_what_it_does_not_know(sent: str | bytes) -> None:
    assert read_down(sent) is None
    assert read_down('{"type": "pong", "sent_ms": 1, "more": 2}') == messages.Pong(sent_ms=1)


def test_a_server_that_makes_no_sense_is_no_lipstream() -> None:
    with pytest.raises(InputError, match="frame_index is missing"):
        read_down('{"type": "resting"}')


def test_a_rate_that_is_left_out() -> None:
    assert [messages.Start(coding=coding).rate_hz for coding in ("s16le", "opus")] == [16_000, 48_000]
    assert messages.Start(sample_rate_hz=24_000).rate_hz == 24_000


def test_the_documentation_shows_these_bytes_and_every_field() -> None:
    text = PROTOCOL.read_text(encoding="utf-8").partition("\n## The reference system")[0]
    assert FRAME_HEADER in text
    assert struct.calcsize("<BBHIQHHHH") == 24
    for message in (messages.Start, messages.Started, messages.Stats, messages.Failed, messages.Interrupted):
        assert {one.name for one in fields(message)} <= set(re.findall(r"[a-z_]+", text))
    for block in re.findall(r"```json\n(.*)\n```", text):
        assert json.loads(block).keys() <= {
            one.name for kind in get_args(messages.TextUp | messages.TextDown) for one in fields(kind)
        }
