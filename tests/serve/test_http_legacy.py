import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from http_site import Site, Visit, site
from hypothesis import given
from hypothesis import strategies as st

from lipstream.errors import InputError
from lipstream.serve.access import Visitor
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Call
from lipstream.serve.core import Core
from lipstream.serve.http.legacy import read_request
from lipstream.serve.wires.asked import Asked, answer_batch
from lipstream.serve.wires.inference import mouth_of
from lipstream.types import Float32

ROUTE = "/v1/legacy/infer"


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made


def over_grpc(core: Core, asked: Asked) -> Float32:
    """What `lipsync.LipSync.InferBatch` answers: `[b, 3, 320, 320]`."""
    call = Call("1", Visitor("me"), {}, Future())
    answered = answer_batch(core, asked, call, mouth_of, max_batch=25, mouths_only=True)
    return np.frombuffer(b"".join(answered.pictures), "<f4").reshape(-1, 3, 320, 320)


def test_mouths_are_those_of_grpc(tiny_site: Site, core: Core) -> None:
    random = np.random.default_rng(5)
    visual = random.uniform(0, 1, (1, 6, 320, 320)).astype(np.float32).round(3)
    audio = random.normal(0, 1, (1, 32, 16, 16)).astype(np.float32).round(3)
    body = {
        "batch_size": 1,
        "visual_frames": visual.tolist(),
        "audio_features": audio.ravel().tolist(),
        "start_frame_idx": 3,
    }
    answer = tiny_site.client.post(ROUTE, content=json.dumps(body))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["success"], told["error"]) == (True, "")
    assert told["inference_time_ms"] > 0
    mouth = np.array(told["output_frames"], np.float32).reshape(1, 3, 320, 320)
    expected = over_grpc(core, Asked("tiny", 1, visual.tobytes(), audio.tobytes(), start_frame_idx=3))
    np.testing.assert_allclose(mouth, expected, atol=1e-7)


def test_a_batch_of_the_avatars_own_pictures(tiny_site: Site, core: Core) -> None:
    answer = tiny_site.client.post(ROUTE, json={"model_id": "tiny", "batch_size": 3})
    mouths = np.array(answer.json()["output_frames"], np.float32).reshape(3, 3, 320, 320)
    np.testing.assert_allclose(mouths, over_grpc(core, Asked("tiny", 3)), atol=1e-7)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "The body: Invalid JSON"),
        (b'{"batch_size": 1', 400, "The body: Invalid JSON"),
        (b"\xff\x00", 400, "The body: Invalid JSON"),
        (b"[]", 400, "The body: Input should be an object"),
        (b"{}", 400, "batch_size: Field required"),
        (b'{"batch_size": 0}', 400, "batch_size must be 1-25, got 0"),
        (b'{"batch_size": 26}', 400, "batch_size must be 1-25, got 26"),
        (b'{"batch_size": "1"}', 400, "batch_size: Input should be a valid integer"),
        (b'{"batch_size": 1, "start_frame_idx": -1}', 400, "start_frame_idx must be 0 or more"),
        (b'{"batch_size": 1, "model_id": "nobody"}', 404, "There is no avatar 'nobody'"),
        (b'{"batch_size": 1, "model_id": "../tiny"}', 404, "There is no avatar"),
        (b'{"batch_size": 1, "visual_frames": [1, 2]}', 400, "visual_frames has 2 numbers; expected 614,400"),
        (b'{"batch_size": 1, "visual_frames": [[1], [2, 3]]}', 400, "visual_frames is no array of numbers"),
        (b'{"batch_size": 1, "audio_features": {"a": 1}}', 400, "audio_features is no array of numbers"),
        (b'{"batch_size": 1, "audio_features": [' + b"NaN," * 8191 + b"NaN]}", 400, "NaN"),
        (b'{"batch_size": 1, "audio_features": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "The body: Invalid JSON"),
    ],
)
def test_what_cannot_be_served_is_said_in_the_answer(tiny_site: Site, body: bytes, status: int, error: str) -> None:
    answer = tiny_site.client.post(ROUTE, content=body)
    assert answer.status_code == status
    told = answer.json()
    assert error in told["error"]
    assert (told["success"], told["output_frames"], told["inference_time_ms"]) == (False, [], 0)
    assert told["request_id"]


@given(st.binary(max_size=60))
def test_random_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(InputError):
        read_request(body)


def test_a_client_that_leaves_gets_nothing(tiny_site: Site) -> None:
    visit = Visit(ROUTE, body=[b'{"batch_size"'], complete=False).make(tiny_site.app)
    assert visit.sent == []
    assert tiny_site.answered[0].status == "CANCELLED"
