from typing import Any

import grpc
import numpy as np
import pytest
from pictures import picture, same
from running import PATIENCE_S, Running

from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.offline import render
from lipstream.types import Pcm
from lipstream.wire.pb import monolithic_pb2 as pb
from lipstream.wire.pb.monolithic_pb2_grpc import MonolithicServiceStub


@pytest.fixture
def stub(served: Running) -> MonolithicServiceStub:
    return MonolithicServiceStub(served.channel)


def test_a_recording_gives_the_frames_of_the_offline_render(
    stub: MonolithicServiceStub, tiny: Avatar, hello: Pcm
) -> None:
    request = pb.CompositeBatchRequest(
        model_id="tiny", raw_audio=hello.tobytes(), batch_size=20, start_frame_idx=10, sample_rate=16_000
    )
    answer = stub.InferBatchComposite(request, timeout=PATIENCE_S)
    assert (answer.success, answer.error) == (True, "")
    frames = list(render(hello, tiny))[10:30]
    assert len(answer.composited_frames) == 20
    assert all(same(jpeg, frame.image) for jpeg, frame in zip(answer.composited_frames, frames, strict=True))
    opened = [float(picture(jpeg)[86:100, 58:70].mean()) for jpeg in answer.composited_frames]
    assert max(opened) - min(opened) > 5  # the mouth moves
    told = answer.inference_time_ms + answer.composite_time_ms + answer.audio_processing_ms + answer.model_load_time_ms
    assert 0 < told <= answer.total_time_ms * 1.001  # benchmarks/serving.py says how much no stage accounts for
    assert answer.gpu_id == -1


def test_chunks_around_a_batch_are_the_same_frames(stub: MonolithicServiceStub, hello: Pcm) -> None:
    batch, first = 6, 12
    around = hello[640 * (first - 8) : 640 * (first + batch + 7)]
    sent = stub.InferBatchComposite(
        pb.CompositeBatchRequest(model_id="tiny", raw_audio=around.tobytes(), batch_size=batch, start_frame_idx=first)
    )
    whole = stub.InferBatchComposite(
        pb.CompositeBatchRequest(model_id="tiny", raw_audio=hello.tobytes(), batch_size=batch, start_frame_idx=first)
    )
    assert len(sent.composited_frames) == batch
    for one, other in zip(sent.composited_frames, whole.composited_frames, strict=True):
        assert np.abs(picture(one).astype(int) - picture(other)).max() < 40  # less context on both sides


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "model_id is required"),
        ({"model_id": "tiny"}, "batch_size must be 1-32, got 0"),
        ({"model_id": "tiny", "batch_size": 33}, "batch_size must be 1-32, got 33"),
        ({"model_id": "tiny", "batch_size": 1, "start_frame_idx": -1}, "start_frame_idx must be 0 or more, got -1"),
        ({"model_id": "nobody", "batch_size": 1}, "There is no avatar 'nobody'"),
        (
            {"model_id": "tiny", "batch_size": 2, "visual_frames": b"1234"},
            "visual_frames has 4 bytes; expected 4,915,200",
        ),
        ({"model_id": "tiny", "batch_size": 1, "raw_audio": b"123"}, "raw_audio has 3 bytes"),
        ({"model_id": "tiny", "batch_size": 1, "raw_audio": np.float32(np.nan).tobytes()}, "NaN"),
        ({"model_id": "tiny", "batch_size": 1, "audio_features": b"1234"}, "audio_features has 4 bytes"),
        ({"model_id": "../../etc", "batch_size": 1}, "There is no avatar"),
    ],
)
def test_what_cannot_be_served_is_said_in_the_answer(
    stub: MonolithicServiceStub, fields: dict[str, Any], error: str
) -> None:
    answer = stub.InferBatchComposite(pb.CompositeBatchRequest(**fields))
    assert not answer.success
    assert error in answer.error
    assert not answer.composited_frames


def test_without_sound_the_mouth_rests(stub: MonolithicServiceStub, tiny: Avatar) -> None:
    answer = stub.InferBatchComposite(pb.CompositeBatchRequest(model_id="default_model", batch_size=2))
    rest = list(render(np.zeros(1280, np.float32), tiny))
    assert all(same(jpeg, frame.image) for jpeg, frame in zip(answer.composited_frames, rest, strict=True))


def test_features_of_the_client_drive_the_mouth(stub: MonolithicServiceStub) -> None:
    random = np.random.default_rng(3)
    own = random.normal(0, 1, (2, 8192)).astype(np.float32)
    answer = stub.InferBatchComposite(
        pb.CompositeBatchRequest(model_id="tiny", batch_size=2, audio_features=own.tobytes())
    )
    assert answer.success
    shared = stub.InferBatchComposite(
        pb.CompositeBatchRequest(model_id="tiny", batch_size=2, audio_features=own[0].tobytes())
    )
    assert shared.composited_frames[0] == answer.composited_frames[0]


def test_the_masked_half_of_the_pictures_is_seen_and_the_other_is_not(stub: MonolithicServiceStub) -> None:
    random = np.random.default_rng(4)
    visual = random.uniform(0, 1, (1, 6, 320, 320)).astype(np.float32)
    other = visual.copy()
    other[:, :3] = 0.5

    def ask(frames: np.ndarray) -> bytes:
        request = pb.CompositeBatchRequest(model_id="tiny", batch_size=1, visual_frames=frames.tobytes())
        frame: bytes = stub.InferBatchComposite(request, timeout=PATIENCE_S).composited_frames[0]
        return frame

    assert ask(visual) == ask(other)


def test_models_are_loaded_counted_and_unloaded(stub: MonolithicServiceStub) -> None:
    assert [(one.model_id, one.loaded) for one in stub.ListModels(pb.ListModelsRequest()).models] == [
        ("other", False),
        ("tiny", False),
    ]
    loaded = stub.LoadModel(pb.LoadModelRequest(model_id="tiny"))
    assert loaded.success
    assert loaded.load_time_ms > 0
    for _ in range(3):
        stub.InferBatchComposite(pb.CompositeBatchRequest(model_id="tiny", batch_size=2))
    used = {one.model_id: one for one in stub.GetModelStats(pb.GetModelStatsRequest()).models}["tiny"]
    assert (used.loaded, used.request_count, used.memory_mb, used.gpu_id) == (True, 3, 1, -1)
    assert used.avg_inference_ms > 0
    assert used.last_used_timestamp == 1_700_000_000
    assert stub.Health(pb.HealthRequest()).loaded_models == 1
    assert stub.UnloadModel(pb.UnloadModelRequest(model_id="tiny")).success
    again = stub.UnloadModel(pb.UnloadModelRequest(model_id="tiny"))
    assert (again.success, again.error) == (False, "avatar 'tiny' is not loaded; there is nothing to unload")
    health = stub.Health(pb.HealthRequest())
    assert (health.healthy, health.loaded_models, health.max_models) == (True, 0, 2)
    assert not stub.LoadModel(pb.LoadModelRequest(model_id="nobody")).success


def test_bytes_that_are_no_message_are_refused(served: Running) -> None:
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = served.channel.unary_unary(
        "/monolithic.MonolithicService/InferBatchComposite"
    )
    with pytest.raises(grpc.RpcError) as caught:
        call(b"\xff\xff\xff", timeout=PATIENCE_S)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "3 bytes are no monolithic.CompositeBatchRequest" in str(caught.value.details())
