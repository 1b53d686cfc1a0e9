import http.client
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import av
import pytest
import uvicorn
from http_site import Site, site

from lipstream.serve.answered import Answered
from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core
from lipstream.serve.http.app import http_app

PATIENCE_S = 60


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made


class Over:
    """The first request that is over."""

    def __init__(self) -> None:
        self.answered: Answered | None = None
        self._known = threading.Event()

    def __call__(self, answered: Answered) -> None:
        self.answered = answered
        self._known.set()

    def wait(self) -> Answered:
        assert self._known.wait(PATIENCE_S)
        assert self.answered is not None
        return self.answered


@contextmanager
def listening(made: Site, over: Over) -> Iterator[http.client.HTTPConnection]:
    """A connection to a server that listens on a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        app = http_app(replace(made.parts, observers=(over,)))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none", http="h11"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        connection = http.client.HTTPConnection("127.0.0.1", door.getsockname()[1], timeout=PATIENCE_S)
        try:
            yield connection
        finally:
            connection.close()
            server.should_exit = True
            thread.join(PATIENCE_S)


def test_a_video_arrives_in_parts(tiny_site: Site, hello_path: Path) -> None:
    with listening(tiny_site, over := Over()) as connection:
        connection.request("POST", "/v1/generate?avatar=tiny", hello_path.read_bytes())
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("transfer-encoding")) == (200, "chunked")
        with av.open(io.BytesIO(answer.read()), "r") as container:
            assert len(list(container.decode(video=0))) == 52
        assert over.wait().status == "OK"


def test_a_client_that_hangs_up_ends_the_work(tiny_site: Site, minute_path: Path, core: Core) -> None:
    with listening(tiny_site, over := Over()) as connection:
        connection.request("POST", "/v1/generate?format=jpeg", minute_path.read_bytes())
        answer = connection.getresponse()
        assert answer.read(10).startswith(b"--frame")
        answer.close()
        connection.close()
        told = over.wait()
        assert told.status == "CANCELLED"
        assert told.spent.frames < 1500
    tiny_site.wait()
    assert [one.in_use for one in core.registry.snapshot().names] == [0]
    assert core.batcher.stats().waiting_frames == 0


def test_a_body_announced_as_too_large_is_refused_at_once(tiny_site: Site) -> None:
    with listening(tiny_site, over := Over()) as connection:
        connection.putrequest("POST", "/v1/legacy/infer")
        connection.putheader("content-length", str(2**40))
        connection.endheaders()  # and no body
        assert connection.getresponse().status == 413
        assert over.wait().status == "RESOURCE_EXHAUSTED"
