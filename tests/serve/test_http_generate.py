import io
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from http_site import BRIEF_BYTES, BRIEF_FRAMES, Site, Visit, site

from lipstream.errors import BusyError, EngineError, MediaError, OutputError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.offline import render
from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core, Painted, Speech, Spent
from lipstream.serve.http.incoming import HttpLimits
from lipstream.types import Image, Pcm

FRAMES = 52


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made


def opened(mp4: bytes) -> tuple[list[Image], int]:
    """Pictures, and samples of sound."""
    with av.open(io.BytesIO(mp4), "r") as container:
        pictures = [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in container.decode(video=0)]
    with av.open(io.BytesIO(mp4), "r") as container:
        return pictures, sum(frame.samples for frame in container.decode(audio=0))


def jpegs(body: bytes) -> list[bytes]:
    parts = body.split(b"--frame")
    assert parts[0] == b""
    assert parts[-1] == b"--\r\n"
    found = []
    for part in parts[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        assert b"Content-Type: image/jpeg" in head
        assert f"Content-Length: {len(content) - 2}".encode() in head
        found.append(content[:-2])
    return found


def test_a_recording_becomes_a_video_with_its_sound(tiny_site: Site, hello_path: Path) -> None:
    answer = tiny_site.client.post("/v1/generate?avatar=tiny", content=hello_path.read_bytes())
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    assert "content-length" not in answer.headers
    pictures, samples = opened(answer.content)
    assert (len(pictures), pictures[0].shape) == (FRAMES, (128, 128, 3))
    assert abs(samples - FRAMES * 1920) <= 2048
    mouths = [float(picture[86:100, 58:70].mean()) for picture in pictures]
    assert max(mouths) - min(mouths) > 5
    (told,) = tiny_site.answered
    assert (told.service, told.method, told.status) == ("http", "/v1/generate", "OK")
    assert told.spent.frames == FRAMES
    assert 0 < told.spent.encode_ms < told.duration_ms


def test_pictures_are_those_of_the_offline_render(tiny_site: Site, hello_path: Path, hello: Pcm, tiny: Avatar) -> None:
    answer = tiny_site.client.post("/v1/generate?format=jpeg&gain=1.5", content=hello_path.read_bytes())
    assert answer.headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
    frames = list(render(hello, tiny, gain=1.5))
    sent = jpegs(answer.content)
    assert len(sent) == len(frames)
    for jpeg, frame in zip(sent, frames, strict=True):
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert np.abs(picture.astype(int) - frame.image).mean() < 3


def test_a_form_and_the_accept_header_do_the_same(tiny_site: Site, hello_path: Path) -> None:
    sound = hello_path.read_bytes()[:BRIEF_BYTES]
    raw = tiny_site.client.post("/v1/generate?format=jpeg", content=sound)
    form = tiny_site.client.post(
        "/v1/generate",
        files={"audio": ("../../etc/passwd", sound, "audio/wav")},
        headers={"accept": "multipart/x-mixed-replace"},
    )
    assert form.status_code == 200
    assert form.content == raw.content


def test_a_compressed_recording_from_a_video_is_heard(tiny_site: Site, hello_path: Path) -> None:
    video = tiny_site.client.post("/v1/generate", content=hello_path.read_bytes()[:BRIEF_BYTES]).content
    again = tiny_site.client.post("/v1/generate?format=jpeg", content=video)
    assert BRIEF_FRAMES <= len(jpegs(again.content)) <= BRIEF_FRAMES + 2


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("avatar=nobody", 404, "There is no avatar 'nobody'"),
        ("avatar=other", 404, "There is no avatar 'other'"),
        ("avatar=../tiny", 400, "An avatar cannot be called '../tiny'"),
        ("format=gif", 400, "format is 'gif'; expected mp4 or jpeg"),
        ("gain=3", 400, "The gain is 3"),
        ("gain=loud", 400, "gain is 'loud'"),
        ("gain=nan", 400, "The gain is nan"),
        ("avatr=tiny", 400, "There is no parameter 'avatr'"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(
    tiny_site: Site, hello_path: Path, query: str, status: int, error: str
) -> None:
    answer = tiny_site.client.post(f"/v1/generate?{query}", content=hello_path.read_bytes())
    assert answer.status_code == status
    assert error in answer.json()["error"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert tiny_site.parts.allowance.held_bytes == 0


@pytest.mark.parametrize("size", [1, 10, 44, 1000, 20_000])
def test_bytes_that_are_no_sound_are_refused(tiny_site: Site, size: int) -> None:
    noise = np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes()
    answer = tiny_site.client.post("/v1/generate", content=noise)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("The sound sent ")
    assert "lipstream-" not in answer.text  # no path of the server


def test_an_empty_body_is_refused(tiny_site: Site) -> None:
    assert "The sound sent is empty" in tiny_site.client.post("/v1/generate").json()["error"]


@pytest.mark.parametrize("kept", [0.02, 0.3])
def test_a_truncated_recording_gives_what_there_is_of_it(tiny_site: Site, hello_path: Path, kept: float) -> None:
    sound = hello_path.read_bytes()
    answer = tiny_site.client.post("/v1/generate?format=jpeg", content=sound[: int(len(sound) * kept)])
    assert answer.status_code == 200
    assert abs(len(jpegs(answer.content)) - kept * FRAMES) <= 1


def test_a_list_of_files_is_no_sound(tiny_site: Site) -> None:
    answer = tiny_site.client.post("/v1/generate", content=b"ffconcat version 1.0\nfile sound\n")
    assert answer.status_code == 400
    assert "a list of files" in answer.json()["error"]


def test_json_is_no_sound_and_is_told_so(tiny_site: Site) -> None:
    answer = tiny_site.client.post("/v1/generate", json={"audio": "hello.wav"})
    assert answer.status_code == 415
    assert answer.json()["error"].startswith("The body is JSON; expected sound")


def test_a_process_without_networks_says_who_has_them(tiny_site: Site, hello_path: Path) -> None:
    client = tiny_site.but(speaks=False).client
    for path in ("/v1/generate", "/v1/legacy/infer"):
        answer = client.post(path, content=hello_path.read_bytes())
        assert answer.status_code == 501
        assert "CompositingService" in answer.json()["error"]
    assert client.get("/v1/avatars").status_code == 200


def test_a_network_that_fails_is_worth_another_try(tiny_site: Site, hello_path: Path) -> None:
    class Broken(Core):
        def speak(self, *_: object) -> Iterator[Painted]:
            raise EngineError("the device is gone")

    core = tiny_site.parts.core
    broken = Broken(core.registry, core.batcher, core.now_ms)
    answer = tiny_site.but(core=broken).client.post("/v1/generate", content=hello_path.read_bytes())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_sound_that_cannot_be_read_a_second_time_names_no_file(
    tiny_site: Site, hello_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(path: Path, **_: object) -> Iterator[object]:
        raise MediaError(f"{path} cannot be decoded")
        yield

    monkeypatch.setattr("lipstream.serve.http.generate.decode", decode)
    answer = tiny_site.client.post("/v1/generate", content=hello_path.read_bytes())
    assert (answer.status_code, answer.json()["error"]) == (400, "The sound sent cannot be decoded")


@pytest.mark.parametrize("files", [{"sound": b"1234"}, {"audio": None}])
def test_a_form_without_the_field_is_refused(tiny_site: Site, files: dict[str, bytes | None]) -> None:
    boundary = "multipart/form-data; boundary=x"
    sent = {name: content for name, content in files.items() if content is not None}
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in sent.items()
    )
    answer = tiny_site.client.post("/v1/generate", content=body + b"--x--\r\n", headers={"content-type": boundary})
    assert answer.status_code == 400
    assert "no file in a field 'audio'" in answer.json()["error"]


def test_a_form_with_more_than_sound_is_refused_by_the_fields_name(tiny_site: Site, hello_path: Path) -> None:
    sound = hello_path.read_bytes()[:BRIEF_BYTES]
    answer = tiny_site.client.post("/v1/generate", files={"audio": sound}, data={"avatar": "tiny"})
    assert answer.status_code == 400
    assert "a field 'avatar' besides 'audio'" in answer.json()["error"]


@pytest.mark.parametrize(
    ("content_type", "says"), [("multipart/form-data", "names no boundary"), ("multipart/form-data; boundary=x", "")]
)
def test_a_form_that_is_none_is_refused(tiny_site: Site, content_type: str, says: str) -> None:
    answer = tiny_site.client.post("/v1/generate", content=b"no form", headers={"content-type": content_type})
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert says in answer.json()["error"]


def test_sound_beyond_the_limit_is_refused(tiny_site: Site, hello_path: Path) -> None:
    limited = tiny_site.but(limits=HttpLimits(max_audio_s=2.0))
    answer = limited.client.post("/v1/generate", content=hello_path.read_bytes())
    assert answer.status_code == 400
    assert "at most 2 s (server.max_audio_s)" in answer.json()["error"]


class Instead:
    """In place of a core: does something else than speaking."""

    def __init__(self, speak: "Speaking") -> None:
        self.speak = speak
        self.now_ms = lambda: 0.0


class Speaking:
    """Paints some grey pictures, then fails or waits for the client to leave."""

    def __init__(self, pictures: int, error: Exception | None) -> None:
        self.pictures, self.error, self.closed = pictures, error, False

    def __call__(self, speech: Speech, gone: "Future[None]", spent: Spent) -> Iterator[Painted]:  # noqa: ARG002
        try:
            for number in range(self.pictures):
                yield Painted(number, np.zeros((32, 32, 3), np.uint8), None, (0, 0, 32, 32))
            if self.error is None:
                gone.result(20)
                return
            raise self.error
        finally:
            self.closed = True


def test_a_full_server_says_when_to_come_back(tiny_site: Site, hello_path: Path) -> None:
    busy = tiny_site.but(core=Instead(Speaking(0, BusyError("Full; come back.", retry_after_ms=18_600))))
    answer = busy.client.post("/v1/generate", content=hello_path.read_bytes())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "19")
    assert answer.json()["error"] == "Full; come back."


def test_a_failure_in_the_middle_breaks_the_answer_off(tiny_site: Site, hello_path: Path) -> None:
    speaking = Speaking(3, OutputError("Disk full."))
    failing = tiny_site.but(core=Instead(speaking))
    visit = Visit("/v1/generate?format=jpeg", body=[hello_path.read_bytes()])
    with pytest.raises(OutputError):  # uvicorn closes the connection
        visit.make(failing.app)
    assert len([message for message in visit.sent if message.get("body")]) == 3
    assert visit.sent[-1]["more_body"]
    assert (failing.answered[0].status, failing.answered[0].error) == ("FAILED_PRECONDITION", "Disk full.")
    failing.wait()
    assert speaking.closed


def test_a_fault_is_told_by_its_id_alone(tiny_site: Site, hello_path: Path) -> None:
    failing = tiny_site.but(core=Instead(Speaking(0, ZeroDivisionError("a secret"))))
    answer = failing.client.post("/v1/generate", content=hello_path.read_bytes(), headers={"x-request-id": "me-1"})
    assert answer.status_code == 500
    assert "me-1" in answer.json()["error"]
    assert "secret" not in answer.text


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, of this test alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_client_that_leaves_while_sending_ends_its_request(
    tiny_site: Site, hello_path: Path, temporary: Path
) -> None:
    visit = Visit("/v1/generate", body=[hello_path.read_bytes()[:1000]], complete=False).make(tiny_site.app)
    assert visit.sent == []
    assert tiny_site.answered[0].status == "CANCELLED"
    assert tiny_site.parts.allowance.held_bytes == 0
    assert not list(temporary.iterdir())


def test_a_client_that_leaves_in_the_middle_ends_the_work(
    tiny_site: Site, minute_path: Path, core: Core, temporary: Path
) -> None:
    visit = Visit(
        "/v1/generate?format=jpeg",
        body=[minute_path.read_bytes()],
        until=lambda message: len(message.get("body", b"")) > 100,
    ).make(tiny_site.app)
    assert visit.status == 200
    assert tiny_site.answered[0].status == "CANCELLED"
    assert tiny_site.answered[0].spent.frames < 100  # of 1,500
    tiny_site.wait()
    assert [one.in_use for one in core.registry.snapshot().names] == [0]
    assert core.batcher.stats().waiting_frames == 0
    assert tiny_site.parts.allowance.held_bytes == 0
    assert not list(temporary.iterdir())


def test_a_client_that_leaves_before_the_first_picture_ends_the_work(tiny_site: Site, hello_path: Path) -> None:
    speaking = Speaking(0, None)  # until the client has left
    waiting = tiny_site.but(core=Instead(speaking))
    visit = Visit("/v1/generate", body=[hello_path.read_bytes()], leaves=True).make(waiting.app)
    assert visit.sent == []
    assert waiting.answered[0].status == "CANCELLED"
    waiting.wait()


def test_a_client_that_takes_nothing_is_dropped(tiny_site: Site, hello_path: Path) -> None:
    stalling = tiny_site.but(limits=HttpLimits(stall_s=0.01))
    Visit("/v1/generate", body=[hello_path.read_bytes()], stalls=True).make(stalling.app)
    assert stalling.answered[0].status == "CANCELLED"
    assert "took nothing" in stalling.answered[0].error
    stalling.wait()
    assert stalling.parts.allowance.held_bytes == 0
