"""One request of 16 chunks in every dialect of the reference's WebSocket clients in, bytes and times of each out.

    python benchmarks/dialects.py > benchmarks/results/NAME.dialects.json

Let nothing else run meanwhile. Client and server share the machine. A time is all that a client waits for: from samples
as bytes to a JPEG as bytes, so that making and reading JSON and base64 count. All dialects are asked for the same
pictures of a face, in turn, so that whatever slows the machine slows each.
"""

import argparse
import base64
import json
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import soxr
from served import Server, serving, speech
from websockets.sync.client import ClientConnection, connect

import lipstream
from lipstream.clock import now_ms
from lipstream.evaluate.speed.machine import machine, versions
from lipstream.wire.pcm import int16_bytes

CHUNKS = 16
FRAME_IDS = 10
"""How many pictures are asked for in turn, as the reference's test mode does."""
WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to ask."""

    ask: Callable[[int, bytes], str | bytes]
    """Frame and sound to a message."""
    jpeg: Callable[[str | bytes], bytes]
    """An answer to its picture."""


def json_request(frame_id: int, audio: bytes) -> str:
    """The JSON of the first server."""
    return json.dumps({"frame_id": frame_id, "audio_override": base64.b64encode(audio).decode()})


def binary_request(frame_id: int, audio: bytes) -> bytes:
    """Without a name, for the default."""
    return struct.pack("<III", 0, frame_id, len(audio)) + audio


def checked_request(frame_id: int, audio: bytes) -> bytes:
    """With the magic number and a checksum."""
    head = struct.pack("<IBII", 0x12345678, 1, frame_id, len(audio))
    return head + audio + struct.pack("<I", zlib.crc32(audio))


def json_jpeg(answer: str | bytes) -> bytes:
    """The picture of an answer in JSON."""
    return base64.b64decode(json.loads(answer)["prediction_data"])


def binary_jpeg(answer: str | bytes) -> bytes:
    """The picture of an answer in bytes: both layouts have 13 bytes before it, of which the last four are its size."""
    if isinstance(answer, str) or answer[13:15] != b"\xff\xd8":
        raise RuntimeError(f"no picture but {answer[:200]!r}")
    (size,) = struct.unpack_from("<I", answer, 9)
    return answer[13 : 13 + size]


DIALECTS = {
    "json": Dialect(json_request, json_jpeg),
    "binary": Dialect(binary_request, binary_jpeg),
    "checked": Dialect(checked_request, binary_jpeg),
}


def asked(connection: ClientConnection, dialect: Dialect, frame_id: int, audio: bytes) -> tuple[float, int, int, bytes]:
    """Ask once; ms, bytes there, bytes back, and the picture."""
    begin_ms = now_ms()
    request = dialect.ask(frame_id, audio)
    connection.send(request)
    answer = connection.recv()
    while isinstance(answer, str) and '"type":"stats"' in answer:  # which the server sends unasked
        answer = connection.recv()
    picture = dialect.jpeg(answer)
    return now_ms() - begin_ms, len(request), len(answer), picture


def measured(server: Server, repeats: int) -> dict[str, Any]:
    """Every dialect with both kinds of samples."""
    samples = soxr.resample(speech(CHUNKS), 16_000, 24_000).astype(np.float32)
    sounds = {"int16 at 24 kHz": int16_bytes(samples), "float32 at 24 kHz": samples.tobytes()}
    ways = [(name, kind) for name in DIALECTS for kind in sounds]
    rows: dict[tuple[str, str], list[tuple[float, int, int, bytes]]] = {way: [] for way in ways}
    url, patch = f"ws://127.0.0.1:{server.http_port}/ws", {"lipstream-output": "patch"}
    with connect(url, compression=None, max_size=None, additional_headers=patch) as connection:
        for turn in range(WARM_UP + repeats):
            for way in ways:
                name, kind = way
                rows[way].append(asked(connection, DIALECTS[name], turn % FRAME_IDS, sounds[kind]))
    for turn in range(WARM_UP + repeats):
        if len({rows[name, "int16 at 24 kHz"][turn][3] for name in DIALECTS}) > 1:
            raise RuntimeError("the dialects show different pictures")
    return {f"{name}, {kind}": summary(rows[name, kind][WARM_UP:]) for name, kind in ways}


def summary(rows: list[tuple[float, int, int, bytes]]) -> dict[str, float]:
    """Bytes and times of one way."""
    times_ms = [row[0] for row in rows]
    return {
        "request_bytes": max(row[1] for row in rows),
        "mean_answer_bytes": round(float(np.mean([row[2] for row in rows]))),
        "mean_jpeg_bytes": round(float(np.mean([len(row[3]) for row in rows]))),
        **{f"p{percent}_ms": round(float(np.percentile(times_ms, percent)), 2) for percent in (50, 95)},
    }


def main() -> None:
    """Print the report as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatar", default="iris")
    parser.add_argument("--repeats", type=int, default=200, help="requests of each kind")
    options = parser.parse_args()
    with serving(options.avatar) as server:
        by_dialect = measured(server, options.repeats)
    report = {
        "schema": "lipstream.dialects/1",
        "version": lipstream.__version__,
        "machine": machine(),
        "versions": {**versions(), "websockets": version("websockets")},
        "avatar": options.avatar,
        "repeats": options.repeats,
        "by_dialect": by_dialect,
    }
    json.dump(report, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
