import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipstream.errors import InputError
from lipstream.types import Float32
from lipstream.wire.pb import inference_pb2, lipsync_pb2
from lipstream.wire.tensors import (
    CONTEXT_FLOATS,
    FRAME_FLOATS,
    Floats,
    audio_features,
    mouth_region,
    packed_floats,
    read_floats,
    visual_frames,
)


def numbers(count: int, seed: int = 0) -> Float32:
    return np.random.default_rng(seed).random(count, np.float32)


def as_bytes(values: Float32) -> Floats:
    return values.astype("<f4").tobytes()


def as_repeated(values: Float32) -> Floats:
    request = lipsync_pb2.BatchRequest()
    request.MergeFromString(packed_floats(2, values))
    return request.audio_features


Form = Callable[[Float32], Floats]
FORMS = pytest.mark.parametrize("form", [as_bytes, as_repeated])


@FORMS
def test_visual_frames_are_a_frame_each(form: Form) -> None:
    sent = numbers(2 * FRAME_FLOATS)
    frames = visual_frames(form(sent), batch=2)
    assert frames is not None
    assert frames.dtype == np.float32
    np.testing.assert_array_equal(frames, sent.reshape(2, 6, 320, 320))


@FORMS
def test_one_visual_frame_serves_a_batch(form: Form) -> None:
    frames = visual_frames(form(numbers(FRAME_FLOATS)), batch=3)
    assert frames is not None
    assert frames.shape == (3, 6, 320, 320)
    np.testing.assert_array_equal(frames[2], frames[0])


def test_visual_frames_are_clipped() -> None:
    sent = np.resize(np.array([-1.0, -0.0, 0.5, 1.5, np.inf, -np.inf], np.float32), FRAME_FLOATS)
    frames = visual_frames(as_bytes(sent), batch=1)
    assert frames is not None
    assert frames.ravel()[:6].tolist() == [0.0, 0.0, 0.5, 1.0, 1.0, 0.0]


def test_nan_in_a_visual_frame_is_refused() -> None:
    sent = numbers(FRAME_FLOATS)
    sent[-1] = np.nan
    with pytest.raises(InputError, match="visual_frames holds NaN; expected numbers from 0 to 1"):
        visual_frames(as_bytes(sent), batch=1)


@pytest.mark.parametrize("read", [visual_frames, audio_features])
@pytest.mark.parametrize("empty", [b"", lipsync_pb2.BatchRequest().visual_frames, []])
def test_empty_field_is_none(read: Callable[..., object], empty: Floats) -> None:
    assert read(empty, batch=4) is None


@FORMS
@pytest.mark.parametrize("batch", [1, 2, 25])
def test_audio_features_are_a_window_a_frame(form: Form, batch: int) -> None:
    sent = numbers(batch * CONTEXT_FLOATS) * 10
    read = audio_features(form(sent), batch=batch)
    assert read is not None
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, sent.reshape(batch, 32, 16, 16))


@FORMS
def test_one_window_of_audio_features_serves_a_batch(form: Form) -> None:
    sent = numbers(CONTEXT_FLOATS)
    read = audio_features(form(sent), batch=25)
    assert read is not None
    np.testing.assert_array_equal(read, np.tile(sent.reshape(1, 32, 16, 16), (25, 1, 1, 1)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_audio_features_that_are_no_numbers_are_refused(value: float) -> None:
    sent = numbers(CONTEXT_FLOATS)
    sent[7] = value
    with pytest.raises(InputError, match="audio_features holds NaN or infinity"):
        audio_features(as_bytes(sent), batch=1)


def test_wrong_sizes_are_named_in_the_unit_of_the_field() -> None:
    expected = "visual_frames has 4,000 bytes; expected 4,915,200 bytes for a batch of 2, or 2,457,600 bytes that serve"
    with pytest.raises(InputError, match=expected):
        visual_frames(bytes(4000), batch=2)
    expected = "audio_features has 512 numbers; expected 16,384 numbers for a batch of 2, or 8,192 numbers that serve"
    with pytest.raises(InputError, match=expected):
        audio_features(as_repeated(numbers(512)), batch=2)
    expected = re.escape("audio_features has 4,001 bytes; expected a multiple of 4 (float32, little-endian)")
    with pytest.raises(InputError, match=expected):
        audio_features(bytes(4001), batch=2)


@given(st.integers(1, 4), st.binary(max_size=64) | st.integers(0, 5 * 32768).map(bytes))
def test_any_bytes_are_contexts_or_refused(batch: int, data: bytes) -> None:
    try:
        read = audio_features(data, batch=batch)
    except InputError:
        assert len(data) not in (0, 32768, batch * 32768)
        return
    assert read is None or read.shape == (batch, 32, 16, 16)


@given(st.lists(st.floats(width=32), max_size=30))
def test_bytes_and_repeated_floats_read_the_same(values: list[float]) -> None:
    sent = np.array(values, np.float32)
    np.testing.assert_array_equal(read_floats(as_bytes(sent), "x"), sent)
    np.testing.assert_array_equal(read_floats(as_repeated(sent), "x"), sent)
    np.testing.assert_array_equal(read_floats(values, "x"), sent)


@settings(max_examples=30)
@given(st.integers(1, 2000), st.integers(0, 400))
def test_packed_floats_are_the_field_that_protobuf_writes(number: int, count: int) -> None:
    sent = numbers(count, seed=number)
    message = lipsync_pb2.BatchResponse()
    message.MergeFromString(packed_floats(1, sent))
    assert message == lipsync_pb2.BatchResponse(output_frames=sent.tolist())
    unknown = packed_floats(number + 10, sent)  # no field of this message, which keeps it as it came
    assert lipsync_pb2.BatchResponse.FromString(unknown).SerializeToString() == unknown


def test_mouth_region_is_the_patch_channel_by_channel() -> None:
    patch = numbers(3 * 320 * 320).reshape(3, 320, 320)
    region = inference_pb2.RawMouthRegion(data=mouth_region(patch))
    assert len(region.data) == 1_228_800
    np.testing.assert_array_equal(np.frombuffer(region.data, "<f4").reshape(3, 320, 320), patch)
    np.testing.assert_array_equal(np.frombuffer(mouth_region(patch[::-1]), "<f4").reshape(3, 320, 320)[0], patch[2])
