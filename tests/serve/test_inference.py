from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from running import PATIENCE_S, Running

from lipstream import __version__
from lipstream.pipeline.avatar import Avatar
from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core, Speech
from lipstream.serve.wires.inference import START_KEY, Inference
from lipstream.types import Float32, Pcm
from lipstream.wire.pb import inference_pb2 as pb
from lipstream.wire.pb.inference_pb2_grpc import InferenceServiceStub
from lipstream.wire.recording import Recording


@pytest.fixture
def stub(served: Running) -> InferenceServiceStub:
    return InferenceServiceStub(served.channel)


def patches(core: Core, speech: Speech) -> list[Float32]:
    return [one.patch for one in core.speak(speech, Future()) if one.patch is not None]


def mouths(answer: pb.InferBatchResponse) -> list[Float32]:
    return [np.frombuffer(one.data, "<f4").reshape(3, 320, 320) for one in answer.outputs]


def test_mouths_of_a_recording_are_those_of_the_core(stub: InferenceServiceStub, core: Core, hello: Pcm) -> None:
    request = pb.InferBatchRequest(model_id="tiny", raw_audio=hello.tobytes(), batch_size=5)
    answer = stub.InferBatch(request, timeout=PATIENCE_S)
    assert (answer.success, answer.error, answer.gpu_id) == (True, "", -1)
    assert answer.inference_time_ms > 0
    assert answer.audio_processing_ms > 0
    expected = patches(core, Speech("tiny", 5, sound=Recording(hello, 0, 5), mouths_only=True))
    np.testing.assert_allclose(mouths(answer), expected, atol=1e-6)


def test_a_batch_may_begin_later_in_its_recording(stub: InferenceServiceStub, core: Core, hello: Pcm) -> None:
    request = pb.InferBatchRequest(model_id="tiny", raw_audio=hello.tobytes(), batch_size=3)
    answer = stub.InferBatch(request, timeout=PATIENCE_S, metadata=[(START_KEY, "15")])
    expected = patches(core, Speech("tiny", 3, 15, sound=Recording(hello, 15, 3), mouths_only=True))
    np.testing.assert_allclose(mouths(answer), expected, atol=1e-6)


def test_the_pictures_of_the_client_are_seen(stub: InferenceServiceStub, core: Core, tiny: Avatar) -> None:
    visual = tiny.face.visual([tiny.clip.image(4)], [4])
    request = pb.InferBatchRequest(model_id="tiny", visual_frames=visual.tobytes(), batch_size=1)
    answer = stub.InferBatch(request, timeout=PATIENCE_S, metadata=[(START_KEY, "4")])
    expected = patches(core, Speech("tiny", 1, 4, mouths_only=True))
    np.testing.assert_allclose(mouths(answer), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "start", "error"),
    [
        ({}, "0", "model_id is required"),
        ({"model_id": "tiny"}, "0", "batch_size must be 1-32, got 0"),
        ({"model_id": "tiny", "batch_size": 33}, "0", "batch_size must be 1-32, got 33"),
        ({"model_id": "nobody", "batch_size": 1}, "0", "There is no avatar 'nobody'"),
        ({"model_id": "tiny", "batch_size": 1}, "-1", "metadata lipstream-start-frame is '-1'; expected a frame"),
        ({"model_id": "tiny", "batch_size": 1}, "9" * 10, "expected a frame number from 0 to 999999999"),
        ({"model_id": "tiny", "batch_size": 1, "raw_audio": b"123"}, "0", "raw_audio has 3 bytes"),
        ({"model_id": "tiny", "batch_size": 1, "raw_audio": b"\xff" * 4}, "0", "raw_audio holds NaN"),
        ({"model_id": "tiny", "batch_size": 1, "raw_audio": b"\0" * 4, "sample_rate": 7}, "0", "sample_rate is 7"),
        ({"model_id": "tiny", "batch_size": 2, "visual_frames": b"1234"}, "0", "visual_frames has 4 bytes"),
        ({"model_id": "tiny", "batch_size": 2, "audio_features": b"1234"}, "0", "audio_features has 4 bytes"),
    ],
)
def test_what_cannot_be_served_is_said_in_the_answer(
    stub: InferenceServiceStub, fields: dict[str, Any], start: str, error: str
) -> None:
    answer = stub.InferBatch(pb.InferBatchRequest(**fields), metadata=[(START_KEY, start)])
    assert not answer.success
    assert error in answer.error
    assert not answer.outputs


def test_models_are_loaded_counted_and_unloaded(stub: InferenceServiceStub) -> None:
    assert stub.LoadModel(pb.LoadModelRequest(model_id="tiny")).success
    stub.InferBatch(pb.InferBatchRequest(model_id="tiny", batch_size=1))
    (tiny,) = stub.GetModelStats(pb.GetModelStatsRequest(model_id="tiny")).models
    assert (tiny.loaded, tiny.gpu_id, tiny.stats.usage_count) == (True, -1, 1)
    health = stub.Health(pb.HealthRequest())
    assert (health.healthy, health.loaded_models, health.max_models, health.version) == (True, 1, 2, __version__)
    assert (health.cuda_available, health.gpu_count) == (False, 0)
    assert stub.UnloadModel(pb.UnloadModelRequest(model_id="tiny")).success
    assert "There is no avatar" in stub.LoadModel(pb.LoadModelRequest(model_id="nobody")).error
    assert [one.model_id for one in stub.ListModels(pb.ListModelsRequest()).models] == ["other", "tiny"]


def test_gpus_are_told_with_what_they_hold(core: Core, avatars: Avatars) -> None:
    everywhere = Avatars(avatars.registry, avatars.known, frozenset({"cuda:1", "cpu", "cuda:0"}))
    health = Inference(everywhere, core).health(pb.HealthRequest(), None)  # type: ignore[arg-type]  # asks no call
    assert (health.cuda_available, health.gpu_count) == (True, 2)
    assert [(one.gpu_id, one.name, one.loaded_models) for one in health.gpus] == [(0, "cuda:0", 0), (1, "cuda:1", 0)]
