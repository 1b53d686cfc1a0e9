import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import alike, drawn, picture, same
from running import PATIENCE_S, Running

from lipstream import __version__
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.offline import render
from lipstream.types import FRAME_SAMPLES, Pcm
from lipstream.wire.pb import lipsyncsrv_pb2 as pb
from lipstream.wire.pb.lipsyncsrv_pb2_grpc import LipSyncServiceStub

WHOLE = (("lipstream-output", "frame"),)


@pytest.fixture
def stub(served: Running) -> LipSyncServiceStub:
    return LipSyncServiceStub(served.channel)


@pytest.fixture
def wav(hello_path: Path) -> str:
    return base64.b64encode(hello_path.read_bytes()).decode()


def test_frames_of_a_wav_file_are_those_of_the_offline_render(
    stub: LipSyncServiceStub, tiny: Avatar, hello: Pcm, wav: str
) -> None:
    frames = list(render(hello, tiny))[10:20]
    request = pb.BatchInferenceRequest(model_name="tiny", frame_ids=range(10, 20), audio_data=wav)
    answer = stub.GenerateBatchInference(request, timeout=PATIENCE_S)
    assert [(one.success, one.error, one.frame_id) for one in answer.responses] == [
        (True, "", number) for number in range(10, 20)
    ]
    for one, frame in zip(answer.responses, frames, strict=True):
        filmed = tiny.clip.image(one.frame_id)
        assert alike(drawn(one.prediction_data, tuple(one.bounds), filmed), frame.image)
        assert one.prediction_shape == "320x320x3"
    alone = stub.GenerateInference(pb.InferenceRequest(model_name="tiny", frame_id=15, audio_data=wav), metadata=WHOLE)
    assert same(alone.prediction_data, frames[5].image)


def test_the_sound_goes_on_where_the_pictures_jump(
    stub: LipSyncServiceStub, tiny: Avatar, hello: Pcm, wav: str
) -> None:
    spoken = list(render(hello, tiny))
    request = pb.BatchInferenceRequest(model_name="tiny", frame_ids=[11, 10, 9], audio_data=wav)
    answer = stub.GenerateBatchInference(request, metadata=WHOLE)
    mouth = (slice(86, 100), slice(58, 70))
    opened = [float(picture(one.prediction_data)[mouth].mean()) for one in answer.responses]
    heard = [float(frame.image[mouth].mean()) for frame in spoken[11:14]]
    assert opened == pytest.approx(heard, abs=6)


def test_a_live_window_is_not_cut_by_the_number_of_the_picture(stub: LipSyncServiceStub, hello: Pcm) -> None:
    window = base64.b64encode(hello[10 * FRAME_SAMPLES :][: 16 * FRAME_SAMPLES].astype("<f4").tobytes()).decode()
    requests = (
        pb.StreamInferenceRequest(model_name="tiny", frame_id=number, audio_override=window) for number in (3, 15)
    )
    first, second = stub.StreamInference(requests, timeout=PATIENCE_S)
    assert first.prediction_data == second.prediction_data  # pictures 3 and 15 of a loop of 12 are one
    assert (first.success, first.auto_loaded, second.auto_loaded) == (True, True, False)


def test_without_sound_the_mouth_rests(stub: LipSyncServiceStub, tiny: Avatar) -> None:
    rest = next(iter(render(np.zeros(640, np.float32), tiny)))
    answer = stub.GenerateInference(pb.InferenceRequest(model_name="default_model"), metadata=WHOLE)
    assert same(answer.prediction_data, rest.image)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "model_name is required"),
        ({"model_name": "nobody"}, "There is no avatar 'nobody'"),
        ({"model_name": "tiny", "frame_id": -1}, "frame_id must be 0 or more, got -1"),
        ({"model_name": "tiny", "sound": "not base64!"}, "is no base64"),
        ({"model_name": "tiny", "sound": "äöü"}, "is no base64"),
        ({"model_name": "tiny", "sound": base64.b64encode(b"abc").decode()}, "raw_audio has 3 bytes"),
        ({"model_name": "tiny", "sound": base64.b64encode(b"RIFF0000WAVE").decode()}, "holds no samples"),
        ({"model_name": "tiny", "sound": base64.b64encode(b"\xff" * 8).decode()}, "NaN"),
    ],
)
def test_what_cannot_be_served_is_said_in_the_answers(
    stub: LipSyncServiceStub, fields: dict[str, Any], error: str
) -> None:
    sound = fields.pop("sound", "")
    alone = stub.GenerateInference(pb.InferenceRequest(**fields, audio_data=sound))
    (streamed,) = stub.StreamInference(iter([pb.StreamInferenceRequest(**fields, audio_override=sound)]))
    numbers = [fields.pop("frame_id", 0)]
    request = pb.BatchInferenceRequest(**fields, frame_ids=numbers, audio_data=sound)
    (batched,) = stub.GenerateBatchInference(request).responses
    for answer in (alone, streamed, batched):
        assert not answer.success
        assert error in answer.error
        assert not answer.prediction_data


def test_models_are_loaded_by_name_or_by_folder(stub: LipSyncServiceStub, home: Path, wav: str) -> None:
    loaded = stub.LoadModel(pb.LoadModelRequest(model_name="tiny"))
    assert (loaded.success, loaded.message, loaded.HasField("error")) == (True, "tiny is loaded", False)
    path = str(home / "avatars" / "tiny")
    by_folder = stub.LoadModel(pb.LoadModelRequest(package_path=path, audio_override=wav))
    assert (by_folder.success, by_folder.model_name) == (True, "tiny")
    assert "it is not kept" in by_folder.message
    assert "does not lie in the avatars folder" in stub.LoadModel(pb.LoadModelRequest(package_path="/etc")).error
    assert stub.LoadModel(pb.LoadModelRequest()).error == "model_name is required"
    assert "is no base64" in stub.LoadModel(pb.LoadModelRequest(model_name="tiny", audio_override="?")).error


def test_sound_that_is_too_long_is_refused(stub: LipSyncServiceStub) -> None:
    long = base64.b64encode(bytes(4 * (600 * 16_000 + 1))).decode()
    answer = stub.GenerateInference(pb.InferenceRequest(model_name="tiny", audio_data=long), timeout=PATIENCE_S)
    assert not answer.success
    assert "audio_data holds 9,600,001 samples; expected at most 9,600,000, which are 600 s" in answer.error


def test_it_is_healthy(stub: LipSyncServiceStub) -> None:
    health = stub.CheckHealth(pb.HealthRequest())
    assert (health.status, health.version) == ("healthy", __version__)


def test_batches_are_those_of_the_mouth_service(stub: LipSyncServiceStub) -> None:
    features = np.random.default_rng(5).normal(0, 1, 8192).astype(np.float32)
    answer = stub.ProcessBatch(pb.BatchRequest(audio_features=features, batch_size=2), timeout=PATIENCE_S)
    assert (answer.success, len(answer.output_frames)) == (True, 2 * 3 * 320 * 320)
    assert answer.inference_time_ms > 0
    refused = stub.ProcessBatch(pb.BatchRequest(batch_size=26))
    assert (refused.success, refused.error) == (False, "batch_size must be 1-25, got 26")
