import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc
import pytest
from running import PATIENCE_S, running

from lipstream.clock import now_ms
from lipstream.errors import BusyError
from lipstream.serve.access import Guard
from lipstream.serve.answered import IN_BAND_ERROR, OK, Answered, RequestLog
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance, Call
from lipstream.serve.core import Core, Spent
from lipstream.serve.quotas import Quotas
from lipstream.serve.rpc import Calls
from lipstream.serve.tokens import Tokens
from lipstream.serve.wires import monolithic
from lipstream.types import Pcm
from lipstream.wire.pb import monolithic_pb2 as pb
from lipstream.wire.pb.monolithic_pb2_grpc import MonolithicServiceStub

STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime"}
SPENT = Spent(audio_ms=20.04, paint_ms=70.0, frames=3)


def over(duration_ms: float = 5.0, status: str = OK, error: str = "") -> Answered:
    return Answered("a.Service", "Method", "id7", "anna", status, error, duration_ms, SPENT)


@pytest.fixture
def shown(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO", "lipstream.serve.answered")
    return caplog


def fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in STANDARD}


def test_one_ordinary_request_in_so_many_is_logged(shown: pytest.LogCaptureFixture) -> None:
    log = RequestLog(slow_request_ms=1000, sample_rate=10)
    for _ in range(25):
        log(over())
    assert [(one.getMessage(), one.levelname) for one in shown.records] == [("request", "INFO")] * 3
    assert fields(shown.records[0]) == {
        "request_id": "id7",
        "service": "a.Service",
        "method": "Method",
        "client": "anna",
        "status": "OK",
        "duration_ms": 5.0,
        "frames": 3,
    }


def test_files_of_the_page_are_logged_where_they_failed_or_for_debugging(shown: pytest.LogCaptureFixture) -> None:
    log = RequestLog(slow_request_ms=0, sample_rate=0)
    file = replace(over(), method="/page/{file}")
    log(file)
    assert not shown.records
    log(replace(file, status="UNIMPLEMENTED", error="no such route"))
    shown.set_level("DEBUG", "lipstream.serve.answered")
    log(file)
    assert [one.levelname for one in shown.records] == ["WARNING", "DEBUG"]


def test_every_request_is_logged_without_sampling(shown: pytest.LogCaptureFixture) -> None:
    log = RequestLog(slow_request_ms=0, sample_rate=0)
    for _ in range(4):
        log(over(duration_ms=1e9))
    assert [one.getMessage() for one in shown.records] == ["request"] * 4


def test_slow_and_failed_requests_are_always_logged_with_their_stages(shown: pytest.LogCaptureFixture) -> None:
    log = RequestLog(slow_request_ms=100, sample_rate=1_000_000)
    log(over())
    lasting = replace(over(100.1), lasting=True)
    told = [over(100.0), lasting, over(100.1), over(status="CANCELLED"), over(status=IN_BAND_ERROR, error="no such")]
    for answered in told:
        log(answered)
    assert [one.getMessage() for one in shown.records] == [
        "request",
        "slow request",
        "request failed",
        "request failed",
    ]
    assert {one.levelname for one in shown.records[1:]} == {"WARNING"}
    slow, failed = fields(shown.records[1]), fields(shown.records[3])
    assert {name: value for name, value in slow.items() if name.endswith("_ms")} == {
        "duration_ms": 100.1,
        "audio_ms": 20.0,
        "paint_ms": 70.0,
    }
    assert (failed["status"], failed["error"]) == (IN_BAND_ERROR, "no such")


class Faulty(monolithic.Monolithic):
    """Fails in several ways."""

    def list_models(self, request: pb.ListModelsRequest, call: Call) -> pb.ListModelsResponse:  # noqa: ARG002
        raise ZeroDivisionError

    def health(self, request: pb.HealthRequest, call: Call) -> pb.HealthResponse:  # noqa: ARG002
        raise BusyError("full")


def test_calls_tell_how_they_ended_and_where_their_time_went(core: Core, avatars: Avatars, hello: Pcm) -> None:
    told: list[Answered] = []
    everybody = Guard(None, Tokens(), Quotas(), now_ms)
    with ThreadPoolExecutor(2) as workers:
        calls = Calls(workers, Allowance(2**20), everybody.admit, (told.append,))
        with running(calls, {monolithic.SERVICE: Faulty(core, avatars)}) as server:
            stub = MonolithicServiceStub(server.channel)
            request = pb.CompositeBatchRequest(
                model_id="tiny", batch_size=20, start_frame_idx=10, raw_audio=hello.tobytes()
            )
            stub.InferBatchComposite(request, timeout=PATIENCE_S, metadata=[("x-request-id", "mine")])
            stub.InferBatchComposite(pb.CompositeBatchRequest(model_id="tiny"), timeout=PATIENCE_S)
            for method, asked in ((stub.ListModels, pb.ListModelsRequest()), (stub.Health, pb.HealthRequest())):
                with pytest.raises(grpc.RpcError):
                    method(asked, timeout=PATIENCE_S)
    shown, refused, broken, full = told
    assert (shown.service, shown.method) == ("monolithic.MonolithicService", "InferBatchComposite")
    assert (shown.request_id, shown.status, shown.error) == ("mine", OK, "")
    assert shown.client == "127.0.0.1"
    assert shown.spent.frames == 20
    assert min(shown.spent.audio_ms, shown.spent.paint_ms, shown.spent.encode_ms) > 0
    stages_ms = shown.spent.load_ms + shown.spent.audio_ms + shown.spent.visual_ms + shown.spent.paint_ms
    assert 0 < stages_ms + shown.spent.blend_ms + shown.spent.encode_ms <= shown.duration_ms
    assert (refused.status, refused.error) == (IN_BAND_ERROR, "batch_size must be 1-32, got 0")
    assert broken.status == "INTERNAL"
    assert broken.request_id in broken.error
    assert (full.status, full.error) == ("RESOURCE_EXHAUSTED", "full")
