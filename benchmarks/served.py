"""A `lipstream serve` in a process of its own in, its addresses, memory, counters and the requests it is sent out."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np

from lipstream.audio.read import read_pcm
from lipstream.types import FRAME_SAMPLES, Pcm
from lipstream.wire.pb import monolithic_pb2, optimized_lipsyncsrv_pb2

SPEECH = Path(__file__).parents[1] / "examples" / "hello.wav"
COMMAND = (sys.executable, "-c", "from lipstream.cli.main import run; run()", "serve")
MOST_BYTES = 2**31 - 1
OPTIONS = (("grpc.max_receive_message_length", MOST_BYTES), ("grpc.max_send_message_length", MOST_BYTES))
PATIENCE_S = 600
DEFAULTS = {"LIPSTREAM_LOGGING__LEVEL": "error"}
"""Failed requests are warnings, and some fail on purpose."""


@dataclass(frozen=True, eq=False)
class Server:
    """A server that is ready."""

    process: "subprocess.Popen[str]"
    """Its process."""
    grpc_address: str
    """HOST:PORT of its gRPC."""
    http_port: int
    """Port of its HTTP, on this machine."""

    def channel(self) -> grpc.Channel:
        """A connection of its own, as another client would have."""
        return grpc.insecure_channel(self.grpc_address, (*OPTIONS, ("grpc.use_local_subchannel_pool", 1)))

    def http(self) -> http.client.HTTPConnection:
        """A connection to its HTTP."""
        return http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=PATIENCE_S)

    def metrics(self) -> dict[str, float]:
        """Every series of its `/metrics`, by name and labels."""
        with closing(self.http()) as connection:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def memory_mb(self) -> float:
        """Its memory in RAM."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def stop(self) -> int:
        """Let it drain; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode


@contextmanager
def serving(avatar: str, **settings: object) -> Iterator[Server]:
    """Start a server of one avatar, with settings such as `batching__max_batch=1`, and stop it."""
    environment = {f"LIPSTREAM_{name.upper()}": str(value) for name, value in settings.items()}
    arguments = ("--grpc-port", "0", "--http-port", "0", "--preload", avatar)
    process = subprocess.Popen(  # noqa: S603  our own
        (*COMMAND, *arguments),
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **DEFAULTS, "LIPSTREAM_REGISTRY__ALIASES__DEFAULT_MODEL": avatar, **environment},
    )
    try:
        yield Server(process, *_addresses(process))
    finally:
        process.kill()
        process.communicate()


def _addresses(process: "subprocess.Popen[str]") -> tuple[str, int]:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if line.startswith("ready"):
            text = "".join(said)
            return re.findall(r"gRPC (127\.0\.0\.1:\d+)", text)[0], int(
                re.findall(r"http://127\.0\.0\.1:(\d+)", text)[0]
            )
    raise RuntimeError(f"the server did not start; it said: {''.join(said)}")


def speech(frames: int) -> Pcm:
    """Speech of so many frames, repeated where the recording is shorter: `[640 frames]` float32."""
    return np.resize(read_pcm(SPEECH)[8_000:], frames * FRAME_SAMPLES)


def chunked(avatar: str, frames: int, first: int = 0) -> optimized_lipsyncsrv_pb2.BatchInferenceWithAudioRequest:
    """The N+15 call."""
    pcm = speech(first + frames + 15)[first * FRAME_SAMPLES :]
    chunks = [pcm[start : start + FRAME_SAMPLES].tobytes() for start in range(0, len(pcm), FRAME_SAMPLES)]
    return optimized_lipsyncsrv_pb2.BatchInferenceWithAudioRequest(
        model_name=avatar, frame_count=frames, start_frame_id=first, audio_chunks=chunks
    )


def composite(avatar: str, frames: int, first: int = 0) -> monolithic_pb2.CompositeBatchRequest:
    """The batch call with raw audio in the N+15 form."""
    pcm = speech(first + frames + 15)[first * FRAME_SAMPLES :]
    return monolithic_pb2.CompositeBatchRequest(
        model_id=avatar, batch_size=frames, start_frame_idx=first, raw_audio=pcm.tobytes()
    )


def counted(before: Mapping[str, float], after: Mapping[str, float], name: str) -> float:
    """By how much a counter grew."""
    return after.get(name, 0.0) - before.get(name, 0.0)
