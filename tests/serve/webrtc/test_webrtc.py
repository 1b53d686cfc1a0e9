import asyncio
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx2
import numpy as np
import pytest
from http_site import Site, Visit, site

pytest.importorskip("aiortc", reason='needs pip install ".[webrtc]"')

from aiortc import RTCPeerConnection
from callers import PATIENCE_S, Caller, Microphone, caller, calling
from starlette.types import Message

from lipstream.clock import now_ms
from lipstream.pipeline.session import FROM_MICROPHONE, StreamFrame
from lipstream.serve.access import Guard
from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core
from lipstream.serve.keys import Key, KeyFile, new_secret, sha256_of, write_keys
from lipstream.serve.live.opening import Opening
from lipstream.serve.quotas import Quotas
from lipstream.serve.tokens import Tokens
from lipstream.serve.webrtc.coding import Coder
from lipstream.serve.webrtc.peer import Peer
from lipstream.serve.webrtc.settings import DEFAULT_SETTINGS, IceServer
from lipstream.types import Pcm

SDP = {"content-type": "application/sdp"}
MOUTH = np.s_[84:100, 56:72]
"""Of the tiny avatar's pictures."""


@pytest.fixture(autouse=True)
def own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections use the loopback address alone, which every machine has."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: ["127.0.0.1"])


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made


@pytest.fixture
def coded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, tuple[str, ...]]]:
    """Index and codecs of every frame that is coded."""
    frames = []
    code = Coder.code

    def counting(coder: Coder, frame: StreamFrame, codecs: set[str], keys: set[str]) -> object:
        frames.append((frame.index, tuple(sorted(codecs))))
        return code(coder, frame, codecs, keys)

    monkeypatch.setattr(Coder, "code", counting)
    return frames


def moves(one: Caller) -> bool:
    mouths = [picture.to_ndarray(format="gray")[MOUTH].mean() for picture in one.pictures]
    return bool(mouths) and max(mouths) - min(mouths) > 5


def is_heard(one: Caller) -> bool:
    return any(np.abs(sound.to_ndarray()).max() > 1000 for sound in one.sounds)


def test_a_talker_sees_a_mouth_that_moves_and_hears_what_it_says(tiny_site: Site, hello: Pcm) -> None:
    async def test() -> None:
        async with calling(tiny_site.app) as client, caller(client) as talker:
            await talker.talk(Microphone(np.repeat(hello, 3)), avatar="tiny")
            await talker.until(lambda: moves(talker) and is_heard(talker) and talker.said("speaking"))
            talker.channel.send('{"type": "interrupt"}')
            await talker.until(lambda: talker.said("interrupted"))
            (started,) = [one for one in talker.told if one["type"] == "started"]
            assert (started["session"], started["width"], started["picture"]) == (talker.session, 128, "h264")
            assert await talker.hang_up() == 200
            await talker.until(lambda: talker.peer.connectionState == "closed")
            assert await talker.hang_up() == 404
            tasks = asyncio.all_tasks()
        assert not [one for one in tasks if "webrtc/connections" in repr(one)]

    asyncio.run(test())


def test_viewers_share_one_encode_and_leave_when_the_speaker_does(
    tiny_site: Site, coded: list[tuple[int, tuple[str, ...]]]
) -> None:
    async def test() -> None:
        two = tiny_site.but(webrtc=replace(DEFAULT_SETTINGS, max_viewers=2))
        async with calling(two.app) as client, caller(client) as talker:
            await talker.talk(avatar="tiny", echo="0")
            await talker.until(lambda: len(talker.pictures) >= 3)
            async with caller(client) as first, caller(client) as second:
                await first.watch(talker.session)
                await second.watch(talker.session)
                await first.until(lambda: len(first.pictures) >= 3)
                await second.until(lambda: len(second.pictures) >= 3)
                full = await client.post(f"/v1/whep/{talker.session}", content=OFFER, headers=SDP)
                assert (full.status_code, full.headers["retry-after"]) == (503, "1")
                assert two.parts.live.floor().viewers == 2
                assert await first.hang_up() == 200
                assert await talker.hang_up() == 200
                await second.until(lambda: second.peer.connectionState == "closed")
        assert not is_heard(talker)
        assert tiny_site.parts.live.floor().viewers == 0

    asyncio.run(test())
    assert [index for index, _ in coded] == list(range(coded[0][0], coded[0][0] + len(coded)))
    assert {codecs for _, codecs in coded} == {("H264",)}


def test_a_session_of_another_transport_is_watched_too(tiny_site: Site) -> None:
    async def test() -> None:
        opening = Opening("tiny", FROM_MICROPHONE, "somebody", "websocket")
        async with calling(tiny_site.app) as client, caller(client) as viewer:
            async with tiny_site.parts.live.open(opening) as session:

                async def take() -> None:
                    async for _ in session:
                        pass

                taking = asyncio.create_task(take())
                await viewer.watch(session.id)
                await viewer.until(lambda: len(viewer.pictures) >= 2)
                taking.cancel()
            await viewer.until(lambda: viewer.peer.connectionState == "closed")

    asyncio.run(test())


def test_who_leaves_before_the_answer_leaves_no_session(tiny_site: Site) -> None:
    async def test() -> None:
        peer = RTCPeerConnection()
        peer.addTransceiver("video", "recvonly")
        offer = (await peer.createOffer()).sdp.encode()
        async with asyncio.timeout(PATIENCE_S):
            visit = Visit("/v1/webrtc?avatar=tiny", body=[offer], headers=SDP, leaves=True)
            await visit.visit(tiny_site.app)
            assert [one.status for one in tiny_site.answered] == ["CANCELLED"]
            while tiny_site.parts.live.floor().sessions:
                await asyncio.sleep(0)

    asyncio.run(test())


def test_who_does_not_connect_in_time_leaves_no_session(tiny_site: Site) -> None:
    webrtc = replace(DEFAULT_SETTINGS, connect_timeout_ms=1)

    async def test() -> None:
        peer = RTCPeerConnection()
        peer.addTransceiver("video", "recvonly")
        async with asyncio.timeout(PATIENCE_S), calling(tiny_site.but(webrtc=webrtc).app) as client:
            answer = await client.post("/v1/webrtc", content=(await peer.createOffer()).sdp, headers=SDP)
            assert answer.status_code == 201
            while tiny_site.parts.live.floor().sessions:
                await asyncio.sleep(0)

    asyncio.run(test())


def test_a_client_that_vanishes_is_found(tiny_site: Site) -> None:
    async def test() -> None:
        webrtc = replace(DEFAULT_SETTINGS, idle_timeout_ms=500, codecs=("VP8",))
        async with calling(tiny_site.but(webrtc=webrtc).app) as client, caller(client) as talker:
            await talker.talk(avatar="tiny")
            await talker.until(lambda: talker.pictures)
            talker.vanish()
            async with asyncio.timeout(PATIENCE_S):
                async for _ in tiny_site.parts.live.session(talker.session).watch():
                    pass  # until it is over

    asyncio.run(test())


def test_who_hangs_up_twice_does_not_break_the_closing_off(tiny_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    close = Peer.close

    async def test() -> None:
        began, goes_on, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def slowly(peer: Peer) -> None:
            began.set()
            await goes_on.wait()
            await close(peer)
            closed.set()

        monkeypatch.setattr(Peer, "close", slowly)
        async with asyncio.timeout(PATIENCE_S), calling(tiny_site.app) as client, caller(client) as talker:
            await talker.talk(avatar="tiny")
            first = asyncio.create_task(talker.hang_up())
            await began.wait()
            assert await talker.hang_up() == 200
            goes_on.set()
            assert await first == 200
            await closed.wait()

    asyncio.run(test())


def test_a_connection_is_closed_where_all_tasks_are_cancelled(tiny_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a process that is told twice to stop."""
    close, closed = Peer.close, list[Peer]()

    async def told(peer: Peer) -> None:
        await close(peer)
        closed.append(peer)

    async def test() -> None:
        monkeypatch.setattr(Peer, "close", told)
        async with calling(tiny_site.app) as client:
            talker = Caller(client)
            await talker.talk(avatar="tiny")
            await talker.until(lambda: talker.pictures)

    asyncio.run(test())
    assert closed


def test_media_that_nobody_takes_are_not_decoded(tiny_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipstream.serve.webrtc.peer.offered", lambda offer: list(dict.fromkeys(_kinds(offer))))

    async def test() -> None:
        async with calling(tiny_site.app) as client, caller(client) as talker:
            for _ in range(2):
                talker.peer.addTransceiver("video", "sendrecv")
            await talker.talk(Microphone(np.zeros(960, np.float32)), avatar="tiny")
            assert [one.currentDirection for one in talker.peer.getTransceivers()].count("inactive") == 2
            assert await talker.hang_up() == 200

    asyncio.run(test())


def _kinds(offer: str) -> list[str]:
    return re.findall(r"^m=(audio|video)", offer, re.MULTILINE)


def test_connections_end_with_the_server(tiny_site: Site) -> None:
    async def test() -> None:
        app = tiny_site.but(webrtc=replace(DEFAULT_SETTINGS, drain_ms=0)).app
        told: asyncio.Queue[Message] = asyncio.Queue()
        said: asyncio.Queue[Message] = asyncio.Queue()
        serving = asyncio.ensure_future(app({"type": "lifespan", "asgi": {"version": "3.0"}}, told.get, said.put))
        told.put_nowait({"type": "lifespan.startup"})
        async with calling(app) as client, caller(client) as talker:
            assert (await said.get())["type"] == "lifespan.startup.complete"
            await talker.talk(avatar="tiny")
            told.put_nowait({"type": "lifespan.shutdown"})
            await serving
            assert not tiny_site.parts.live.floor().sessions
            assert (await said.get())["type"] == "lifespan.shutdown.complete"

    asyncio.run(test())


def test_who_wants_no_pictures_is_told_of_none(tiny_site: Site) -> None:
    async def test() -> None:
        async with calling(tiny_site.app) as client, caller(client) as talker:
            await talker.talk(Microphone(np.zeros(960, np.float32)), video=False, avatar="tiny")
            await talker.until(lambda: talker.said("started"))
            (started,) = [one for one in talker.told if one["type"] == "started"]
            assert (started["picture"], started["codec"], started["sound"]) == ("", "", "opus")
            assert await talker.hang_up() == 200

    asyncio.run(test())


@pytest.mark.parametrize("of_session", ["", "fingerprint"])
def test_pictures_come_where_the_offer_has_them_bundled_with_the_sound(
    tiny_site: Site, monkeypatch: pytest.MonkeyPatch, of_session: str
) -> None:
    monkeypatch.setattr("callers._ungathered", partial(bundle_only, of_session=of_session))

    async def test() -> None:
        async with calling(tiny_site.app) as client, caller(client) as viewer, caller(client) as talker:
            await talker.talk(avatar="tiny")
            await viewer.watch(talker.session)
            await viewer.until(lambda: viewer.pictures)
            assert await talker.hang_up() == 200

    asyncio.run(test())


def bundle_only(offer: str, of_session: str) -> str:
    """As browsers offer whose policy is max-bundle: the way of the first media alone is said, part of it before all."""
    if of_session:
        said = "".join(dict.fromkeys(re.findall(rf"^a={of_session}:.*\n", offer, flags=re.MULTILINE)))
        offer = re.sub(rf"^a={of_session}:.*\n", "", offer, flags=re.MULTILINE).replace("m=", f"{said}m=", 1)
    first, video = re.sub(r"^a=(end-of-)?candidate.*\n", "", offer, flags=re.MULTILINE).split("m=video")
    video = re.sub(r"^a=(ice-|fingerprint|setup).*\n", "", video, flags=re.MULTILINE)
    return f"{first}m=video{re.sub(r' [0-9]+', ' 0', video, count=1)}a=bundle-only\r\n"


def test_what_is_wrong_with_a_message_ends_the_session_with_words(tiny_site: Site) -> None:
    async def test() -> None:
        async with calling(tiny_site.app) as client, caller(client) as talker:
            await talker.talk(avatar="tiny")
            await talker.until(lambda: talker.said("started"))
            talker.channel.send('{"type": "sing"}')
            await talker.until(lambda: talker.said("error"))
            (error,) = [one for one in talker.told if one["type"] == "error"]
            assert (error["status"], error["code"]) == (400, "invalid_argument")
            await talker.until(lambda: talker.peer.connectionState == "closed")

    asyncio.run(test())


def asked(made: Site, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> httpx2.Response:
    async def ask() -> httpx2.Response:
        async with calling(made.app) as client:
            return await client.request(method, path, content=body, headers=headers or SDP)

    return asyncio.run(ask())


OFFER = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/v1/webrtc", b"\xff", 400, "no UTF-8"),
        ("/v1/webrtc", b"hello", 400, "neither audio nor video"),
        ("/v1/webrtc", b"m=audio " + b"9" * 5_000 + b" UDP 0\r\n", 400, "neither audio nor video"),
        ("/v1/webrtc", OFFER.encode(), 400, "The offer cannot be used"),
        ("/v1/webrtc", OFFER.encode() + b"a=x\r\n" * 20_000, 400, "more than 65,536 bytes"),
        ("/v1/webrtc?avatar=nobody", OFFER.encode(), 404, "There is no avatar"),
        ("/v1/webrtc?avatar=../x", OFFER.encode(), 400, "cannot be called"),
        ("/v1/webrtc?source=piano", OFFER.encode(), 400, "expected microphone or tts"),
        ("/v1/webrtc?gain=loud", OFFER.encode(), 400, "gain is 'loud'; expected a number"),
        ("/v1/webrtc?gain=3", OFFER.encode(), 400, "gain"),
        ("/v1/whep/nothing", OFFER.encode(), 404, "there is no session 'nothing'"),
    ],
)
def test_what_cannot_be_taken_is_said(tiny_site: Site, path: str, body: bytes, status: int, words: str) -> None:
    answer = asked(tiny_site, "POST", path, body)
    assert (answer.status_code, words in answer.json()["error"]) == (status, True)
    assert not tiny_site.parts.live.floor().sessions


def test_a_connection_counts_among_those_of_its_key(tiny_site: Site, tmp_path: Path) -> None:
    secret = new_secret()
    write_keys(
        tmp_path / "keys",
        [Key(name="me", sha256=sha256_of(secret), scopes=frozenset({"infer"}), max_concurrent=1)],
    )
    guarded = tiny_site.but(guard=Guard(KeyFile(tmp_path / "keys"), Tokens(), Quotas(), now_ms))

    async def test() -> None:
        peer = RTCPeerConnection()
        peer.addTransceiver("video", "recvonly")
        offer = (await peer.createOffer()).sdp
        async with calling(guarded.app) as client:

            async def post(secret: str) -> httpx2.Response:
                return await client.post("/v1/webrtc", content=offer, headers={**SDP, "x-api-key": secret})

            assert (await post("other")).status_code == 401
            first = await post(secret)
            assert (first.status_code, (await post(secret)).status_code) == (201, 503)
            assert (await client.delete(first.headers["location"])).status_code == 200
            second = await post(secret)
            assert second.status_code == 201
            assert (await client.delete(second.headers["location"])).status_code == 200

    asyncio.run(test())


def test_an_offer_says_that_it_is_one(tiny_site: Site) -> None:
    answer = asked(tiny_site, "POST", "/v1/webrtc", OFFER.encode(), {"content-type": "text/plain"})
    assert answer.status_code == 415
    assert answer.json()["error"] == "The body is text/plain; expected application/sdp, an offer."


def test_without_the_package_its_name_is_said(tiny_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lipstream.serve.webrtc.connections", raising=False)
    monkeypatch.delitem(sys.modules, "lipstream.serve.webrtc.peer", raising=False)
    monkeypatch.setitem(sys.modules, "aiortc", None)
    answer = asked(tiny_site, "POST", "/v1/webrtc", OFFER.encode())
    assert answer.status_code == 501
    assert 'pip install "lipstream[webrtc]"' in answer.json()["error"]
    monkeypatch.setitem(sys.modules, "livekit.rtc", None)
    monkeypatch.delitem(sys.modules, "aiortc")
    answer = asked(tiny_site, "POST", "/v1/webrtc?sound_in=noise", OFFER.encode())
    assert answer.status_code == 501
    assert 'pip install "lipstream[audio]"' in answer.json()["error"]


def test_candidates_are_not_sent_later(tiny_site: Site) -> None:
    assert asked(tiny_site, "PATCH", "/v1/whep/any/other", b"a=x").status_code == 405


def test_browsers_are_told_of_the_servers_that_help(tiny_site: Site) -> None:
    servers = (IceServer("stun:stun.example.org"), IceServer("turn:turn.example.org", "me", "secret"))
    helped = tiny_site.but(webrtc=replace(DEFAULT_SETTINGS, ice_servers=servers))
    assert asked(helped, "GET", "/v1/webrtc", b"").json() == {
        "iceServers": [
            {"urls": "stun:stun.example.org"},
            {"urls": "turn:turn.example.org", "username": "me", "credential": "secret"},
        ]
    }


def test_an_ice_server_as_a_link() -> None:
    assert IceServer("stun:stun.example.org").link == '<stun:stun.example.org>; rel="ice-server"'
    assert IceServer("turn:turn.example.org", "me", "secret").link == (
        '<turn:turn.example.org>; rel="ice-server"; username="me"; credential="secret"; credential-type="password"'
    )
