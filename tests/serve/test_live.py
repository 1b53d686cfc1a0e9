from collections.abc import Iterator
from concurrent.futures import Future
from queue import Queue

import grpc
import numpy as np
import pytest
from pictures import same
from running import PATIENCE_S, Running

from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core, Speech
from lipstream.types import Pcm
from lipstream.wire.pb import lipstream_v1_pb2 as pb
from lipstream.wire.pb.lipstream_v1_pb2_grpc import SpeechStub
from lipstream.wire.pcm import int16_bytes
from lipstream.wire.recording import Recording

START = pb.StreamRequest(start=pb.Header(avatar="tiny", lookahead_ms=452))
END = pb.StreamRequest(end=pb.End())
INTERRUPT = pb.StreamRequest(interrupt=pb.Interrupt())
FEW = 10 * 640


@pytest.fixture
def stub(served: Running) -> SpeechStub:
    return SpeechStub(served.channel)


def said(pcm: Pcm, piece_samples: int = 1000) -> list[pb.StreamRequest]:
    return [
        pb.StreamRequest(audio=int16_bytes(pcm[start : start + piece_samples]))
        for start in range(0, len(pcm), piece_samples)
    ]


def conversation(stub: SpeechStub, requests: list[pb.StreamRequest]) -> list[pb.StreamResponse]:
    return list(stub.Stream(iter(requests), timeout=PATIENCE_S))


@pytest.mark.parametrize("ending", [[END], []], ids=["end", "half-close"])
def test_speech_comes_back_whole_with_its_frames(
    stub: SpeechStub, core: Core, hello: Pcm, ending: list[pb.StreamRequest]
) -> None:
    begun, *answers, last = conversation(stub, [START, *said(hello[:FEW]), *ending])
    assert begun.event.kind == pb.Event.KIND_STARTED
    frames = [answer.frame for answer in answers if answer.HasField("frame")]
    assert [frame.index for frame in frames] == list(range(len(frames)))
    spoken = [frame for frame in frames if not frame.filler]
    assert b"".join(frame.audio for frame in spoken) == int16_bytes(hello[:FEW])
    numbers = [frame.index for frame in spoken]  # the clip goes on while nobody speaks
    asked = Speech("tiny", len(spoken), sound=Recording(hello[:FEW], 0, len(spoken)), numbers=numbers)
    for frame, painted in zip(spoken, core.speak(asked, Future()), strict=True):
        assert same(frame.image, painted.image)
    assert pb.Event.KIND_SPEAKING in [answer.event.kind for answer in answers]
    status = last.status
    assert (status.frames, status.samples) == (len(frames), FEW)
    assert status.filler_frames == len(frames) - len(spoken)
    assert 0 <= status.first_frame_ms <= status.total_ms


def test_an_interruption_drops_what_was_not_shown(stub: SpeechStub, hello: Pcm, avatars: Avatars) -> None:
    sent: Queue[pb.StreamRequest | None] = Queue()
    for request in (START, *said(np.resize(hello, 30 * 16_000), 16_000)):
        sent.put(request)
    answers: Iterator[pb.StreamResponse] = stub.Stream(iter(sent.get, None), timeout=PATIENCE_S)
    while not any(next(answers).frame.audio.strip(b"\0") for _ in range(3)):
        pass
    sent.put(INTERRUPT)
    sent.put(None)
    rest = list(answers)
    (event,) = [answer.event for answer in rest if answer.event.kind == pb.Event.KIND_INTERRUPTED]
    assert event.played_samples + event.dropped_samples == 30 * 16_000
    assert rest[-1].status.samples == event.played_samples < 10 * 16_000
    assert avatars.named("tiny").frames == rest[-1].status.frames


@pytest.mark.parametrize(
    ("requests", "error"),
    [
        ([], "The stream begins with nothing; expected start"),
        ([END], "The stream begins with end; expected start"),
        ([pb.StreamRequest()], "The stream begins with an empty message"),
        ([START, START], "A message of a stream is start; expected audio, interrupt or end"),
        ([START, pb.StreamRequest()], "A message of a stream is empty"),
        ([START, END, *said(np.zeros(FEW, np.float32))], "sound for a session that is draining, after its end"),
        ([START, pb.StreamRequest(audio=b"123")], "audio has 3 bytes"),
        ([pb.StreamRequest(start=pb.Header(format=pb.FORMAT_MP4))], "format is MP4"),
        ([pb.StreamRequest(start=pb.Header(gain=7))], "The gain is 7"),
    ],
)
def test_messages_that_make_no_stream_are_refused(
    stub: SpeechStub, requests: list[pb.StreamRequest], error: str
) -> None:
    with pytest.raises(grpc.RpcError, match=error) as caught:
        conversation(stub, requests)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_an_unknown_avatar_is_not_found(stub: SpeechStub) -> None:
    with pytest.raises(grpc.RpcError, match="nobody") as caught:
        conversation(stub, [pb.StreamRequest(start=pb.Header(avatar="nobody"))])
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_who_vanishes_leaves_nothing_behind(stub: SpeechStub, avatars: Avatars, served: Running) -> None:
    answers = stub.Stream(iter([START, *said(np.zeros(FEW, np.float32))]), timeout=PATIENCE_S)
    assert next(answers).event.kind == pb.Event.KIND_STARTED
    assert avatars.named("tiny").in_use == 1
    answers.cancel()
    served.wait(served.server._calls.underway.idle())  # without a clock
    assert avatars.named("tiny").in_use == 0
