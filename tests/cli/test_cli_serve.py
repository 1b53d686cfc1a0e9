"""`lipstream serve` as a process: what it says, serves and refuses, and how it ends."""

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from threading import Event, Thread

import grpc
import pytest
from fakes import Start
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from websockets.sync.client import connect

from lipstream.cli.main import execute
from lipstream.serve.tls import Material
from lipstream.wire.pb import monolithic_pb2, optimized_lipsyncsrv_pb2
from lipstream.wire.pb.monolithic_pb2_grpc import MonolithicServiceStub
from lipstream.wire.pb.optimized_lipsyncsrv_pb2_grpc import OptimizedLipSyncServiceStub

PATIENCE_S = 60
FREE = ("--grpc-port", "0", "--http-port", "0")
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@dataclass(frozen=True, eq=False)
class Served:
    """A server that is ready."""

    process: "Popen[str]"
    said: list[str]

    def port(self, pattern: str) -> int:
        return int(next(found[1] for line in self.said if (found := re.search(pattern, line))))

    @property
    def grpc_address(self) -> str:
        port = self.port(r"gRPC.* 127\.0\.0\.1:(\d+)")
        return f"127.0.0.1:{port}"

    @property
    def http_port(self) -> int:
        return self.port(r"https?://127\.0\.0\.1:(\d+)")

    def wait_for(self, begin: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if line.startswith(begin):
                return
        raise AssertionError(f"it never said {begin!r}: {self.said}, {self.process.communicate()[1]}")


@pytest.fixture
def installed(start: Start, tiny_path: Path) -> Start:
    """Starts commands that know the tiny avatar by name."""
    shutil.copytree(tiny_path, Path(os.environ["LIPSTREAM_HOME"]) / "avatars" / "tiny")
    return start


@contextmanager
def serving(start: Start, *arguments: str | Path) -> Iterator[Served]:
    with start("serve", *FREE, "--preload", "tiny", *arguments) as process:
        try:
            served = Served(process, [])
            served.wait_for("ready")
            yield served
        finally:
            process.kill()


@contextmanager
def watched(process: "Popen[str]") -> Iterator[None]:
    """Kills a process that does not end by itself, so that nothing waits for it without end."""
    ended = Event()

    def watch() -> None:
        if not ended.wait(PATIENCE_S):
            process.kill()

    thread = Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_it_says_what_it_is_serves_and_lets_a_stream_end(installed: Start, hello_path: Path) -> None:
    compatible = ("--compat-port", "0", "--compat-port", "0")
    with serving(installed, *compatible) as served, grpc.insecure_channel(served.grpc_address) as channel:
        assert re.match(r"lipstream \S+, avatars: tiny; at most 8 loaded", served.said[0])
        assert "messages of up to 200 MB" in served.said[1]
        loaded = r"tiny loaded in \d+\.\d s, \d+ MB: fast (f32|bf16) by openvino on cpu"
        assert any(re.fullmatch(loaded, line) for line in served.said)
        assert any(line.startswith("speech networks by openvino on cpu, batches of up to") for line in served.said)
        request = monolithic_pb2.CompositeBatchRequest(model_id="tiny", batch_size=2)
        assert MonolithicServiceStub(channel).InferBatchComposite(request, timeout=PATIENCE_S).success
        with closing(http.client.HTTPConnection("127.0.0.1", served.http_port, timeout=PATIENCE_S)) as asking:
            asking.request("POST", "/v1/generate?avatar=tiny", hello_path.read_bytes())
            answer = asking.getresponse()
            assert (answer.status, answer.read()[4:8]) == (200, b"ftyp")
        *_, first, second = re.findall(r"http://127\.0\.0\.1:(\d+)", "\n".join(served.said))
        for port, path in [(first, "/"), (second, "/ws"), (str(served.http_port), "/ws")]:
            with connect(f"ws://127.0.0.1:{port}{path}") as old:
                old.send('{"type": "list_models"}')
                assert old.recv(PATIENCE_S) == '{"type":"model_list","models":["tiny"],"count":1}'
        health = HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)  # type: ignore[attr-defined]
        assert next(health).status == SERVING
        with open_stream(channel) as stream:
            assert next(stream).success
            served.process.send_signal(signal.SIGTERM)
            assert next(health).status == NOT_SERVING
            assert list(stream) == []  # its end, and no error
        assert served.process.wait(PATIENCE_S) == 0
        assert "stopping: what is under way has 10 s to end" in served.process.communicate()[0]


@contextmanager
def open_stream(channel: grpc.Channel) -> Iterator[Iterator[optimized_lipsyncsrv_pb2.OptimizedInferenceResponse]]:
    """A stream of requests that stays open after the first."""
    over = Event()

    def requests() -> Iterator[optimized_lipsyncsrv_pb2.OptimizedInferenceRequest]:
        yield optimized_lipsyncsrv_pb2.OptimizedInferenceRequest(model_name="tiny")
        over.wait(PATIENCE_S)

    try:
        yield OptimizedLipSyncServiceStub(channel).StreamInference(requests(), timeout=PATIENCE_S)
    finally:
        over.set()


def test_a_second_signal_stops_at_once(installed: Start, minute_path: Path, tmp_path: Path) -> None:
    config = tmp_path / "lipstream.yaml"
    config.write_text("server: {drain_s: 3600}")
    with serving(installed, "--config", config) as served, watched(served.process), ExitStack() as stack:
        connection = http.client.HTTPConnection("127.0.0.1", served.http_port, timeout=PATIENCE_S)
        asking = stack.enter_context(closing(connection))
        asking.request("POST", "/v1/generate?avatar=tiny&format=jpeg", minute_path.read_bytes())
        answer = stack.enter_context(closing(asking.getresponse()))
        assert answer.read(7) == b"--frame"  # and no more of it, so that it is never over
        served.process.send_signal(signal.SIGTERM)
        served.wait_for("stopping")
        served.process.send_signal(signal.SIGTERM)
        _, errors = served.process.communicate()
        assert served.process.returncode == 0
        assert "Traceback" not in errors


def taken_port(stack: ExitStack) -> str:
    return str(stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            lambda port: ["--preload", "tiny", "--grpc-port", port, "--http-port", "0"],
            "gRPC cannot listen on 127.0.0.1:",
        ),
        (
            lambda port: ["--preload", "tiny", "--grpc-port", "0", "--http-port", port],
            "HTTP cannot listen on 127.0.0.1:",
        ),
        (lambda _: [*FREE, "--preload", "tiny", "--preload", "nobody"], "There is no avatar 'nobody'"),
        (lambda _: [*FREE, "--host", "0.0.0.0"], "nothing asks for a key"),  # noqa: S104  refused
        (lambda _: [*FREE, "--keys", "none.yaml"], "There is no keys file none.yaml"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_what_cannot_be_served_is_one_line(
    arguments: Callable[[str], list[str]], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        assert execute(["serve", *arguments(taken_port(stack))]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if " info: " not in line]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert says in lines[0]


def test_over_tls_with_a_key(installed: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = tmp_path / "keys.yaml"
    assert execute(["keys", "new", "--name", "alice", "--keys-file", str(keys)]) == 0
    key = capsys.readouterr().out.strip()
    with serving(installed, "--tls", "self-signed", "--keys", keys) as served:
        certificate = ssl.get_server_certificate(("127.0.0.1", served.http_port))
        (fingerprint,) = (found[1] for line in served.said if (found := re.search(r"SHA-256 ([0-9A-F:]{95})$", line)))
        assert fingerprint == fingerprint_of(certificate)
        trusting = ssl.create_default_context(cadata=certificate)
        assert [status(served.http_port, trusting, sent) for sent in ("", "Bearer none", f"Bearer {key}")] == [
            401,
            401,
            200,
        ]
        credentials = grpc.ssl_channel_credentials(certificate.encode())
        with grpc.secure_channel(served.grpc_address, credentials) as channel:
            stub, request = MonolithicServiceStub(channel), monolithic_pb2.ListModelsRequest()
            with pytest.raises(grpc.RpcError) as refused:
                stub.ListModels(request, timeout=PATIENCE_S)
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
            answer = stub.ListModels(request, timeout=PATIENCE_S, metadata=[("authorization", f"Bearer {key}")])
            assert [one.model_id for one in answer.models] == ["tiny"]
        served.process.terminate()
        assert served.process.wait(PATIENCE_S) == 0


def fingerprint_of(certificate: str) -> str:

    return Material(certificate.encode(), b"").fingerprint


def status(port: int, trusting: ssl.SSLContext, authorization: str) -> int:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE_S, context=trusting)
    try:
        connection.request("GET", "/v1/avatars", headers={"authorization": authorization})
        return connection.getresponse().status
    finally:
        connection.close()
