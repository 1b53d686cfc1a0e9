from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import alike, drawn, picture, same
from running import PATIENCE_S, Running

from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.offline import render
from lipstream.serve.core import Core, Speech
from lipstream.types import FRAME_SAMPLES, Image, Pcm
from lipstream.wire.pb import optimized_lipsyncsrv_pb2 as pb
from lipstream.wire.pb.optimized_lipsyncsrv_pb2_grpc import OptimizedLipSyncServiceStub
from lipstream.wire.recording import Recording

CHUNK = np.zeros(FRAME_SAMPLES, np.float32).tobytes()
WHOLE = (("lipstream-output", "frame"),)


@pytest.fixture
def stub(served: Running) -> OptimizedLipSyncServiceStub:
    return OptimizedLipSyncServiceStub(served.channel)


def chunks_of(pcm: Pcm, first: int, frames: int) -> list[bytes]:
    """The N+15 form."""
    around = np.pad(pcm, (8 * FRAME_SAMPLES, 20 * FRAME_SAMPLES))[first * FRAME_SAMPLES :]
    return [around[start * FRAME_SAMPLES :][:FRAME_SAMPLES].tobytes() for start in range(frames + 15)]


def with_audio(pcm: Pcm, first: int, frames: int) -> pb.BatchInferenceWithAudioRequest:
    return pb.BatchInferenceWithAudioRequest(
        model_name="tiny", start_frame_id=first, frame_count=frames, audio_chunks=chunks_of(pcm, first, frames)
    )


def test_patches_drawn_over_their_bounds_are_the_frames_that_say_the_chunks(
    stub: OptimizedLipSyncServiceStub, core: Core, tiny: Avatar, hello: Pcm
) -> None:
    first, frames = 10, 40
    answer = stub.GenerateBatchWithAudio(with_audio(hello, first, frames), timeout=PATIENCE_S)
    assert [(one.success, one.frame_id, one.prediction_shape) for one in answer.responses] == [
        (True, first + offset, "320x320x3") for offset in range(frames)
    ]
    heard = np.pad(hello, (0, 20 * FRAME_SAMPLES))[(first - 8) * FRAME_SAMPLES : (first + frames + 7) * FRAME_SAMPLES]
    expected = list(core.speak(Speech("tiny", frames, first, sound=Recording(heard, 8, frames)), Future()))
    for one, painted in zip(answer.responses, expected, strict=True):
        assert picture(one.prediction_data).shape == (320, 320, 3)
        assert tuple(one.bounds) == painted.bounds
        filmed = tiny.clip.image(one.frame_id)
        assert np.abs(drawn(one.prediction_data, tuple(one.bounds), filmed).astype(int) - painted.image).mean() < 1
    opened = [float(picture(one.prediction_data)[200:240, 140:180].mean()) for one in answer.responses]
    assert max(opened) - min(opened) > 5  # the mouth moves
    assert answer.avg_frame_time_ms == pytest.approx(answer.total_processing_time_ms / frames, abs=0.1)
    told = sum(one.prepare_time_ms + one.inference_time_ms + one.composite_time_ms for one in answer.responses)
    assert 0.8 * answer.total_processing_time_ms < told <= answer.total_processing_time_ms + 1


def test_the_whole_frame_is_sent_to_whoever_asks_for_it(
    stub: OptimizedLipSyncServiceStub, tiny: Avatar, hello: Pcm
) -> None:
    request = with_audio(hello, 20, 3)
    patches = stub.GenerateBatchWithAudio(request, timeout=PATIENCE_S).responses
    frames = stub.GenerateBatchWithAudio(request, timeout=PATIENCE_S, metadata=WHOLE).responses
    for patch, frame in zip(patches, frames, strict=True):
        assert frame.prediction_shape == "128x128x3"
        assert frame.bounds == patch.bounds
        filmed = tiny.clip.image(frame.frame_id)
        assert same(frame.prediction_data, drawn(patch.prediction_data, tuple(patch.bounds), filmed))


def test_without_audio_the_mouth_rests_whatever_the_order_of_the_frames(
    stub: OptimizedLipSyncServiceStub, tiny: Avatar
) -> None:
    rest = [frame.image for frame in render(np.zeros(12 * FRAME_SAMPLES, np.float32), tiny)]
    answer = stub.GenerateBatchInference(
        pb.BatchInferenceRequest(model_name="default_model", frame_ids=[7, 2, 7, 14]), metadata=WHOLE
    )
    assert [one.frame_id for one in answer.responses] == [7, 2, 7, 14]
    for one, number in zip(answer.responses, (7, 2, 7, 2), strict=True):  # the clip is a loop of 12
        assert same(one.prediction_data, rest[number])
    alone = stub.GenerateInference(pb.OptimizedInferenceRequest(model_name="tiny", frame_id=2), metadata=WHOLE)
    assert (alone.success, alone.HasField("error"), alone.model_name) == (True, False, "tiny")
    assert alone.prediction_data == answer.responses[1].prediction_data


def test_a_stream_answers_every_request_in_order(stub: OptimizedLipSyncServiceStub) -> None:
    sent = [("tiny", 4), ("nobody", 5), ("tiny", -1), ("tiny", 6)]
    requests = (pb.OptimizedInferenceRequest(model_name=name, frame_id=number) for name, number in sent)
    answers = list(stub.StreamInference(requests, timeout=PATIENCE_S))
    assert [(one.model_name, one.frame_id) for one in answers] == sent
    assert [one.success for one in answers] == [True, False, False, True]
    assert "There is no avatar 'nobody'" in answers[1].error
    assert answers[2].error == "frame_id must be 0 or more, got -1"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"frame_count": 1}, "model_name is required"),
        ({"model_name": "tiny"}, "frame_count must be 1-500, got 0"),
        ({"model_name": "tiny", "frame_count": 501}, "frame_count must be 1-500, got 501"),
        ({"model_name": "tiny", "frame_count": -3}, "frame_count must be 1-500, got -3"),
        (
            {"model_name": "tiny", "frame_count": 1, "start_frame_id": -1, "audio_chunks": [CHUNK] * 16},
            "start_frame_id must be 0 or more, got -1",
        ),
        (
            {"model_name": "tiny", "frame_count": 19, "audio_chunks": [CHUNK] * 19},
            "Insufficient audio chunks: expected frame_count + 15 = 34, got 19",
        ),
        (
            {"model_name": "tiny", "frame_count": 4, "audio_chunks": [*[CHUNK] * 3, CHUNK[:2000], *[CHUNK] * 15]},
            "Invalid audio format: chunk 3 has 2,000 bytes, expected 2,560 (640 float32)",
        ),
        (
            {"model_name": "tiny", "frame_count": 1, "audio_chunks": [b"\xff" * 2560] * 16},
            "audio_chunks holds NaN or infinity; expected float32 samples in -1..1: check how it is made.",
        ),
        (
            {"model_name": "nobody", "frame_count": 1, "audio_chunks": [CHUNK] * 16},
            "There is no avatar 'nobody'; known: tiny",
        ),
    ],
)
def test_what_cannot_be_spoken_is_said_in_one_answer(
    stub: OptimizedLipSyncServiceStub, fields: dict[str, Any], error: str
) -> None:
    answer = stub.GenerateBatchWithAudio(pb.BatchInferenceWithAudioRequest(**fields))
    assert [(one.success, one.error, one.prediction_data) for one in answer.responses] == [(False, error, b"")]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"frame_ids": [1]}, "model_name is required"),
        ({"model_name": "tiny"}, "frame_ids must hold 1-500 numbers, got 0"),
        ({"model_name": "tiny", "frame_ids": range(501)}, "frame_ids must hold 1-500 numbers, got 501"),
        ({"model_name": "tiny", "frame_ids": [3, -2]}, "frame_id must be 0 or more, got -2"),
        ({"model_name": "../tiny", "frame_ids": [3]}, "There is no avatar '../tiny'; known: tiny"),
    ],
)
def test_wrong_numbers_are_said_in_one_answer(
    stub: OptimizedLipSyncServiceStub, fields: dict[str, Any], error: str
) -> None:
    answer = stub.GenerateBatchInference(pb.BatchInferenceRequest(**fields))
    assert [(one.success, one.error) for one in answer.responses] == [(False, error)]


def test_another_output_is_refused(stub: OptimizedLipSyncServiceStub) -> None:
    request = pb.OptimizedInferenceRequest(model_name="tiny", frame_id=2)
    answer = stub.GenerateInference(request, metadata=[("lipstream-output", "gif")])
    assert (answer.success, answer.error) == (False, "metadata lipstream-output is 'gif'; expected patch or frame")


def test_packages_are_loaded_by_name_or_by_folder(
    stub: OptimizedLipSyncServiceStub, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    loaded = stub.LoadPackage(pb.LoadPackageRequest(package_name="tiny"))
    assert (loaded.success, loaded.message, loaded.frame_count, loaded.device) == (True, "tiny is loaded", 12, "cpu")
    assert list(loaded.videos_loaded) == ["full_body_img", "rois_320", "model_inputs"]
    by_folder = stub.LoadPackage(pb.LoadPackageRequest(package_name="mine", package_dir=str(home / "avatars" / "tiny")))
    assert (by_folder.success, by_folder.package_name, by_folder.error) == (True, "mine", "")
    for outside in (str(tmp_path_factory.mktemp("elsewhere")), "../..", "/etc"):
        refused = stub.LoadPackage(pb.LoadPackageRequest(package_name="tiny", package_dir=outside))
        assert not refused.success
        assert "does not lie in the avatars folder" in refused.error
    assert stub.LoadPackage(pb.LoadPackageRequest()).error == "package_name is required"
    assert "There is no avatar" in stub.LoadPackage(pb.LoadPackageRequest(package_name="nobody")).error


def test_statistics_are_those_of_the_requests(stub: OptimizedLipSyncServiceStub) -> None:
    before = stub.GetStats(pb.StatsRequest(model_name="tiny"))
    assert (before.total_requests, before.frame_count, before.device) == (0, 0, "")
    assert stub.ListModels(pb.ListModelsRequest()).count == 0
    for _ in range(3):
        stub.GenerateInference(pb.OptimizedInferenceRequest(model_name="tiny", frame_id=1))
    stub.GetVideoFrame(pb.GetVideoFrameRequest(model_name="tiny"))  # a look is no request
    stats = stub.GetStats(pb.StatsRequest(model_name="default_model"))
    assert (stats.total_requests, stats.frame_count, stats.device) == (3, 12, "cpu")
    assert 0 < stats.min_inference_time_ms <= stats.avg_inference_time_ms <= stats.max_inference_time_ms
    assert "engine openvino" in stats.optimizations_active
    models = stub.ListModels(pb.ListModelsRequest())
    assert (list(models.loaded_models), models.count) == (["tiny"], 1)
    health = stub.HealthCheck(pb.HealthRequest())
    assert (health.healthy, health.status, health.loaded_models) == (True, "healthy", 1)
    assert 0 <= health.uptime_seconds < 600


def test_filmed_pictures_are_shown(stub: OptimizedLipSyncServiceStub, tiny: Avatar) -> None:
    image = tiny.clip.image(5)
    visual = tiny.face.visual([image], [5])[0]
    hidden = (visual[3:].transpose(1, 2, 0) * 255).astype(np.uint8)
    expected: dict[str, Image] = {
        "": image,
        "full_body_img": image,
        "rois_320": tiny.face.crop(image, 5),
        "model_inputs": hidden,
    }
    for video, wanted in expected.items():
        shown = stub.GetVideoFrame(pb.GetVideoFrameRequest(model_name="tiny", frame_id=17, video_type=video))
        assert (shown.success, shown.frame_id, shown.video_type) == (True, 17, video or "full_body_img")
        assert alike(picture(shown.frame_data), wanted)


def test_metadata_say_where_the_face_is(stub: OptimizedLipSyncServiceStub, tiny: Avatar) -> None:
    told = stub.GetModelMetadata(pb.GetModelMetadataRequest(model_name="tiny"))
    assert (told.success, told.frame_count, told.audio_path) == (True, 12, "")
    assert tuple(told.bounds) == tiny.face.bounds(tiny.clip.image(0), 0)
    assert "full_body_img" in told.available_videos


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda stub: stub.GetVideoFrame(pb.GetVideoFrameRequest()), "model_name is required"),
        (
            lambda stub: stub.GetVideoFrame(pb.GetVideoFrameRequest(model_name="tiny", frame_id=-1)),
            "frame_id must be 0 or more, got -1",
        ),
        (
            lambda stub: stub.GetVideoFrame(pb.GetVideoFrameRequest(model_name="tiny", video_type="etc/passwd")),
            "video_type is 'etc/passwd'; expected one of full_body_img, rois_320, model_inputs",
        ),
        (lambda stub: stub.GetModelMetadata(pb.GetModelMetadataRequest()), "model_name is required"),
        (
            lambda stub: stub.GetModelMetadata(pb.GetModelMetadataRequest(model_name="nobody")),
            "There is no avatar 'nobody'; known: tiny",
        ),
    ],
)
def test_wrong_looks_are_said_in_the_answer(
    stub: OptimizedLipSyncServiceStub,
    ask: Callable[[OptimizedLipSyncServiceStub], pb.GetVideoFrameResponse],
    error: str,
) -> None:
    answer = ask(stub)
    assert (answer.success, answer.error) == (False, error)
