import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from http_site import Site

pytest.importorskip("aiortc", reason='needs pip install ".[webrtc]"')

from aiortc import RTCPeerConnection
from callers import OFFER, SDP, calling

from lipstream.clock import now_ms
from lipstream.serve.access import Guard
from lipstream.serve.keys import Key, KeyFile, new_secret, sha256_of, write_keys
from lipstream.serve.quotas import Quotas
from lipstream.serve.tokens import Tokens
from lipstream.serve.webrtc.settings import DEFAULT_SETTINGS, IceServer


def asked(made: Site, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> httpx2.Response:
    async def ask() -> httpx2.Response:
        async with calling(made.app) as client:
            return await client.request(method, path, content=body, headers=headers or SDP)

    return asyncio.run(ask())


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
