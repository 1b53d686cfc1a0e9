import asyncio
import json
from base64 import b64decode
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dialect_client import (
    action_request,
    binary_request,
    checked_request,
    json_request,
    read_binary,
    read_checked,
    read_json,
)
from http_site import Site, site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import picture, same
from socket_visit import visiting
from starlette.routing import Router
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from lipstream.pipeline.avatar import Avatar
from lipstream.render.crop import patch_of
from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core, Painted, Speech
from lipstream.serve.http.app import compat_app, http_app, socket_doors
from lipstream.serve.web import HttpServer
from lipstream.serve.ws.reference import Reference
from lipstream.types import Pcm
from lipstream.wire.recording import Recording

FRAME = 5


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made


@pytest.fixture
def pcm(hello: Pcm) -> Pcm:
    """Sixteen chunks at 16 kHz."""
    return hello[8_000 : 8_000 + 16 * 640]


@pytest.fixture
def window(pcm: Pcm) -> bytes:
    """The same as 40,960 bytes."""
    return pcm.tobytes()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def painted(core: Core, pcm: Pcm | None) -> Painted:
    """The picture that these chunks are asked for."""
    sound = None if pcm is None else Recording(pcm, first_frame=8, frames=1)
    (one,) = core.speak(Speech("tiny", 1, FRAME, sound=sound), Future())
    return one


def face(jpeg: bytes, one: Painted) -> bool:
    """Whether a JPEG shows the face of a picture."""
    return same(jpeg, patch_of(one.image, one.bounds))


def alone(site: Site, **fields: Any) -> ASGIApp:  # noqa: ANN401  of Reference
    """A server of these dialects and nothing else."""
    reference = Reference(site.parts.core, site.parts.avatars, site.parts.workers, **fields)
    return Router([socket_doors(site.parts).route("/ws", "infer", reference)])


def test_one_window_is_the_same_picture_in_every_dialect(tiny_site: Site, core: Core, pcm: Pcm, window: bytes) -> None:
    async def test() -> None:
        expected = painted(core, pcm)
        async with visiting(http_app(tiny_site.parts)) as visitor:
            visitor.say(json_request(FRAME, window, model_name="tiny"))
            told = read_json(await visitor.answer())
            assert (told["success"], told["model_name"], told["frame_id"]) == (True, "tiny", FRAME)
            assert tuple(told["bounds"]) == expected.bounds
            jpeg = b64decode(told["prediction_data"])
            assert face(jpeg, expected)
            visitor.say(json_request(FRAME, window).encode(), binary_request(b"tiny", FRAME, window))
            assert b64decode(read_json(await visitor.answer())["prediction_data"]) == jpeg
            reply = read_binary(await visitor.answer())
            assert (reply.kind, reply.frame_id, reply.content, reply.bounds) == (1, FRAME, jpeg, expected.bounds)
            visitor.say(checked_request(FRAME, window), action_request(FRAME, window))
            reply = read_checked(await visitor.answer())
            assert (reply.kind, reply.frame_id) == (2, FRAME)
            assert same(reply.content, expected.image)
            told = read_json(await visitor.answer())
            assert (told["success"], told["frame_id"], told["inference_count"]) == (True, FRAME, 5)
            assert b64decode(told["frame_data"]) == reply.content
        assert {one.image.shape for one in [expected]} == {picture(reply.content).shape}

    run(test)


def test_without_sound_the_mouth_rests(tiny_site: Site, core: Core, window: bytes) -> None:
    async def test() -> None:
        expected = painted(core, None)
        async with visiting(http_app(tiny_site.parts)) as visitor:
            for silent in (json_request(FRAME, b""), action_request(FRAME, window, use_real_audio=False)):
                visitor.say(silent)
                told = read_json(await visitor.answer())
                assert told["success"]
            assert same(b64decode(told["frame_data"]), expected.image)

    run(test)


def test_a_header_chooses_whole_pictures_or_faces(tiny_site: Site, core: Core, pcm: Pcm, window: bytes) -> None:
    async def test() -> None:
        expected = painted(core, pcm)
        async with visiting(http_app(tiny_site.parts), headers={"lipstream-output": "frame"}) as visitor:
            visitor.say(binary_request(b"", FRAME, window))
            assert same(read_binary(await visitor.answer()).content, expected.image)
        async with visiting(http_app(tiny_site.parts), headers={"lipstream-output": "patch"}) as visitor:
            visitor.say(checked_request(FRAME, window))
            assert face(read_checked(await visitor.answer()).content, expected)

    run(test)


def test_a_batch_and_questions_about_the_server(tiny_site: Site, tiny: Avatar) -> None:
    async def test() -> None:
        async with visiting(http_app(tiny_site.parts)) as visitor:
            visitor.say(json.dumps({"model_name": "tiny", "batch_frames": [{"frame_id": 3}, {"frame_id": 1}]}))
            told = read_json(await visitor.answer())
            assert (told["success"], told["batch"], told["batch_size"]) == (True, True, 2)
            assert [one["frame_id"] for one in told["frames"]] == [3, 1]
            visitor.say(*(json.dumps({"type": kind, "model_name": "tiny"}) for kind in ("list_models", "get_metadata")))
            assert read_json(await visitor.answer()) == {"type": "model_list", "models": ["tiny"], "count": 1}
            told = read_json(await visitor.answer())
            assert (told["success"], told["frame_count"], len(told["bounds"])) == (True, len(tiny.clip), 4)
            for video in told["available_videos"]:
                visitor.say(json.dumps({"type": "get_video_frame", "frame_id": 2, "video_type": video}))
                reply = read_binary(await visitor.answer())
                assert (reply.kind, reply.frame_id, reply.video_type) == (2, 2, video)
                assert picture(reply.content).shape[2] == 3
            visitor.say(binary_request(b"", 1, b""), json.dumps({"type": "get_stats"}))
            await visitor.answer()
            told = read_json(await visitor.answer())
            assert (told["total_requests"], told["binary_requests"], told["connected_clients"]) == (7, 1, 1)
            for kind, expected in [("switch_to_binary", "protocol_info"), ("test_binary", "protocol_ack")]:
                visitor.say(json.dumps({"type": kind}))
                assert read_json(await visitor.answer())["type"] == expected

    run(test)


def test_errors_come_in_the_dialect_and_the_socket_stays_open(tiny_site: Site, window: bytes) -> None:
    async def test() -> None:
        broken = checked_request(7, window)[:-1] + b"\x00"
        async with visiting(http_app(tiny_site.parts)) as visitor:
            visitor.say(broken, checked_request(7, window[:-4]), binary_request(b"nobody", 7, b""), b"")
            reply = read_checked(await visitor.answer())
            assert (reply.kind, reply.frame_id) == (0x7F, 7)
            assert reply.content.startswith(b"The CRC-32 is")
            assert read_checked(await visitor.answer()).content.startswith(
                b"audio has 40,956 bytes; expected 16 chunks"
            )
            reply = read_binary(await visitor.answer())
            assert (reply.kind, reply.frame_id) == (0, 0)
            assert reply.content.startswith(b"There is no avatar 'nobody'")
            assert read_binary(await visitor.answer()).content == b"The message has 0 bytes; expected at least 12."
            visitor.say(
                json_request(7, b"ab"),
                action_request(7, b"ab"),
                '{"type": "get_metadata", "model_name": "nobody"}',
                '{"type": "get_video_frame", "video_type": "x"}',
                '{"batch_frames": []}',
                "?",
            )
            told = [read_json(await visitor.answer()) for _ in range(6)]
            assert [one.get("success") for one in told] == [False, False, False, None, False, False]
            assert [one["error"].split()[0] for one in told] == [
                "audio",
                "audio",
                "There",
                "video_type",
                "frame_ids",
                "The",
            ]
            assert told[0]["request_id"] != told[-1]["request_id"]
            visitor.say(checked_request(7, window))
            assert read_checked(await visitor.answer()).kind == 2

    run(test)


def test_every_message_is_logged_under_what_it_asks(tiny_site: Site, window: bytes) -> None:
    async def test() -> None:
        async with visiting(tiny_site.app) as visitor:
            visitor.say(checked_request(1, window), '{"type": "get_stats"}', "?")
            for _ in range(3):
                await visitor.answer()
        assert [(one.service, one.method, one.status, one.spent.frames) for one in tiny_site.answered] == [
            ("reference.checked", "GenerateFrame", "OK", 1),
            ("reference.json", "GetStats", "OK", 0),
            ("reference.json", "Unread", "INVALID_ARGUMENT", 0),
            ("websocket", "/ws", "CANCELLED", 0),
        ]

    run(test)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=40) | st.text(max_size=40), min_size=1, max_size=8))
def test_whatever_one_client_sends_others_are_served(tiny_site: Site, garbage: list[str | bytes]) -> None:
    async def test() -> None:
        app = http_app(tiny_site.parts)
        async with visiting(app) as other, visiting(app) as visitor:
            visitor.say(*garbage)
            for _ in garbage:
                await visitor.answer()
            other.say(binary_request(b"", 0, b""))
            assert read_binary(await other.answer()).kind == 1

    run(test)


def test_statistics_are_told_unasked_but_not_where_there_is_no_text(tiny_site: Site) -> None:
    async def test() -> None:
        async with visiting(alone(tiny_site, statistics_ms=1)) as visitor:
            told = [read_json(await visitor.answer()) for _ in range(2)]
            assert [one["type"] for one in told] == ["stats", "stats"]
            assert told[1]["connected_clients"] == 1

        now = [0.0]
        core = replace(tiny_site.parts.core, now_ms=lambda: now[0])
        async with visiting(alone(tiny_site.but(core=core))) as visitor:

            async def types(*messages: str | bytes, answers: int) -> list[str]:
                now[0] += 5_000
                visitor.say(*messages)
                heard = [await visitor.answer() for _ in range(answers)]
                return [read_json(one)["type"] if isinstance(one, str) else "checked" for one in heard]

            visitor.say('{"type": "list_models"}')
            assert read_json(await visitor.answer())["type"] == "model_list"
            assert await types('{"type": "test_binary"}', answers=2) == ["protocol_ack", "stats"]
            silent = checked_request(0, b"")
            assert [await types(silent, answers=1) for _ in range(3)] == [["checked"]] * 3

    run(test)


def test_a_client_that_vanishes_ends_its_work(tiny_site: Site, core: Core) -> None:
    async def test() -> None:
        async with visiting(tiny_site.app) as visitor:
            visitor.say(json.dumps({"batch_frames": [{"frame_id": number} for number in range(500)]}))
            while not core.batcher.stats().frames:
                await asyncio.sleep(0.001)
            visitor.vanish()
        assert tiny_site.answered[0].spent.frames < 500
        assert [one.status for one in tiny_site.answered] == ["CANCELLED", "CANCELLED"]

    run(test)
    tiny_site.wait()
    assert [one.in_use for one in core.registry.snapshot().names] == [0]
    assert core.batcher.stats().waiting_frames == 0


async def asked(connection: ClientConnection, message: bytes) -> str | bytes:
    await connection.send(message)
    return await connection.recv()


def test_a_compatible_port_answers_both_paths_over_real_sockets(tiny_site: Site, window: bytes) -> None:
    async def test() -> None:
        server = HttpServer(lambda _: compat_app(tiny_site.parts), "127.0.0.1", 0)
        await server.start()
        async with (
            connect(f"ws://127.0.0.1:{server.port}") as root,
            connect(f"ws://127.0.0.1:{server.port}/ws", max_size=None) as proxied,
        ):
            assert root.response is not None
            assert "sec-websocket-extensions" not in root.response.headers
            with pytest.raises(ConnectionClosedError, match="1009"):
                await asked(proxied, bytes(10_000_001))
            assert read_binary(await asked(root, binary_request(b"", FRAME, window))).kind == 1
        await server.drain(0)

    run(test)


def test_a_compatible_port_tells_of_its_health_as_the_proxy_did(tiny_site: Site) -> None:
    for ready, status in [(True, 200), (False, 503)]:
        client = TestClient(
            compat_app(tiny_site.but(ready=lambda ready=ready: ready).parts), base_url="http://localhost"
        )
        answer = client.get("/health")
        assert answer.status_code == status
        assert answer.json() == {
            "healthy": ready,
            "total_backends": 1,
            "healthy_count": int(ready),
            "backends": [{"address": "this process", "healthy": ready, "total_requests": 0, "error_count": 0}],
        }
