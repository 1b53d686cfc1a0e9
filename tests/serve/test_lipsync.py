from concurrent.futures import Future
from typing import Any

import grpc
import numpy as np
import pytest
from pictures import picture
from running import PATIENCE_S, Running

from lipstream import __version__
from lipstream.serve.core import Core, Painted, Speech
from lipstream.types import Float32
from lipstream.wire.pb import lipsync_pb2 as pb
from lipstream.wire.pb.lipsync_pb2_grpc import LipSyncCompositeStub, LipSyncStub, MultiTenantLipSyncStub

BATCH = 3


@pytest.fixture
def features() -> Float32:
    return np.random.default_rng(6).normal(0, 1, (BATCH, 8192)).astype(np.float32)


def painted(core: Core, features: Float32, *, mouths_only: bool = False) -> list[Painted]:
    sound = features.reshape(BATCH, 32, 16, 16)
    return list(core.speak(Speech("tiny", BATCH, 4, sound=sound, mouths_only=mouths_only), Future()))


def test_mouths_come_as_floats(served: Running, core: Core, features: Float32) -> None:
    request = pb.BatchRequest(audio_features=features.ravel(), batch_size=BATCH, start_frame_idx=4)
    answer = LipSyncStub(served.channel).InferBatch(request, timeout=PATIENCE_S)
    assert (answer.success, answer.error) == (True, "")
    assert answer.inference_time_ms > 0
    mouths = np.array(answer.output_frames, np.float32).reshape(BATCH, 3, 320, 320)
    expected = [one.patch for one in painted(core, features, mouths_only=True) if one.patch is not None]
    np.testing.assert_allclose(mouths, np.stack(expected), atol=1e-6)


def test_the_masked_half_of_the_pictures_is_seen(served: Running, features: Float32) -> None:
    visual = np.random.default_rng(7).uniform(0, 1, (6, 320, 320)).astype(np.float32)
    request = pb.BatchRequest(audio_features=features[0], batch_size=1)
    stub = LipSyncStub(served.channel)
    own = stub.InferBatch(request, timeout=PATIENCE_S)
    request.visual_frames.extend(visual.ravel().tolist())
    sent = stub.InferBatch(request, timeout=PATIENCE_S)
    assert sent.success
    assert len(sent.output_frames) == len(own.output_frames) == 3 * 320 * 320


def test_whole_frames_come_as_png(served: Running, core: Core, features: Float32) -> None:
    expected = [one.image for one in painted(core, features)]
    alone = LipSyncCompositeStub(served.channel).InferBatchComposite(
        pb.CompositeBatchRequest(audio_features=features.ravel(), batch_size=BATCH, start_frame_idx=4),
        timeout=PATIENCE_S,
    )
    tenant = MultiTenantLipSyncStub(served.channel).InferBatchComposite(
        pb.TenantCompositeBatchRequest(
            model_id="tiny", audio_features=features.ravel(), batch_size=BATCH, start_frame_idx=4
        ),
        timeout=PATIENCE_S,
    )
    for answer in (alone, tenant):
        assert answer.success
        assert all(frame.startswith(b"\x89PNG") for frame in answer.composited_frames)
        np.testing.assert_allclose([picture(frame) for frame in answer.composited_frames], expected, atol=1)
        told = answer.inference_time_ms + answer.composite_time_ms
        assert 0 < told <= answer.total_time_ms * 1.001
    assert tenant.model_loaded


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "batch_size must be 1-25, got 0"),
        ({"batch_size": 26}, "batch_size must be 1-25, got 26"),
        ({"batch_size": 1, "start_frame_idx": -1}, "start_frame_idx must be 0 or more, got -1"),
        ({"batch_size": 2, "visual_frames": [0.5] * 7}, "visual_frames has 7 numbers; expected 1,228,800 numbers"),
        ({"batch_size": 2, "audio_features": [0.5] * 8191}, "audio_features has 8,191 numbers; expected 16,384"),
        ({"batch_size": 1, "audio_features": [float("nan")] * 8192}, "audio_features holds NaN or infinity"),
    ],
)
def test_what_cannot_be_served_is_said_in_the_answer(served: Running, fields: dict[str, Any], error: str) -> None:
    answers = [
        LipSyncStub(served.channel).InferBatch(pb.BatchRequest(**fields)),
        LipSyncCompositeStub(served.channel).InferBatchComposite(pb.CompositeBatchRequest(**fields)),
        MultiTenantLipSyncStub(served.channel).InferBatchComposite(
            pb.TenantCompositeBatchRequest(model_id="tiny", **fields)
        ),
    ]
    for answer in answers:
        assert not answer.success
        assert error in answer.error


def test_tenants_are_loaded_counted_and_unloaded(served: Running) -> None:
    stub = MultiTenantLipSyncStub(served.channel)
    assert [(one.model_id, one.loaded) for one in stub.ListModels(pb.ListModelsRequest()).models] == [
        ("other", False),
        ("tiny", False),
    ]
    loaded = stub.LoadModel(pb.LoadModelRequest(model_id="tiny"))
    assert (loaded.success, loaded.stats.memory_bytes, loaded.stats.loaded_unix_ms) == (True, 2**20, 1_700_000_000_123)
    for _ in range(2):
        stub.InferBatchComposite(pb.TenantCompositeBatchRequest(model_id="tiny", batch_size=1))
    stats = stub.GetModelStats(pb.GetModelStatsRequest(model_id="default_model"))
    assert [(one.model_id, one.loaded, one.stats.usage_count) for one in stats.models] == [("tiny", True, 2)]
    assert (stats.loaded_models, stats.max_models, stats.total_memory_bytes) == (1, 2, 2**20)
    assert stats.models[0].stats.total_inference_time_ms > 0
    assert stub.LoadModel(pb.LoadModelRequest(model_id="tiny", force_reload=True)).success
    health = stub.Health(pb.HealthRequest())
    assert (health.healthy, health.loaded_models, health.max_models, health.version) == (True, 1, 2, __version__)
    assert stub.UnloadModel(pb.UnloadModelRequest(model_id="tiny")).success
    again = stub.UnloadModel(pb.UnloadModelRequest(model_id="tiny"))
    assert (again.success, again.error) == (False, "avatar 'tiny' is not loaded; there is nothing to unload")
    assert len(stub.GetModelStats(pb.GetModelStatsRequest()).models) == 2
    refused = stub.InferBatchComposite(pb.TenantCompositeBatchRequest(batch_size=1))
    assert (refused.success, refused.error) == (False, "model_id is required")


def test_statistics_of_nobody_are_not_found(served: Running) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        MultiTenantLipSyncStub(served.channel).GetModelStats(pb.GetModelStatsRequest(model_id="nobody"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert "There is no avatar 'nobody'; known: other, tiny" in str(caught.value.details())


def test_they_are_healthy(served: Running) -> None:
    mouths = LipSyncStub(served.channel).Health(pb.HealthRequest())
    assert (mouths.healthy, mouths.model_path, mouths.cuda_available) == (True, "tiny", False)
    composite = LipSyncCompositeStub(served.channel).Health(pb.HealthRequest())
    assert (composite.healthy, composite.message) == (True, f"lipstream {__version__}")
