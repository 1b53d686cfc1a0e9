import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_loads import wait_until
from running import EVERYBODY, PATIENCE_S, Running, running

from lipstream.avatar.bundle import file_entries, open_bundle
from lipstream.avatar.eviction import Limits, least_recently_used
from lipstream.clock import now_ms
from lipstream.pipeline.avatar import Avatar, open_avatar
from lipstream.pipeline.batch import Batcher
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance
from lipstream.serve.core import Core, Speech
from lipstream.serve.live.floor import Live
from lipstream.serve.placement import Device
from lipstream.serve.registry import Registry
from lipstream.serve.rpc import Calls
from lipstream.serve.services import services
from lipstream.types import Codes, Contexts, Float32, Patches, Pcm, Visual
from lipstream.wire.pb import compositing_pb2, inference_pb2, monolithic_pb2, optimized_lipsyncsrv_pb2
from lipstream.wire.pb.compositing_pb2_grpc import CompositingServiceStub
from lipstream.wire.pb.inference_pb2_grpc import InferenceServiceStub
from lipstream.wire.pb.monolithic_pb2_grpc import MonolithicServiceStub
from lipstream.wire.pb.optimized_lipsyncsrv_pb2_grpc import OptimizedLipSyncServiceStub
from lipstream.wire.recording import Recording


@pytest.fixture
def narrow(core: Core, avatars: Avatars, live: Live, home: Path) -> Iterator[Running]:
    """A server that takes a second of sound and sends frames as they are."""
    with ThreadPoolExecutor(4) as workers:
        calls = Calls(workers, Allowance(2**30), EVERYBODY.admit)
        served = services("all", replace(core, max_audio_s=1), avatars, live, home=home, raw=True)
        with running(calls, served) as server:
            yield server


def test_sound_beyond_the_limit_is_refused_by_every_contract(narrow: Running, hello: Pcm) -> None:
    batch: dict[str, Any] = {"model_id": "tiny", "batch_size": 1, "raw_audio": hello.tobytes()}
    chunks = [hello[:640].tobytes()] * (20 + 15)
    answers = [
        MonolithicServiceStub(narrow.channel).InferBatchComposite(monolithic_pb2.CompositeBatchRequest(**batch)),
        CompositingServiceStub(narrow.channel).InferBatchComposite(compositing_pb2.CompositeBatchRequest(**batch)),
        InferenceServiceStub(narrow.channel).InferBatch(inference_pb2.InferBatchRequest(**batch)),
        *OptimizedLipSyncServiceStub(narrow.channel)
        .GenerateBatchWithAudio(
            optimized_lipsyncsrv_pb2.BatchInferenceWithAudioRequest(
                model_name="tiny", frame_count=20, audio_chunks=chunks
            )
        )
        .responses,
    ]
    assert len(answers) == 4
    for answer in answers:
        assert not answer.success
        assert "s long; expected at most 1 s (server.max_audio_s)" in answer.error


def test_frames_are_sent_as_they_are_where_the_contract_leaves_it_open(narrow: Running, tiny: Avatar) -> None:
    batch: dict[str, Any] = {"model_id": "tiny", "batch_size": 2}
    request = monolithic_pb2.CompositeBatchRequest(**batch)
    whole = MonolithicServiceStub(narrow.channel).InferBatchComposite(request, timeout=PATIENCE_S)
    halves = CompositingServiceStub(narrow.channel).InferBatchComposite(
        compositing_pb2.CompositeBatchRequest(**batch), timeout=PATIENCE_S
    )
    assert [len(frame) for frame in whole.composited_frames] == [tiny.clip.height * tiny.clip.width * 3] * 2
    assert list(halves.composited_frames) == list(whole.composited_frames)
    shown = np.frombuffer(whole.composited_frames[0], np.uint8).reshape(tiny.clip.height, tiny.clip.width, 3)
    assert np.array_equal(shown[0], tiny.clip.image(0)[0])  # above the mouth nothing is painted


@pytest.fixture
def speaking(tiny_path: Path, tiny: Avatar, tmp_path: Path) -> Avatar:
    """The tiny avatar with speech features of its own."""
    folder = Path(shutil.copytree(tiny_path, tmp_path / "speaking"))
    features = np.random.default_rng(5).normal(0, 1, (30, 512)).astype(np.float32)
    np.save(folder / "speech_features.npy", features)
    bundle = open_bundle(folder)
    manifest = bundle.manifest.model_copy(
        update={"files": {**bundle.manifest.files, **file_entries([folder / "speech_features.npy"])}}
    )
    (folder / "avatar.json").write_text(manifest.model_dump_json(exclude_none=True))
    return open_avatar(folder, tiny.networks, engine="openvino")


def showing(avatar: Avatar) -> Registry[Avatar]:
    return Registry(
        lambda *_: avatar,
        lambda _: None,
        lambda _: 1,
        limits=Limits(count=1),
        policy=least_recently_used(),
        devices=[Device("cpu")],
        now_ms=now_ms,
        unix_ms=lambda: 0,
    )


def test_calls_without_sound_show_what_the_avatars_own_features_say(
    speaking: Avatar, batcher: Batcher, core: Core
) -> None:
    own = Core(showing(speaking), batcher, now_ms)
    features = speaking.speech_features
    assert features is not None
    numbers = (3, 20, 45)  # 45 is 15 of 30 rows

    def paint(sound: Contexts | None, core: Core) -> list[Float32]:
        gone: Future[None] = Future()
        speech = Speech("tiny", 3, sound=sound, numbers=numbers, mouths_only=True)
        return [one.patch for one in core.speak(speech, gone) if one.patch is not None]

    rows = np.pad(features, ((8, 8), (0, 0)))
    around = np.stack([rows[number % 30 : number % 30 + 16].reshape(32, 16, 16) for number in numbers])
    for mine, sent in zip(paint(None, own), paint(around, own), strict=True):
        np.testing.assert_allclose(mine, sent, atol=1e-5)
    moved = [np.abs(one - other).max() for one, other in zip(paint(None, own), paint(None, core), strict=True)]
    assert max(moved) > 0.02


def test_a_long_speech_asks_once_whether_anybody_waits(core: Core, hello: Pcm) -> None:
    """And not once a frame, or a live stream's worth of them would gather."""

    class Counting(Future[None]):
        asked = 0

        def add_done_callback(self, call: Callable[[Future[None]], object]) -> None:
            self.asked += 1
            super().add_done_callback(call)

    gone = Counting()
    assert len(list(core.speak(Speech("tiny", 50, sound=Recording(hello, 0, 50)), gone))) == 50
    assert gone.asked == 1


def test_frames_that_nobody_waits_for_leave_the_queue(
    core: Core, batcher: Batcher, hello: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    painting, go_on = threading.Event(), threading.Event()
    with core.registry.lease("tiny", counted=False) as avatar:
        generate = avatar.face.generate

    def waits(visual: Visual, codes: Codes) -> Patches:
        painting.set()
        assert go_on.wait(PATIENCE_S)
        return generate(visual, codes)

    monkeypatch.setattr(avatar.face, "generate", waits)
    gone: Future[None] = Future()
    with ThreadPoolExecutor(1) as thread:
        speaking = thread.submit(lambda: list(core.speak(Speech("tiny", 32, sound=Recording(hello, 0, 32)), gone)))
        assert painting.wait(PATIENCE_S)
        gone.set_result(None)
        wait_until(lambda: batcher.stats().waiting_frames == 0)
        go_on.set()
        with pytest.raises(CancelledError):
            speaking.result(PATIENCE_S)


def test_the_first_picture_leaves_before_as_many_wait_as_may(core: Core, hello: Pcm) -> None:
    class Behind:
        """Paints every frame when the eighth after it comes."""

        def __init__(self) -> None:
            self.begun: list[Future[Float32]] = []

        def submit(self, *_: object, **__: object) -> Future[Float32]:
            self.begun.append(Future())
            if len(self.begun) > 8:
                self.begun[-9].set_result(np.zeros((3, 320, 320), np.float32))
            return self.begun[-1]

    batcher, gone = Behind(), Future[None]()
    speech = Speech("tiny", 32, sound=Recording(hello, 0, 32), mouths_only=True)
    pictures = replace(core, batcher=batcher).speak(speech, gone)  # type: ignore[arg-type]
    for index in range(20):
        next(pictures)
        assert len(batcher.begun) == index + 9
    gone.set_result(None)
    with pytest.raises(CancelledError):
        next(pictures)
